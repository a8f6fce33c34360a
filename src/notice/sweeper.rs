//! The task that has deadlines announced.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::domain::notice::Deadline;
use crate::service::Service;

/// How often to look for deadlines.
const PERIOD: Duration = Duration::from_secs(30);

/// Has deadlines announced until it is stopped.
pub(super) async fn sweep(deadlines: Vec<Deadline>, service: Service, stop: CancellationToken) {
    let mut periods = interval(PERIOD);
    periods.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut has_failed = false;
    while stop.run_until_cancelled(periods.tick()).await.is_some() {
        match service.announce_deadlines(&deadlines).await {
            Err(err) if !has_failed => {
                tracing::warn!(name: "deadlines_not_announced", cause = %err.cause(), "some deadlines of tokens cannot be announced; retrying, and leaving nothing out");
                has_failed = true;
            }
            Ok(()) if std::mem::take(&mut has_failed) => {
                tracing::info!(name: "deadlines_announced_again", "all deadlines of tokens can be announced again");
            }
            _ => {}
        }
    }
}
