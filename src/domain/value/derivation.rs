//! Deriving values that a repeated request gets again (R6): from the value that the caller presented, and never stored.
//!
//! HKDF (RFC 5869) with SHA-256. The input key material is the presented value: 256 random bits that the server does not keep. The
//! salt is random, and kept in the row until the first use. The info is the token id, the generation and the idempotency key. The
//! database alone is not enough to derive a value.

use hkdf::Hkdf;
use sha2::Sha256;

use super::format::Value;
use crate::domain::id::TokenId;
use crate::domain::invalid_input::InvalidInput;
use crate::domain::token::{Salt, Token};

/// An idempotency key, by which a repeated request is recognised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// The longest key, in characters.
    pub const MAX_LENGTH: usize = 255;

    /// Reads a key: 1 to 255 printable ASCII characters.
    ///
    /// # Errors
    /// For any other text.
    pub fn parse(text: &str) -> Result<Self, InvalidInput> {
        let good = (1..=Self::MAX_LENGTH).contains(&text.len()) && text.bytes().all(|byte| matches!(byte, 0x20..=0x7E));
        if good {
            return Ok(Self(text.to_owned()));
        }
        let message = format!("An idempotency key has 1 to {} printable ASCII characters.", Self::MAX_LENGTH);
        Err(InvalidInput::new("idempotencyKey", message))
    }
}

/// The value of this generation for a caller that presents this value with this key.
pub fn derive(token: &Token, generation: u32, presented: &Value, salt: &Salt, key: &IdempotencyKey) -> Value {
    let mut entropy = [0; Value::ENTROPY_BYTES];
    let hkdf = Hkdf::<Sha256>::new(Some(salt.0.as_slice()), presented.expose().as_bytes());
    // It fails only for outputs of more than 255 hashes, and this one is exactly one.
    let derived = hkdf.expand_multi_info(&info(token.id, generation, key).each_ref().map(Vec::as_slice), &mut entropy);
    debug_assert!(derived.is_ok());
    Value::from_entropy(token.settings.kind, &entropy)
}

/// The current value again, if it was issued to a caller that presented this value with this key, and has not been used.
pub fn repeat(token: &Token, presented: &Value, key: &IdempotencyKey) -> Option<Value> {
    let current = &token.current;
    let salt = current.salt.as_ref().filter(|_| current.first_used_at.is_none())?;
    let derived = derive(token, current.generation, presented, salt, key);
    (derived.hash() == current.hash).then_some(derived)
}

/// Fixed-width parts first, so that no two sets of parts read the same.
fn info(id: TokenId, generation: u32, key: &IdempotencyKey) -> [Vec<u8>; 4] {
    let label = b"rotakey rotation v1 ".to_vec();
    [label, id.to_string().into_bytes(), generation.to_be_bytes().to_vec(), key.0.clone().into_bytes()]
}
