//! The secret string that a client sends, and the only two things that are kept of it: its SHA-256 and a hint.
//!
//! The format must never change, because values are stored in other systems, and secret scanners look for the pattern:
//! prefix, 43 letters or digits (256 random bits), 6 letters or digits (the CRC-32 of all that precedes them, base 62).
//! No `-` and no `=`, so that a double click selects all of it.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use super::base62;
use crate::domain::token::TokenKind;

/// How many random letters or digits a value has behind its prefix.
pub(super) const RANDOM_LENGTH: usize = 43;
/// How many letters or digits of checksum follow them.
pub(super) const CHECKSUM_LENGTH: usize = 6;
const HINT_LENGTH: usize = 4;

/// A secret value in the clear. It cannot be cloned, compared, printed, logged or serialised; [`Value::expose`] is the one
/// way to its text, for the one response that issues it (R9). Its memory is overwritten when it is dropped.
pub struct Value(SecretString);

/// A presented text that has the format of a value, ours or a foreign one. It borrows the text.
#[derive(Clone, Copy)]
pub struct PresentedValue<'a>(&'a str);

/// The text is not a value that any Rotakey server issued: wrong prefix, length, letters or checksum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the value of an API token")]
pub struct MalformedValue;

/// The SHA-256 of a value, by which the server recognises it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ValueHash(pub [u8; 32]);

/// The last four characters of a value: enough for a person to tell two values apart, and of no use to guess the rest.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Hint([u8; HINT_LENGTH]);

impl Hint {
    /// The hint of a value of which no character is known.
    pub const NONE: Self = Self([b' '; HINT_LENGTH]);

    /// Reads the form that [`Hint::stored`] gives; a text that is no hint is `None`.
    pub fn parse(text: &str) -> Option<Self> {
        text.as_bytes().try_into().ok().filter(|_| text.is_ascii()).map(Self)
    }

    /// The hint of an imported value: its last four characters, which are printable.
    pub fn of_import(text: &str) -> Option<Self> {
        Self::parse(text).filter(|_| text.bytes().all(|byte| byte.is_ascii_graphic()))
    }

    /// The characters; empty if none is known.
    pub fn as_str(&self) -> &str {
        if *self == Self::NONE { "" } else { self.stored() }
    }

    /// The characters, and four blanks if none is known: versions that know no such hint expect four characters.
    pub fn stored(&self) -> &str {
        // They are always ASCII.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Debug for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

impl Value {
    /// How many random bytes a value takes.
    pub const ENTROPY_BYTES: usize = 32;

    /// A new value of a token of this kind.
    pub fn from_entropy(kind: TokenKind, entropy: &[u8; Self::ENTROPY_BYTES]) -> Self {
        let mut text = String::with_capacity(64);
        text.push_str(prefix(kind));
        text.extend(base62::encode_256_bits(entropy).into_iter().map(char::from));
        let checksum = crc32fast::hash(text.as_bytes());
        text.extend(base62::encode_32_bits(checksum).into_iter().map(char::from));
        Self(SecretString::from(text))
    }

    /// The SHA-256 of the whole text.
    pub fn hash(&self) -> ValueHash {
        ValueHash::of(self.expose())
    }

    /// Its last four characters.
    pub fn hint(&self) -> Hint {
        // Every value is longer than this, and ASCII.
        Hint(self.expose().as_bytes().last_chunk().copied().unwrap_or_default())
    }

    /// The text itself, only for the answer that issues it (R9).
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl<'a> PresentedValue<'a> {
    /// Parses a presented text by its format and checksum, without a lookup.
    ///
    /// # Errors
    /// [`MalformedValue`]; the text itself is never repeated.
    pub fn parse(text: &'a str) -> Result<Self, MalformedValue> {
        let body = [TokenKind::Public, TokenKind::Private]
            .into_iter()
            .find_map(|kind| text.strip_prefix(prefix(kind)))
            .ok_or(MalformedValue)?;
        if body.len() != RANDOM_LENGTH + CHECKSUM_LENGTH || !body.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(MalformedValue);
        }
        let (signed, checksum) = text.split_at_checked(text.len() - CHECKSUM_LENGTH).ok_or(MalformedValue)?;
        if base62::encode_32_bits(crc32fast::hash(signed.as_bytes())) != checksum.as_bytes() {
            return Err(MalformedValue);
        }
        Ok(Self(text))
    }

    /// A text that has the format of a value that was issued elsewhere.
    pub(super) fn foreign(text: &'a str) -> Self {
        Self(text)
    }

    /// The SHA-256 of the whole text, by which a value of ours is found.
    pub fn hash(self) -> ValueHash {
        ValueHash::of(self.0)
    }

    /// An owned copy, for use after the request.
    pub fn keep(self) -> Value {
        Value(SecretString::from(self.0))
    }
}

impl ValueHash {
    /// Its first bytes, to tell a million of them apart in little memory.
    pub fn first_bytes(&self) -> [u8; 8] {
        self.0.first_chunk().copied().unwrap_or_default()
    }

    // A fast hash is enough: the value is 256 random bits, so there is nothing to guess.
    fn of(text: &str) -> Self {
        Self(Sha256::digest(text.as_bytes()).into())
    }
}

impl fmt::Debug for PresentedValue<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PresentedValue(…)")
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Value(…)")
    }
}

