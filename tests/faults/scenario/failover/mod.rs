//! R10 and R13: a standby takes the place of the primary, and nothing that was acknowledged is lost.

mod lagging;
mod outage;
mod patroni;
mod promote;

pub use lagging::run as lagging;
pub use patroni::run as patroni;
pub use promote::run as promote;

use std::time::Duration;

use crate::load::StormPlan;

/// How long a call may take before its client gives it up.
const CALL_PATIENCE: Duration = Duration::from_secs(5);
/// How long anything else may take, on a machine that has much else to do.
const PATIENCE: Duration = Duration::from_secs(120);
const PLAN: StormPlan = StormPlan { tokens: 24, contended_tokens: 4 };
