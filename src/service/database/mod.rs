//! What the service keeps of its database: contact with it, its clock, whether it is ready, and that it does not fill up.

mod contact;
mod flush_uses;
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
