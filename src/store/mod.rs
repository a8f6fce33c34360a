//! The only room that knows the database. Rows come in and go out as the plain values of `domain`; entities stay here.
//!
//! It never reads a clock or a random source and holds no rule: callers say what to write, and it is guarded by
//! compare-and-set where two of them could race (R7).

mod audit;
mod backup;
mod changes;
mod connect;
mod database;
mod entity;
mod error;
mod file;
mod housekeeping;
mod list;
mod listen;
mod rotation;
mod sql;
mod token;
mod write;

pub use backup::contents::Contents;
pub use backup::restore::{Replaced, Restoration};
pub use changes::epochs::Stamp;
pub use changes::publisher::AuditMessage;
pub use database::Store;
pub use error::Error;
pub use list::Listing;
pub use listen::listener::ChangeListener;
pub use rotation::rotate::Rotated;
pub use token::lock::LockMode;
pub use write::transaction::Transaction;
