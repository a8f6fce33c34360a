//! The clock and the random source of the operating system, for all commands.

use std::sync::Arc;

use crate::clock::{SharedClock, SystemClock};
use crate::entropy::{SharedEntropy, SystemEntropy};

pub(super) fn system() -> (SharedClock, SharedEntropy) {
    (Arc::new(SystemClock), Arc::new(SystemEntropy))
}
