//! Random bytes that are the same in every run: SHA-256 over a seed and a counter. Only request ids differ.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use rotakey::domain::value::Value;
use rotakey::entropy::{Entropy, EntropyError};
use sha2::{Digest, Sha256};

pub struct SeededEntropy {
    seed: u64,
    counter: AtomicU64,
    panics: AtomicBool,
}

impl SeededEntropy {
    pub fn new(seed: u64) -> Self {
        Self { seed, counter: AtomicU64::new(0), panics: AtomicBool::new(false) }
    }

    /// Makes the next creation of a value panic.
    pub fn panic_at_the_next_value(&self) {
        self.panics.store(true, Ordering::SeqCst);
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), EntropyError> {
        let value = buffer.len() == Value::ENTROPY_BYTES;
        assert!(!(value && self.panics.swap(false, Ordering::SeqCst)), "as the test wants it");
        for chunk in buffer.chunks_mut(32) {
            let counter = self.counter.fetch_add(1, Ordering::SeqCst);
            let block =
                Sha256::new().chain_update(self.seed.to_be_bytes()).chain_update(counter.to_be_bytes()).finalize();
            chunk.copy_from_slice(&block[..chunk.len()]);
        }
        Ok(())
    }

    /// The bytes of request ids. No two servers of the process give the same, so that an id in the log has one request.
    fn fill_guessable(&self, buffer: &mut [u8]) -> Result<(), EntropyError> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        // As many bytes of values come before and after as without.
        self.fill(buffer)?;
        let number = NUMBER.fetch_add(1, Ordering::SeqCst).to_be_bytes();
        let rest = buffer.len() - number.len();
        buffer[rest..].copy_from_slice(&number);
        Ok(())
    }
}
