//! The audit log: writing it, listing it, and subscribing to it.

mod conditions;
mod fan_out;
mod frequent_refusals;
mod list;
mod process_log;
mod rate_limit;
mod record;
mod subscription;

pub use conditions::AuditConditions;
pub(crate) use fan_out::FanOut;
pub(crate) use frequent_refusals::FrequentRefusals;
pub use list::{AuditPage, AuditRequest};
pub(crate) use process_log::report;
pub(crate) use rate_limit::{RateLimit, RefusalLimits};
pub(crate) use record::Refused;
