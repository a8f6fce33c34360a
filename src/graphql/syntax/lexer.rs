//! The lexer: the lexical grammar of GraphQL (September 2025, sections 2.1 and 2.9).
//!
//! It runs before the parser, which reports many lexical errors without a location, and accepts a line terminator right after the opening
//! quote of a string.

use std::ops::Range;

/// A lexical error: where the text stops being a token, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SyntaxError {
    pub(crate) at: usize,
    pub(crate) message: &'static str,
}

const CHARACTER: &str = "No GraphQL token starts with this character.";
const STRING: &str = "The string is not terminated. A string without triple quotes must end on the same line.";
const ESCAPE: &str = "This escape sequence is invalid. Valid are \\\" \\\\ \\/ \\b \\f \\n \\r \\t, and \\u followed by four \
                      hexadecimal digits or by {up to eight of them}, for a Unicode character. Characters beyond U+FFFF may be \
                      surrogate pairs.";
const ZEROS: &str = "A number must not have leading zeros.";
const DIGIT: &str = "A digit must follow here.";
const ATTACHED: &str = "A number must not be followed by a letter or a point. Put a space between.";

/// The first token at or after this offset; `None` at the end.
///
/// # Errors
/// When the text there is not a token.
pub(crate) fn next(document: &str, offset: usize) -> Result<Option<Range<usize>>, SyntaxError> {
    let start = offset + ignored_length(document.as_bytes().get(offset..).unwrap_or_default());
    let rest = document.as_bytes().get(start..).unwrap_or_default();
    let length = match rest {
        [] => return Ok(None),
        [b'"', b'"', b'"', ..] => block_string(rest),
        [b'"', ..] => string(rest),
        [b'.', b'.', b'.', ..] => Ok(3),
        [b'!' | b'$' | b'&' | b'(' | b')' | b':' | b'=' | b'@' | b'[' | b']' | b'{' | b'|' | b'}', ..] => Ok(1),
        [b'-' | b'0'..=b'9', ..] => number(rest),
        [first, ..] if is_name_start(*first) => Ok(name_length(rest)),
        _ => Err((0, CHARACTER)),
    };
    match length {
        Ok(length) => Ok(Some(start..start + length)),
        Err((length, message)) => Err(SyntaxError { at: start + length, message }),
    }
}

/// The length of the name at the start of this; 0 if there is none.
pub(crate) fn name_length(rest: &[u8]) -> usize {
    match rest.first() {
        Some(first) if is_name_start(*first) => run(rest, |byte| is_name_start(byte) || byte.is_ascii_digit()),
        _ => 0,
    }
}

/// The length of the ignored tokens that follow: white space, commas, comments and byte order marks.
pub(crate) fn ignored_length(rest: &[u8]) -> usize {
    let mut at = 0;
    loop {
        at += match rest.get(at..).unwrap_or_default() {
            [b' ' | b'\t' | b'\n' | b'\r' | b',', ..] => 1,
            [0xEF, 0xBB, 0xBF, ..] => 3,
            comment @ [b'#', ..] => run(comment, |byte| !ends_line(byte)),
            _ => return at,
        }
    }
}

