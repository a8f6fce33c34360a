//! Deliveries of notices: claiming those that are due, noting what came of them, and housekeeping. The room `notice` sends them.

mod backlog;
mod claim;
mod counts;
mod note;
mod tidy;

pub(crate) use backlog::KnownBacklog;
pub(crate) use counts::AttemptCounts;
pub use note::Attempt;
