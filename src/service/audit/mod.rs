//! The audit log: writing it, reading a page of it, and following it.

mod fan_out;
mod gate;
mod list;
mod record;
mod report;
mod watch;

pub(crate) use fan_out::FanOut;
pub(crate) use gate::{Gate, RefusalGates};
pub use list::{AuditPage, AuditRequest};
pub(crate) use record::Refused;
pub(crate) use report::report;
