//! Random bytes, as a value that is passed in. One of the two impurities of the system; the other is `clock`.

use std::sync::Arc;

use rand::TryRng;
#[expect(clippy::disallowed_types, reason = "the one place that draws from the operating system")]
use rand::rngs::SysRng;

/// A source of random bytes.
pub trait Entropy: Send + Sync {
    /// Fills the whole buffer.
    ///
    /// # Errors
    /// [`EntropyError`] when there are no random bytes to be had; the buffer is then of no use.
    fn fill(&self, buffer: &mut [u8]) -> Result<(), EntropyError>;
}

/// A source that several rooms share.
pub type SharedEntropy = Arc<dyn Entropy>;

/// The source gave no random bytes.
#[derive(Debug, thiserror::Error)]
#[error("the operating system gave no random bytes: {0}")]
pub struct EntropyError(pub String);

/// The random source of the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), EntropyError> {
        SysRng.try_fill_bytes(buffer).map_err(|err| EntropyError(err.to_string()))
    }
}
