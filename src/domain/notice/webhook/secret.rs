//! The secrets that messages are signed with: a key for HMAC-SHA256, and the seed of an Ed25519 key. Whoever has them can forge notices.

use std::fmt;

use crate::domain::invalid_input::InvalidInput;

/// What one version of the messages is signed with. It cannot be printed or cloned.
#[derive(PartialEq, Eq)]
pub struct WebhookSecret {
    /// The key for HMAC-SHA256, which the receiver knows, too.
    pub hmac_key: [u8; Self::KEY_BYTES],
    /// The seed of the Ed25519 key, of which the receiver knows the public key only.
    pub ed25519_seed: [u8; Self::KEY_BYTES],
}

impl WebhookSecret {
    /// How long each of the two is.
    pub const KEY_BYTES: usize = 32;
    /// How many random bytes a secret takes.
    pub const ENTROPY_BYTES: usize = 2 * Self::KEY_BYTES;

    /// A secret of these random bytes.
    pub fn from_entropy(entropy: &[u8; Self::ENTROPY_BYTES]) -> Self {
        let (mut hmac_key, mut ed25519_seed) = ([0; Self::KEY_BYTES], [0; Self::KEY_BYTES]);
        let (first, second) = entropy.split_at(Self::KEY_BYTES);
        hmac_key.copy_from_slice(first);
        ed25519_seed.copy_from_slice(second);
        Self { hmac_key, ed25519_seed }
    }
}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecret(…)")
    }
}

/// The secrets of a webhook. Messages are signed with each, so that a receiver can change to the new one.
#[derive(Debug, PartialEq, Eq)]
pub struct WebhookSecrets {
    /// The newest.
    pub current: WebhookSecret,
    /// The one before, while its overlap lasts.
    pub previous: Option<WebhookSecret>,
}

/// For how long, in minutes, messages are also signed with the secret before, if nobody says.
pub const DEFAULT_SECRET_OVERLAP_MINUTES: u32 = 24 * 60;
/// The longest such overlap, in minutes: 30 days.
pub const MAX_SECRET_OVERLAP_MINUTES: u32 = 30 * 24 * 60;

/// For how long, in minutes, messages are also signed with the secret before; 0 for no longer.
///
/// # Errors
/// When it is negative or too long.
pub fn secret_overlap(asked: Option<i32>) -> Result<u32, InvalidInput> {
    let Some(asked) = asked else { return Ok(DEFAULT_SECRET_OVERLAP_MINUTES) };
    u32::try_from(asked).ok().filter(|minutes| *minutes <= MAX_SECRET_OVERLAP_MINUTES).ok_or_else(|| {
        let message = format!("The overlap of two secrets must be from 0 to {MAX_SECRET_OVERLAP_MINUTES} minutes.");
        InvalidInput::new("overlapMinutes", message)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_prints_nothing_and_its_halves_differ() {
        let entropy: [u8; 64] = std::array::from_fn(|at| u8::try_from(at).unwrap());
        let secret = WebhookSecret::from_entropy(&entropy);
        assert_eq!((secret.hmac_key[0], secret.hmac_key[31]), (0, 31));
        assert_eq!((secret.ed25519_seed[0], secret.ed25519_seed[31]), (32, 63));
        let secrets = WebhookSecrets { current: secret, previous: None };
        assert_eq!(format!("{secrets:?}"), "WebhookSecrets { current: WebhookSecret(…), previous: None }");
    }

    #[test]
    fn an_overlap_is_a_day_by_default_and_30_at_most() {
        assert_eq!(secret_overlap(None), Ok(1_440));
        for (asked, good) in [(-1, false), (0, true), (43_200, true), (43_201, false)] {
            assert_eq!(secret_overlap(Some(asked)).is_ok(), good, "{asked}");
        }
    }
}
