//! The source of random bytes, which is injected. With `clock`, this is the only source of non-determinism.

use std::cell::RefCell;
use std::sync::Arc;

use rand::rngs::SmallRng;
#[expect(clippy::disallowed_types, reason = "the one place that draws from the operating system")]
use rand::rngs::SysRng;
use rand::{Rng, SeedableRng, TryRng};

/// A source of random bytes.
pub trait Entropy: Send + Sync {
    /// Fills the whole buffer.
    ///
    /// # Errors
    /// [`EntropyError`] when there are no random bytes to be had; the buffer is then of no use.
    fn fill(&self, buffer: &mut [u8]) -> Result<(), EntropyError>;

    /// As [`Entropy::fill`], for identifiers that must only be unique. The next bytes can be predicted from earlier ones, so never
    /// make a secret of them.
    ///
    /// # Errors
    /// As [`Entropy::fill`].
    fn fill_guessable(&self, buffer: &mut [u8]) -> Result<(), EntropyError> {
        self.fill(buffer)
    }
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

    fn fill_guessable(&self, buffer: &mut [u8]) -> Result<(), EntropyError> {
        // The operating system seeds it once. A system call for every request would cost more than the rest of the request.
        GUESSABLE.with_borrow_mut(|source| {
            let seeded = match source {
                Some(seeded) => seeded,
                None => {
                    let mut seed = <SmallRng as SeedableRng>::Seed::default();
                    self.fill(seed.as_mut())?;
                    source.insert(SmallRng::from_seed(seed))
                }
            };
            seeded.fill_bytes(buffer);
            Ok(())
        })
    }
}

thread_local! {
    static GUESSABLE: RefCell<Option<SmallRng>> = const { RefCell::new(None) };
}
