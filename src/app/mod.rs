//! Composition: opens the database, binds the port, runs the server and its background tasks, and shuts down gracefully.

mod error;
mod listen;
mod open;
mod serve;
mod supervision;
#[cfg(test)]
mod tests;

pub use error::Error;
pub use listen::{Listeners, bind};
pub use open::{open, open_existing, raise_descriptor_limit};
pub use serve::{Settings, serve, stop_signal};
pub use supervision::{load_connector, load_tls, while_starting};
