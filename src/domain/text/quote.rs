//! Quoting input in a message: short, on one line, and without anything that looks like a value (R9). A message about a list needs
//! this to say which of its texts is wrong.

use crate::domain::value::redact;

/// How much of a text is repeated, in characters.
const QUOTED_LENGTH: usize = 64;

/// The text between quotes, cut after [`QUOTED_LENGTH`] characters.
pub fn quote(text: &str) -> String {
    let Some((cut, _)) = text.char_indices().nth(QUOTED_LENGTH) else {
        return format!("{:?}", redact(text));
    };
    // If the cut went through a value, the rest may be too short to be recognised, so the whole last word is left out.
    let (kept, _) = text.split_at(cut);
    let kept = kept.trim_end_matches(|letter: char| letter.is_ascii_alphanumeric() || letter == '_');
    format!("{:?}", redact(kept).into_owned() + "…")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quote_is_short_and_on_one_line() {
        for (text, quoted) in [
            ("10.0.0.0/8 ", r#""10.0.0.0/8 ""#.to_owned()),
            ("two\nlines\u{202e}", r#""two\nlines\u{202e}""#.to_owned()),
            (&"é".repeat(64), format!("{:?}", "é".repeat(64))),
            (&"é".repeat(65), format!("{:?}", "é".repeat(64) + "…")),
            (&"a.".repeat(50), format!("{:?}", "a.".repeat(32) + "…")),
            (&"a".repeat(1_000_000), r#""…""#.to_owned()),
        ] {
            assert_eq!(quote(text), quoted);
        }
    }

    #[test]
    fn a_quote_shows_nothing_of_a_value_wherever_it_is_cut() {
        let value = "rk_00000000000000000000000000000000000000000002gL6Az";
        for before in 0..70 {
            for after in ["", ". and so on, for longer than is ever repeated"] {
                let quoted = quote(&format!("{}{value}{after}", " ".repeat(before)));
                assert!(!quoted.contains("00"), "{before}: {quoted}");
            }
        }
    }
}
