//! The name of a format of foreign values.

/// The longest name.
const MAX_LENGTH: usize = 32;

/// The name of a format. It is stored with each value that was imported with it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FormatName(Box<str>);

impl FormatName {
    /// Reads a name: 1 to 32 lower-case letters, digits and hyphens.
    pub fn parse(text: &str) -> Option<Self> {
        let is_allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
        ((1..=MAX_LENGTH).contains(&text.len()) && text.bytes().all(is_allowed)).then(|| Self(text.into()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_short_and_plain() {
        for good in ["a", "0", "better-auth", &"x".repeat(MAX_LENGTH)] {
            assert_eq!(FormatName::parse(good).unwrap().as_str(), good);
        }
        for bad in ["", "A", "a b", "a_b", "é", &"x".repeat(MAX_LENGTH + 1)] {
            assert_eq!(FormatName::parse(bad), None, "{bad}");
        }
    }
}
