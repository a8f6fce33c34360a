//! Values inside other texts: detecting them, and redacting them (R9).
//!
//! The two are different on purpose. A setting is refused only if it contains a whole value, including a valid checksum, so that an
//! ordinary name such as `network_configuration` is never refused. What is shown or logged is also redacted if it is nearly a
//! value, because a value with a typo, or a truncated one, is still most of a secret. There, a mistake costs only one word of a
//! message.

use std::borrow::Cow;

use super::format::{self, PresentedValue};
use crate::domain::token::TokenKind;

/// From how many letters or digits a part of a value is redacted. With fewer, more than half of the 256 random bits are unknown.
const PIECE_LENGTH: usize = 20;
/// A longer run of letters and digits is not a word, whatever it consists of.
const LONGEST_WORD: usize = 40;

/// Whether the text contains a well-formed value, even with letters directly before and after it.
pub fn holds_value(text: &str) -> bool {
    values_in(text).next().is_some()
}

/// The well-formed values in the text, even with letters directly before and after them.
pub fn values_in(text: &str) -> impl Iterator<Item = &str> {
    candidates(text).filter_map(|(at, prefix)| {
        let end = at + prefix.len() + format::RANDOM_LENGTH + format::CHECKSUM_LENGTH;
        text.get(at..end).filter(|found| PresentedValue::parse(found).is_ok())
    })
}

/// The text, in which every value, and everything that may be most of one, is replaced by its prefix and an ellipsis.
pub fn redact(text: &str) -> Cow<'_, str> {
    let mut clean = String::new();
    let mut done = 0;
    for (at, prefix) in candidates(text) {
        let start = at + prefix.len();
        let rest = text.get(start..).unwrap_or_default();
        let run = rest.bytes().take_while(u8::is_ascii_alphanumeric).count();
        if is_most_of_a_value(rest.get(..run).unwrap_or_default()) {
            // The prefix of a second value may be the end of the run behind the first, so that `start` alone is past `done`.
            clean.push_str(text.get(done..start).unwrap_or_default());
            clean.push('…');
            done = start + run;
        }
    }
    if done == 0 {
        return Cow::Borrowed(text);
    }
    clean.push_str(text.get(done..).unwrap_or_default());
    Cow::Owned(clean)
}

/// The positions of prefixes of values, and which prefix.
fn candidates(text: &str) -> impl Iterator<Item = (usize, &'static str)> {
    // One search for what both prefixes begin with, so that a long text is read once.
    text.match_indices("rk").filter_map(|(at, _)| {
        let prefixes = [TokenKind::Private, TokenKind::Public].map(format::prefix);
        Some((at, prefixes.into_iter().find(|prefix| text.get(at..).is_some_and(|rest| rest.starts_with(prefix)))?))
    })
}

/// Whether these letters and digits behind a prefix look random: of twenty random ones nearly all have a digit and letters of
/// both cases, and a word has not.
fn is_most_of_a_value(run: &str) -> bool {
    let has = |kind: fn(&u8) -> bool| run.bytes().any(|byte| kind(&byte));
    let mixed = has(u8::is_ascii_digit) && has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase);
    run.len() >= LONGEST_WORD || (run.len() >= PIECE_LENGTH && mixed)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::value::Value;

    const KNOWN: &str = "rk_00000000000000000000000000000000000000000002gL6Az";

    /// Words of the trade in which a prefix stands.
    const WORDS: [&str; 9] = [
        "network_administration",
        "network_configuration",
        "networkadministration",
        "fork_synchronisationservice",
        "benchmark_internationalization",
        "Work_Network_Administration2030",
        "clark_0123456789012345678",
        "rkpub_administration",
        "rk_short",
    ];

    fn values() -> impl Strategy<Value = String> {
        (any::<bool>(), any::<[u8; 32]>()).prop_map(|(public, entropy)| {
            let kind = if public { TokenKind::Public } else { TokenKind::Private };
            Value::from_entropy(kind, &entropy).expose().to_owned()
        })
    }

    proptest! {
        #[test]
        fn a_value_is_found_wherever_it_stands(value in values(), before in ".{0,12}", after in ".{0,12}") {
            for text in [value.clone(), format!("{before}{value}{after}"), format!("xrk_{value}rk_"), value.repeat(2)] {
                prop_assert!(holds_value(&text), "{text}");
                prop_assert!(!redact(&text).contains(value.rsplit('_').next().unwrap()), "{text}");
            }
        }

        #[test]
        fn a_value_with_a_typo_is_refused_and_not_shown(value in values(), at in 6_usize..52) {
            let mut typo = value.clone().into_bytes();
            typo[at] = if typo[at] == b'a' { b'b' } else { b'a' };
            let typo = String::from_utf8(typo).unwrap();
            prop_assert!(!holds_value(&typo));
            prop_assert!(redact(&typo).ends_with("_…"), "{typo}");
        }

        #[test]
        fn any_text_can_be_redacted_and_redacting_twice_changes_nothing(text in "(rk_|rkpub_|[a-zA-Z0-9é_ ]{0,30}){0,6}") {
            let once = redact(&text).into_owned();
            prop_assert_eq!(redact(&once), once.as_str());
        }
    }

    #[test]
    fn ordinary_words_are_no_values_and_are_shown_as_they_are() {
        for word in WORDS {
            for text in [word.to_owned(), word.repeat(20), WORDS.join(" ")] {
                assert!(!holds_value(&text), "{text}");
            }
            assert!(matches!(redact(word), Cow::Borrowed(_)), "{word}");
        }
    }

    #[test]
    fn redacting_leaves_nothing_of_a_value() {
        let public = Value::from_entropy(TokenKind::Public, &[9; 32]);
        let text = format!("é found \"{KNOWN}\", {} and rk_ alone", public.expose());
        assert_eq!(redact(&text), "é found \"rk_…\", rkpub_… and rk_ alone");
        for text in ["nothing here", "rk", "rk_", "rkrk_rkpub_short", "érk_é"] {
            assert_eq!(redact(text), text);
        }
        assert_eq!(redact(&format!("rkrk_{KNOWN}")), "rkrk_rk_…");
        assert_eq!(redact(&format!("{KNOWN}{KNOWN}")), "rk_…_…");
    }

    #[test]
    fn a_piece_of_a_value_is_hidden_from_its_twentieth_letter_on() {
        let value = Value::from_entropy(TokenKind::Private, &[42; 32]);
        for (length, hidden) in [(19, false), (20, true), (21, true), (48, true)] {
            let piece = &value.expose()[..3 + length];
            assert_eq!(redact(piece) == "rk_…", hidden, "{length}");
        }
        for (length, hidden) in [(39, false), (40, true)] {
            assert_eq!(redact(&format!("rk_{}", "a".repeat(length))) == "rk_…", hidden, "{length}");
        }
    }
}
