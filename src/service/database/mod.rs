//! What the service keeps of its database: contact with it, its clock, whether it is ready, and that it does not fill up.

mod contact;
mod keep_contact;
mod keep_uses;
mod ready;
mod schema_state;
mod sweep;
mod time;
mod urgent;

pub(crate) use contact::Contact;
pub use ready::Readiness;
pub(crate) use schema_state::SchemaState;
pub(crate) use time::Time;
