//! The service's view of its database: contact, the clock, readiness, housekeeping, and a full disk.

mod contact;
mod full_disk;
mod housekeeping;
mod keep_contact;
mod readiness;
mod schema_state;
mod time;

pub(crate) use contact::Contact;
pub use readiness::Readiness;
pub(crate) use schema_state::SchemaState;
pub(crate) use time::Time;