/// What every value of this kind begins with.
pub(super) fn prefix(kind: TokenKind) -> &'static str {
    match kind {
        TokenKind::Private => "rk_",
        TokenKind::Public => "rkpub_",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A well-formed value, spelled out so that a change of the format cannot pass unseen.
    const KNOWN: &str = "rk_00000000000000000000000000000000000000000002gL6Az";

    #[test]
    fn the_format_never_changes() {
        let value = Value::from_entropy(TokenKind::Private, &[0; 32]);
        assert_eq!(value.expose(), KNOWN);
        assert_eq!(*value.hint().as_str(), KNOWN[KNOWN.len() - 4..]);
        let public = Value::from_entropy(TokenKind::Public, &[255; 32]);
        assert!(public.expose().starts_with("rkpub_yhjskwdA6OZ1AL1YmHWZWm8LLG7HjnuCA2j5rOw8Xp1"));
        assert_eq!(public.expose().len(), 6 + 43 + 6);
    }

    #[test]
    fn a_value_reads_back() {
        for kind in [TokenKind::Private, TokenKind::Public] {
            let value = Value::from_entropy(kind, &[42; 32]);
            let presented = PresentedValue::parse(value.expose()).unwrap();
            assert_eq!(presented.hash(), value.hash());
            assert_eq!(presented.keep().expose(), value.expose());
        }
    }

    #[test]
    fn any_single_wrong_letter_is_refused() {
        for at in 0..KNOWN.len() {
            for wrong in [b'1', b'Z', b'-', b' ', 0] {
                let mut bytes = KNOWN.as_bytes().to_vec();
                if bytes[at] == wrong {
                    continue;
                }
                bytes[at] = wrong;
                let text = String::from_utf8(bytes).unwrap();
                assert!(PresentedValue::parse(&text).is_err(), "{text}");
            }
        }
    }

    #[test]
    fn other_texts_are_refused() {
        let long = "rk_".to_owned() + &"é".repeat(30);
        for text in ["", "rk_", "rkpub_", "Bearer", &KNOWN[1..], &KNOWN[..51], &format!("{KNOWN}0"), &long] {
            assert!(PresentedValue::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn debug_shows_nothing() {
        let value = Value::from_entropy(TokenKind::Private, &[1; 32]);
        assert_eq!(format!("{value:?}"), "Value(…)");
        assert_eq!(format!("{:?}", PresentedValue::parse(value.expose()).unwrap()), "PresentedValue(…)");
    }
}