/// The length of a token, or how far the text is valid and why no further.
type Length = Result<usize, (usize, &'static str)>;

fn run(rest: &[u8], belongs: impl Fn(u8) -> bool) -> usize {
    rest.iter().position(|byte| !belongs(*byte)).unwrap_or(rest.len())
}

fn is_name_start(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_'
}

fn ends_line(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r')
}

fn string(rest: &[u8]) -> Length {
    let mut at = 1;
    loop {
        at += match rest.get(at..).unwrap_or_default() {
            [] => return Err((at, STRING)),
            [byte, ..] if ends_line(*byte) => return Err((at, STRING)),
            [b'"', ..] => return Ok(at + 1),
            escape @ [b'\\', ..] => escape_length(escape).ok_or((at, ESCAPE))?,
            _ => 1,
        }
    }
}

fn block_string(rest: &[u8]) -> Length {
    let mut at = 3;
    loop {
        at += match rest.get(at..).unwrap_or_default() {
            [] => return Err((at, STRING)),
            [b'\\', b'"', b'"', b'"', ..] => 4,
            [b'"', b'"', b'"', ..] => return Ok(at + 3),
            _ => 1,
        }
    }
}

/// The length of the escape sequence at the start of this.
fn escape_length(rest: &[u8]) -> Option<usize> {
    const FIXED: usize = "\\uXXXX".len();
    match rest.get(1)? {
        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(2),
        b'u' if rest.get(2) == Some(&b'{') => {
            let digits = run(rest.get(3..)?, |byte| byte.is_ascii_hexdigit());
            // The same maximum as in the reference implementation, including leading zeros.
            let end = Some(3 + digits).filter(|_| digits <= 8)?;
            hexadecimal(rest.get(3..end)?).and_then(char::from_u32)?;
            (rest.get(end) == Some(&b'}')).then_some(end + 1)
        }
        b'u' => match hexadecimal(rest.get(2..FIXED)?)? {
            0xD800..=0xDBFF => {
                let trail = rest.get(FIXED..2 * FIXED)?.strip_prefix(b"\\u")?;
                matches!(hexadecimal(trail)?, 0xDC00..=0xDFFF).then_some(2 * FIXED)
            }
            0xDC00..=0xDFFF => None,
            _ => Some(FIXED),
        },
        _ => None,
    }
}

/// The value of these hexadecimal digits.
fn hexadecimal(digits: &[u8]) -> Option<u32> {
    let digits = std::str::from_utf8(digits).ok().filter(|digits| !digits.starts_with('+'))?;
    u32::from_str_radix(digits, 16).ok()
}

fn number(rest: &[u8]) -> Length {
    let digits = |at: usize| run(rest.get(at..).unwrap_or_default(), |byte| byte.is_ascii_digit());
    let some_digits = |at: usize| if digits(at) == 0 { Err((at, DIGIT)) } else { Ok(at + digits(at)) };
    let mut at = usize::from(rest.first() == Some(&b'-'));
    if rest.get(at) == Some(&b'0') && digits(at) > 1 {
        return Err((at + 1, ZEROS));
    }
    at = some_digits(at)?;
    if rest.get(at) == Some(&b'.') {
        at = some_digits(at + 1)?;
    }
    if let Some(b'e' | b'E') = rest.get(at) {
        let sign = usize::from(matches!(rest.get(at + 1), Some(b'+' | b'-')));
        at = some_digits(at + 1 + sign)?;
    }
    match rest.get(at) {
        Some(byte) if *byte == b'.' || is_name_start(*byte) => Err((at, ATTACHED)),
        _ => Ok(at),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// All tokens of a document, or the offset of the first error.
    fn tokens(document: &str) -> Result<Vec<&str>, usize> {
        let (mut found, mut at) = (Vec::new(), 0);
        while let Some(range) = next(document, at).map_err(|syntax_error| syntax_error.at)? {
            at = range.end;
            found.push(&document[range]);
        }
        Ok(found)
    }

    #[test]
    fn a_document_is_split_into_its_tokens() {
        let document = "\u{feff}query _A1($b:[C!]=-0.5e+1){...d@e(f:\"\\\"\",g:\"\"\"\\\"\"\"\"\"\"){h}}# ü\r\n, i|&";
        let expected = [
            "query",
            "_A1",
            "(",
            "$",
            "b",
            ":",
            "[",
            "C",
            "!",
            "]",
            "=",
            "-0.5e+1",
            ")",
            "{",
            "...",
            "d",
            "@",
            "e",
            "(",
            "f",
            ":",
            "\"\\\"\"",
            "g",
            ":",
            "\"\"\"\\\"\"\"\"\"\"",
            ")",
            "{",
            "h",
            "}",
            "}",
            "i",
            "|",
            "&",
        ];
        assert_eq!(tokens(document).unwrap(), expected);
    }

    // The cases of the reference lexer are in `tests/graphql-conformance/lexical.json`.
    proptest! {
        #[test]
        fn lexing_any_text_ends_at_a_character_boundary(document in "[ -~\\n\\ré\u{feff}]{0,40}|([\"\\\\un{}0-9a-fD.eE+-]){0,20}") {
            let (mut at, mut ended) = (0, false);
            while !ended {
                match next(&document, at) {
                    Ok(Some(range)) => {
                        prop_assert!(range.start >= at && range.end > range.start, "no token is empty");
                        prop_assert!(document.is_char_boundary(range.start) && document.is_char_boundary(range.end));
                        at = range.end;
                    }
                    Ok(None) => ended = true,
                    Err(syntax_error) => {
                        prop_assert!(document.is_char_boundary(syntax_error.at));
                        ended = true;
                    }
                }
            }
        }
    }
}
