//! Scopes: what a token may do to the API it protects, in the syntax of RFC 6749 section 3.3.

use std::fmt;

/// The scope that covers every other.
const ALL: &str = "*";

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
        Self(ALL.to_owned())
    }

    /// Reads one scope.
    ///
    /// # Errors
    /// [`MalformedScope`].
    pub fn parse(text: &str) -> Result<Self, MalformedScope> {
        if is_scope(text) { Ok(Self(text.to_owned())) } else { Err(MalformedScope) }
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

fn is_scope(text: &str) -> bool {
    let allowed = |byte| matches!(byte, 0x21 | 0x23..=0x5B | 0x5D..=0x7E);
    (1..=Scope::MAX_LENGTH).contains(&text.len()) && text.bytes().all(allowed)
}

/// A set of scopes, sorted and without duplicates. It is one text, separated by spaces as in RFC 6749, to save memory in the cache.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scopes(Box<str>);

impl Scopes {
    /// Reads a list of scopes with spaces between them, in any order.
    ///
    /// # Errors
    /// [`MalformedScope`] if a text is not a scope.
    pub fn parse(list: &str) -> Result<Self, MalformedScope> {
        let scopes: Vec<&str> = list.split_ascii_whitespace().collect();
        if scopes.iter().all(|scope| is_scope(scope)) { Ok(Self::of(scopes)) } else { Err(MalformedScope) }
    }

    fn of(mut scopes: Vec<&str>) -> Self {
        scopes.sort_unstable();
        scopes.dedup();
        Self(scopes.join(" ").into())
    }

    /// The scopes in their order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.split_terminator(' ')
    }

    /// All of them, with a space between two.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether these scopes include this one.
    pub fn cover(&self, wanted: &str) -> bool {
        self.iter().any(|held| held == wanted || held == ALL)
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        let scopes: Vec<Scope> = scopes.into_iter().collect();
        Self::of(scopes.iter().map(Scope::as_str).collect())
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

    fn scopes(list: &str) -> Scopes {
        Scopes::parse(list).unwrap()
    }

    #[test]
    fn only_the_star_covers_another() {
        for (held, wanted, covered) in [
            ("read", "read", true),
            ("*", "read", true),
            ("*", "*", true),
            ("a * b", "read", true),
            ("read", "write", false),
            ("read", "*", false),
            ("reader re a", "read", false),
            ("", "read", false),
        ] {
            assert_eq!(scopes(held).cover(wanted), covered, "{held:?} {wanted:?}");
        }
    }

    #[test]
    fn a_set_of_scopes_is_sorted_and_has_none_twice_however_it_is_made() {
        let listed = scopes("  write read b  read A ");
        let collected: Scopes =
            ["b", "read", "write", "A", "b"].map(|text| Scope::parse(text).unwrap()).into_iter().collect();
        assert_eq!(listed.iter().collect::<Vec<_>>(), ["A", "b", "read", "write"]);
        assert_eq!(listed, collected);
        assert_eq!(scopes(listed.as_str()), listed, "what is written is read back");
    }

    #[test]
    fn no_scopes_are_an_empty_set_and_a_malformed_one_is_refused() {
        for none in [Scopes::default(), scopes(""), scopes(" ")] {
            assert!(none.is_empty() && none.iter().next().is_none() && none.as_str().is_empty());
        }
        for list in ["\"", "read \\", "read é"] {
            assert_eq!(Scopes::parse(list), Err(MalformedScope), "{list}");
        }
    }
}
