//! Metadata: the operator's key/value pairs on a token. Rotakey gives them no meaning.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::invalid_input::InvalidInput;
use crate::domain::text::single_line;

/// The most entries that a token may have.
pub const MAX_METADATA_ENTRIES: usize = 16;
/// The most bytes that all keys and values of a token may have together.
pub const MAX_METADATA_BYTES: usize = 2_048;
/// The longest key, in characters.
pub const MAX_METADATA_KEY_LENGTH: usize = 64;

const FIELD: &str = "metadata";

/// Key/value pairs, sorted by key, each key once. A pointer, because few tokens have any, and each cached token has room for it; copies of
/// a token share what it points to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata(Option<Arc<Entries>>);

#[derive(Debug, PartialEq, Eq)]
struct Entries(Box<[Entry]>);

type Entry = (Box<str>, Box<str>);

impl Metadata {
    /// The metadata of these pairs, in any order.
    ///
    /// # Errors
    /// The first rule that is not met.
    pub fn parse(pairs: impl IntoIterator<Item = (String, String)>) -> Result<Self, InvalidInput> {
        let invalid = |message: String| Err(InvalidInput::new(FIELD, message));
        let mut entries: Vec<Entry> = Vec::new();
        for (key, value) in pairs {
            if !is_key(&key) {
                return invalid(format!(
                    "A key of metadata has 1 to {MAX_METADATA_KEY_LENGTH} ASCII letters, digits and the characters . _ - and /."
                ));
            }
            for text in [&key, &value] {
                single_line(FIELD, text)?;
            }
            entries.push((key.into(), value.into()));
            if entries.len() > MAX_METADATA_ENTRIES {
                return invalid(format!("A token has at most {MAX_METADATA_ENTRIES} entries of metadata."));
            }
        }
        let bytes: usize = entries.iter().map(|(key, value)| key.len() + value.len()).sum();
        if bytes > MAX_METADATA_BYTES {
            return invalid(format!(
                "The keys and values of metadata have at most {MAX_METADATA_BYTES} bytes together; these have {bytes}."
            ));
        }
        entries.sort();
        if !entries.is_sorted_by(|(one, _), (next, _)| one < next) {
            return invalid("Each key of metadata may occur once.".into());
        }
        Ok(Self::of(entries))
    }

    /// The metadata that was stored as these pairs. The rules are not applied again: during an upgrade, a newer version may allow more, and
    /// no decision depends on metadata.
    pub fn of_stored(pairs: BTreeMap<String, String>) -> Self {
        Self::of(pairs.into_iter().map(|(key, value)| (key.into(), value.into())).collect())
    }

    fn of(entries: Vec<Entry>) -> Self {
        Self((!entries.is_empty()).then(|| Arc::new(Entries(entries.into()))))
    }

    /// The pairs, by key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().flat_map(|entries| &entries.0).map(|(key, value)| (&**key, &**value))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// About how much memory they take.
    pub fn bytes(&self) -> usize {
        self.iter().map(|(key, value)| size_of::<Entry>() + key.len() + value.len()).sum()
    }
}

fn is_key(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b'/');
    (1..=MAX_METADATA_KEY_LENGTH).contains(&text.len()) && text.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(pairs: &[(&str, &str)]) -> Result<Vec<(String, String)>, String> {
        let owned = pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        let parsed = Metadata::parse(owned).map_err(|invalid| {
            assert_eq!(invalid.field, "metadata");
            invalid.message
        })?;
        assert_eq!(parsed.is_empty(), pairs.is_empty());
        Ok(parsed.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect())
    }

    #[test]
    fn pairs_are_sorted_by_key_and_each_key_occurs_once() {
        let sorted = vec![("B".to_owned(), "2".to_owned()), ("a".to_owned(), String::new())];
        assert_eq!(parse(&[("a", ""), ("B", "2")]), Ok(sorted));
        assert_eq!(parse(&[]), Ok(Vec::new()));
        for twice in [[("a", "1"), ("a", "1")], [("a", "1"), ("a", "2")]] {
            assert!(parse(&twice).is_err_and(|message| message.contains("once")));
        }
    }

    #[test]
    fn keys_are_short_names_and_values_are_lines_without_a_value_of_a_token() {
        let long = "k".repeat(MAX_METADATA_KEY_LENGTH);
        for key in ["a", "example.com/Team_7-b", &long] {
            assert!(parse(&[(key, "x")]).is_ok(), "{key}");
        }
        for key in ["", "two words", "é", "a\nb", "a:b", &format!("{long}k")] {
            assert!(parse(&[(key, "x")]).is_err(), "{key:?}");
        }
        let value = "rk_00000000000000000000000000000000000000000002gL6Az";
        for bad in ["two\nlines", "\0", "\u{202E}a", value, &format!("is {value}")] {
            assert!(parse(&[("a", bad)]).is_err(), "{bad:?}");
        }
        for good in ["", " ", "Ünited", "{\"a\": 1}", "a;b,c=d"] {
            assert!(parse(&[("a", good)]).is_ok(), "{good:?}");
        }
    }

    #[test]
    fn there_are_at_most_16_pairs_and_2048_bytes() {
        let keys: Vec<String> = (0..=MAX_METADATA_ENTRIES).map(|number| format!("k{number}")).collect();
        let pairs: Vec<(&str, &str)> = keys.iter().map(|key| (key.as_str(), "")).collect();
        assert!(parse(&pairs[1..]).is_ok());
        assert!(parse(&pairs).is_err_and(|message| message.contains("16")));
        for (length, good) in [(MAX_METADATA_BYTES - 1, true), (MAX_METADATA_BYTES, false)] {
            assert_eq!(parse(&[("k", &"x".repeat(length))]).is_ok(), good, "{length}");
        }
        // Bytes, as the memory that they take.
        assert!(parse(&[("k", &"é".repeat(MAX_METADATA_BYTES / 2))]).is_err());
    }

    #[test]
    fn no_metadata_takes_a_pointer() {
        assert_eq!(size_of::<Metadata>(), size_of::<usize>());
    }
}
