//! The clock and the random source of this host, which every command but a test's is given.

use std::sync::Arc;

use crate::clock::{SharedClock, SystemClock};
use crate::entropy::{SharedEntropy, SystemEntropy};

pub(super) fn system() -> (SharedClock, SharedEntropy) {
    (Arc::new(SystemClock), Arc::new(SystemEntropy))
}
