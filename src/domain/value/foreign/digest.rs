//! The hash of a value as another system keeps it, and the hash by which it is found here.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use sha2::{Digest, Sha256};

use super::name::FormatName;
use crate::domain::invalid_input::InvalidInput;
use crate::domain::text::names;
use crate::domain::value::format::ValueHash;

/// How another system computes the hash of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// SHA-256, of the value and what may be appended to it.
    Sha256,
    /// SHA-512, of the value and what may be appended to it.
    Sha512,
    /// HMAC with SHA-256 (RFC 2104), whose key is the pepper.
    HmacSha256,
}

names! {
    Algorithm {
        Sha256 => "sha256",
        Sha512 => "sha512",
        HmacSha256 => "hmac-sha256",
    }
}

impl Algorithm {
    /// The field of an import that has such a hash.
    pub fn field(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
            Self::HmacSha256 => "hmacSHA256",
        }
    }

    /// The length of a hash, in bytes.
    pub fn bytes(self) -> usize {
        match self {
            Self::Sha256 | Self::HmacSha256 => 32,
            Self::Sha512 => 64,
        }
    }
}

/// The hash of a value as another system keeps it. Who has it can look for the value, so it is not printed.
#[derive(Clone, PartialEq, Eq)]
pub struct ForeignDigest {
    algorithm: Algorithm,
    bytes: Box<[u8]>,
}

impl ForeignDigest {
    /// Reads a hash: hexadecimal, or base64 with either alphabet, padded or not (RFC 4648).
    ///
    /// # Errors
    /// For any other text, with the field of the algorithm.
    pub fn parse(algorithm: Algorithm, text: &str) -> Result<Self, InvalidInput> {
        let bytes = hexadecimal(text).filter(|bytes| bytes.len() == algorithm.bytes());
        let bytes = bytes.or_else(|| base64(text)).filter(|bytes| bytes.len() == algorithm.bytes());
        let bytes = bytes.ok_or_else(|| {
            let (field, length) = (algorithm.field(), algorithm.bytes());
            let message = format!("The field {field} must be a hash of {length} bytes, in hexadecimal or in base64.");
            InvalidInput::new(field, message)
        })?;
        Ok(Self { algorithm, bytes: bytes.into() })
    }

    pub(super) fn of(algorithm: Algorithm, bytes: &[u8]) -> Self {
        Self { algorithm, bytes: bytes.into() }
    }

    /// How it was computed.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The hash by which a value of this format is found. It is hashed once more, with the format: so it is no hash of a value of ours,
    /// nor of any other format, and a version of Rotakey that does not know the format finds nothing.
    pub fn value_hash(&self, format: &FormatName) -> ValueHash {
        const LABEL: &[u8] = b"rotakey foreign value v1\0";
        let mut hash = Sha256::new_with_prefix(LABEL);
        for part in [format.as_str().as_bytes(), b"\0", self.algorithm.as_str().as_bytes(), b"\0", &self.bytes] {
            hash.update(part);
        }
        ValueHash(hash.finalize().into())
    }
}

impl fmt::Debug for ForeignDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ForeignDigest(…)")
    }
}

/// The bytes of pairs of hexadecimal digits.
pub(super) fn hexadecimal(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pair = |pair: &[u8]| if let [high, low] = pair { Some(digit(*high)? << 4 | digit(*low)?) } else { None };
    text.as_bytes().chunks(2).map(pair).collect()
}

fn base64(text: &str) -> Option<Vec<u8>> {
    let unpadded = text.trim_end_matches('=');
    // At most two, up to a whole group of four.
    if !(text.len() == unpadded.len() || (text.len() - unpadded.len() <= 2 && text.len().is_multiple_of(4))) {
        return None;
    }
    let letter = |letter| match letter {
        '-' => '+',
        '_' => '/',
        other => other,
    };
    STANDARD_NO_PAD.decode(unpadded.chars().map(letter).collect::<String>()).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sha2::Sha512;

    use super::*;

    fn parse(algorithm: Algorithm, text: &str) -> Option<ForeignDigest> {
        ForeignDigest::parse(algorithm, text).inspect_err(|invalid| assert_eq!(invalid.field, algorithm.field())).ok()
    }

    #[test]
    fn a_hash_reads_the_same_in_every_encoding() {
        // The SHA-256 of "a", by sha256sum and by `openssl base64`.
        let texts = [
            "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb",
            "CA978112CA1BBDCAFAC231B39A23DC4DA786EFF8147C4E72B9807785AFEE48BB",
            "ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSLs=",
            "ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSLs",
            "ypeBEsobvcr6wjGzmiPcTaeG7_gUfE5yuYB3ha_uSLs=",
            "ypeBEsobvcr6wjGzmiPcTaeG7_gUfE5yuYB3ha_uSLs",
        ];
        let expected = ForeignDigest::of(Algorithm::Sha256, &Sha256::digest("a"));
        for text in texts {
            assert_eq!(parse(Algorithm::Sha256, text), Some(expected.clone()), "{text}");
        }
        let long = Sha512::digest("a");
        let text = long.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        assert_eq!(parse(Algorithm::Sha512, &text), Some(ForeignDigest::of(Algorithm::Sha512, &long)));
    }

    #[test]
    fn other_texts_are_refused() {
        let hex = "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb";
        let bad = [
            "",
            &hex[1..],
            &hex[2..],
            &format!("{hex}00"),
            &hex.replace('c', "g"),
            "ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSLs==",
            "ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uS=",
            " ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSLs=",
            "ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSLé",
        ];
        for text in bad {
            assert_eq!(parse(Algorithm::Sha256, text), None, "{text}");
        }
        assert_eq!(parse(Algorithm::Sha512, hex), None);
    }

    #[test]
    fn the_same_hash_of_another_format_or_algorithm_is_another_value() {
        let name = |text| FormatName::parse(text).unwrap();
        let hash = |algorithm, format| ForeignDigest::of(algorithm, &[7; 32]).value_hash(&name(format));
        let one = hash(Algorithm::Sha256, "a");
        assert_eq!(one, hash(Algorithm::Sha256, "a"));
        assert_ne!(one, hash(Algorithm::Sha256, "b"));
        assert_ne!(one, hash(Algorithm::HmacSha256, "a"));
        assert_ne!(one, ValueHash([7; 32]));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,140}") {
            for algorithm in Algorithm::ALL {
                let _ = ForeignDigest::parse(*algorithm, &text);
            }
        }
    }
}
