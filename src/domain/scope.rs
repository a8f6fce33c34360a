//! Scopes: what a token may do to the API it protects, in the syntax of RFC 6749 section 3.3.

use std::fmt;

/// One scope: 1 to [`Scope::MAX_LENGTH`] printable ASCII characters without space, `"` and `\`. `*` covers every other.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scope(String);

/// The text is not a scope.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a scope has 1 to {} printable ASCII characters, without space, quote and backslash (RFC 6749 section 3.3)",
    Scope::MAX_LENGTH
)]
pub struct MalformedScope;

impl Scope {
    /// The longest scope, in characters.
    pub const MAX_LENGTH: usize = 255;

    /// The scope that covers all others.
    pub fn all() -> Self {
        Self("*".to_owned())
    }

    /// Reads one scope.
    ///
    /// # Errors
    /// [`MalformedScope`].
    pub fn parse(text: &str) -> Result<Self, MalformedScope> {
        let allowed = |byte| matches!(byte, 0x21 | 0x23..=0x5B | 0x5D..=0x7E);
        if (1..=Self::MAX_LENGTH).contains(&text.len()) && text.bytes().all(allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(MalformedScope)
        }
    }

    /// Whether holding `self` is holding `other`.
    pub fn covers(&self, other: &Self) -> bool {
        self == other || self.0 == "*"
    }

    /// The text of the scope.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_alphabet_of_rfc_6749() {
        for byte in 0..=127_u8 {
            let text = char::from(byte).to_string();
            let expected = byte == 0x21 || (0x23..=0x5B).contains(&byte) || (0x5D..=0x7E).contains(&byte);
            assert_eq!(Scope::parse(&text).is_ok(), expected, "{byte:#x}");
        }
        assert!(Scope::parse("é").is_err());
    }

    #[test]
    fn a_scope_has_1_to_255_characters() {
        for (length, good) in [(0, false), (1, true), (255, true), (256, false)] {
            assert_eq!(Scope::parse(&"a".repeat(length)).is_ok(), good, "{length}");
        }
    }

    #[test]
    fn only_the_star_covers_another() {
        let [read, write] = ["read", "write"].map(|text| Scope::parse(text).unwrap());
        assert!(read.covers(&read) && Scope::all().covers(&read));
        assert!(!read.covers(&write) && !read.covers(&Scope::all()));
    }
}
