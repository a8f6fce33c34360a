//! Reads empty parentheses as absent. Published guides print `mutation rotateAPIToken() { rotateAPIToken() { … } }`, which
//! the GraphQL grammar (September 2025, sections 2.6 and 2.10) does not allow.
//!
//! It works on the text, before any parser sees it, and turns each such parenthesis into a space: no position in a later
//! error message moves.

use std::borrow::Cow;

/// The document with a space for every parenthesis of an empty pair, outside strings and comments. A pair counts as empty
/// if only white space, commas and comments are in it.
pub(super) fn forgive(document: &str) -> Cow<'_, str> {
    let pairs = empty_pairs(document.as_bytes());
    if pairs.is_empty() {
        return Cow::Borrowed(document);
    }
    let blank = |(at, letter)| if pairs.binary_search(&at).is_ok() { ' ' } else { letter };
    Cow::Owned(document.char_indices().map(blank).collect())
}

/// The offsets of all parentheses that are to vanish, in order.
fn empty_pairs(document: &[u8]) -> Vec<usize> {
    let mut found = Vec::new();
    let mut opened = None;
    let mut at = 0;
    while let Some(byte) = document.get(at) {
        let rest = document.get(at..).unwrap_or_default();
        match byte {
            b'#' => at += comment_length(rest),
            b' ' | b'\t' | b'\n' | b'\r' | b',' => at += 1,
            b'(' => {
                opened = Some(at);
                at += 1;
            }
            b')' => {
                found.extend(opened.take().into_iter().flat_map(|open| [open, at]));
                at += 1;
            }
            b'"' => {
                opened = None;
                at += string_length(rest);
            }
            _ => {
                opened = None;
                at += 1;
            }
        }
    }
    found
}

fn comment_length(rest: &[u8]) -> usize {
    rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')).unwrap_or(rest.len())
}

/// The length of the string or block string at the start of `rest`; an unterminated one ends where the parser will say so.
fn string_length(rest: &[u8]) -> usize {
    let block = rest.starts_with(b"\"\"\"");
    let quote: &[u8] = if block { b"\"\"\"" } else { b"\"" };
    let escape: &[u8] = if block { b"\\\"\"\"" } else { b"\\" };
    let mut at = quote.len();
    while let Some(tail) = rest.get(at..).filter(|tail| !tail.is_empty()) {
        if tail.starts_with(escape) {
            at += if block { escape.len() } else { 2 };
        } else if tail.starts_with(quote) {
            return at + quote.len();
        } else if !block && matches!(tail.first(), Some(b'\n' | b'\r')) {
            return at;
        } else {
            at += 1;
        }
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_printed_form_is_read_as_meant() {
        for (written, read) in [
            (
                "mutation rotateAPIToken() { rotateAPIToken() { token{ value } } }",
                "mutation rotateAPIToken   { rotateAPIToken   { token{ value } } }",
            ),
            ("{ a( ) }", "{ a    }"),
            ("{ a(,\n\t) }", "{ a ,\n\t  }"),
            ("{ a(# no (arguments)\n) }", "{ a # no (arguments)\n  }"),
            ("{ ü() }", "{ ü   }"),
        ] {
            assert_eq!(forgive(written), read);
        }
    }

    #[test]
    fn everything_else_is_left_alone() {
        for document in [
            "",
            "{ a }",
            "{ a(b: 1) }",
            "# ()\n{ a }",
            r#"{ a(b: "()") }"#,
            r#"{ a(b: "\"()") }"#,
            r#"{ a(b: """ "" () \""" () """) }"#,
            r#"{ a(b: "" ) }"#,
            "{ a(\"()",
            "{ a(\"\"\"()",
            "( a )",
            ")(",
            "{ a(\"\n",
            "\"\\",
        ] {
            assert_eq!(forgive(document), document);
        }
    }
}
