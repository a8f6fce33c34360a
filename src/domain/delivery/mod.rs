//! Delivering notices to receivers outside: which addresses may be connected to, and when a failed delivery is repeated.

mod addresses;
mod retry;

pub use addresses::{AllowedNetworks, MalformedNetworks};
pub use retry::{Attempt, MAX_RETRY_AFTER_SECONDS, next_attempt, retry_after};
