//! The only room that knows the database. It takes and returns the plain values of `domain`; entities stay here.
//!
//! It never reads a clock or a random source, and has no rules: callers say what to write. Where two callers could race, the write
//! is a compare-and-set (R7).

mod audit;
mod backup;
mod campaign;
mod changes;
mod conditional_write;
mod connect;
mod database;
mod describe;
mod entity;
mod error;
mod file;
mod housekeeping;
mod list;
mod notice;
mod poll;
mod rotation;
mod sql;
mod token;
mod value_use;
mod write;

pub use audit::EventListing;
pub use backup::restore::{Replaced, Restoration};
pub use backup::verify::Contents;
pub use campaign::{Member, MemberCount, filter_of_text, text_of_filter};
pub use changes::epochs::{Publication, Stamp};
pub use changes::publisher::AuditMessage;
pub use database::Store;
pub use error::Error;
pub use housekeeping::statistics::OwnerPosition;
pub use list::{Listing, PagePlans};
pub use notice::{
    Attempted, AttemptedMail, Backlog, Claimed, ClaimedDelivery, ClaimedMail, DeliveryListing, DueWebhook, MailBacklog,
    MailClaim, Noted, NotedMail, SweepPosition,
};
pub use poll::listener::ChangeListener;
pub use rotation::rotate::Rotated;
pub use token::import::ImportedValue;
pub use token::lock::LockMode;
pub use write::transaction::Transaction;
