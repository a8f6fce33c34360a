//! All formats of values that a presented text can have: ours, and those that the operator has named.

use std::sync::Arc;

use super::format::ForeignFormat;
use super::name::FormatName;
use crate::domain::token::TokenKind;
use crate::domain::value::format::{self, PresentedValue, ValueHash};

/// The most formats. Each is tried for a text that is not a value of ours.
pub const MAX_FORMATS: usize = 16;
/// The shortest and longest values of a foreign format, in characters. A shorter one could be guessed.
const MIN_LENGTH: usize = 16;
const MAX_LENGTH: usize = 512;

/// The formats of foreign values that the operator has named; by default, none.
#[derive(Clone, Debug, Default)]
pub struct ForeignFormats(Arc<[ForeignFormat]>);

/// A presented text that may be a value.
#[derive(Debug)]
pub struct Presentable<'a> {
    /// The text.
    pub value: PresentedValue<'a>,
    /// The hash by which it is found.
    pub hash: ValueHash,
    /// The hashes by which it is found if it has another foreign format, last first. Empty for a value of ours.
    pub others: Vec<ValueHash>,
    /// Whether it is of a foreign format.
    pub is_foreign: bool,
}

impl ForeignFormats {
    /// These formats, each name once.
    pub fn new(formats: Vec<ForeignFormat>) -> Self {
        Self(formats.into())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The formats.
    pub fn iter(&self) -> impl Iterator<Item = &ForeignFormat> {
        self.0.iter()
    }

    /// The format of this name.
    pub fn find(&self, name: &FormatName) -> Option<&ForeignFormat> {
        self.iter().find(|format| format.name() == name)
    }

    /// The text, if it may be a value: it is one of ours by its checksum, or matches the pattern of a foreign format.
    pub fn present<'a>(&self, text: &'a str) -> Option<Presentable<'a>> {
        match PresentedValue::parse(text) {
            Ok(value) => Some(Presentable { value, hash: value.hash(), others: Vec::new(), is_foreign: false }),
            Err(_) if self.is_empty() => None,
            Err(_) => self.present_foreign(text),
        }
    }

    /// Whether the text matches a foreign format.
    pub fn is_foreign(&self, text: &str) -> bool {
        !self.is_empty() && PresentedValue::parse(text).is_err() && self.present_foreign(text).is_some()
    }

    fn present_foreign<'a>(&self, text: &'a str) -> Option<Presentable<'a>> {
        let has_length = (MIN_LENGTH..=MAX_LENGTH).contains(&text.len());
        if !has_length || !text.bytes().all(|byte| byte.is_ascii_graphic()) || is_malformed(text) {
            return None;
        }
        // Two formats may have the same pattern: that of a key that was replaced, or of two systems.
        let mut others: Vec<ValueHash> = self.0.iter().rev().filter_map(|format| format.hash(text)).collect();
        let hash = others.pop()?;
        Some(Presentable { value: PresentedValue::foreign(text), hash, others, is_foreign: true })
    }
}

/// Whether the text is, by its beginning, a mistyped or truncated value of ours, and so of no other format.
fn is_malformed(text: &str) -> bool {
    let rest =
        [TokenKind::Public, TokenKind::Private].into_iter().find_map(|kind| text.strip_prefix(format::prefix(kind)));
    rest.is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::value::foreign::{Algorithm, Secret};

    const OURS: &str = "rk_00000000000000000000000000000000000000000002gL6Az";

    fn formats(patterns: &[&str]) -> ForeignFormats {
        let format = |(number, pattern): (usize, &&str)| {
            let name = FormatName::parse(&format!("f{number}")).unwrap();
            ForeignFormat::new(name, pattern, Algorithm::Sha256, None, Some(Secret::new(String::new()))).unwrap()
        };
        ForeignFormats::new(patterns.iter().enumerate().map(format).collect())
    }

    #[test]
    fn without_formats_only_values_of_ours_are_looked_for() {
        let none = ForeignFormats::default();
        assert!(none.present(OURS).is_some_and(|value| !value.is_foreign && value.others.is_empty()));
        for text in ["", "abcdefghijklmnopqrst", &OURS.replace('g', "h")] {
            assert!(none.present(text).is_none() && !none.is_foreign(text), "{text}");
        }
    }

    #[test]
    fn a_value_of_ours_never_has_a_foreign_format_even_if_it_is_mistyped() {
        let any = formats(&[".*x|.+"]);
        assert!(any.present(OURS).is_some_and(|value| !value.is_foreign));
        for text in [OURS.replace('g', "h"), OURS[..40].to_owned(), format!("rkpub_{}", &OURS[3..])] {
            assert!(any.present(&text).is_none(), "{text}");
        }
        // Keys of others that begin in the same way.
        assert!(any.is_foreign("rk_live_0123456789abcdef"));
    }

    #[test]
    fn short_long_and_unprintable_texts_are_no_values() {
        let any = formats(&["(?s).+"]);
        for (length, good) in [(15, false), (16, true), (512, true), (513, false)] {
            assert_eq!(any.is_foreign(&"x".repeat(length)), good, "{length}");
        }
        for text in ["abcdefgh ijklmnopqr", "abcdefgh\nijklmnopqr", "abcdefghijklmnopqré"] {
            assert!(!any.is_foreign(text), "{text}");
        }
    }

    #[test]
    fn a_text_may_have_several_formats() {
        let formats = formats(&["[a-z]+", "[0-9]+", "[a-x]+"]);
        let text = "abcdefghijklmnopqrst";
        let found = formats.present(text).unwrap();
        let hashes: Vec<_> = formats.iter().map(|format| format.hash(text)).collect();
        assert_eq!((Some(found.hash), found.others), (hashes[0], vec![hashes[2].unwrap()]));
        assert_eq!(hashes[1], None);
    }
}
