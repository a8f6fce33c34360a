//! Delivering notices to receivers outside: which addresses may be connected to, and what follows from the outcome of an attempt.

mod addresses;
mod outcome;
mod retry;

pub use addresses::{AllowedNetworks, MalformedNetworks};
pub use outcome::{Next, Outcome};
pub use retry::{LONGEST_PAUSE_MINUTES, MAX_RETRY_AFTER_SECONDS, retry_after};
