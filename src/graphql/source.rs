//! Reads two things that parsers do not: empty parentheses, which published guides print in
//! `mutation rotateAPIToken() { rotateAPIToken() { … } }` and the GraphQL grammar (September 2025, sections 2.6 and 2.10)
//! does not allow, and descriptions of operations, fragments and variables, which it allows since that edition
//! (section 2.1.10 and those of the definitions).
//!
//! It works on the text, before any parser sees it, and turns each of them into white space: no position in a later error
//! message moves.

use std::borrow::Cow;
use std::ops::Range;

/// The document with white space for every empty pair of parentheses and every description, outside strings and comments. A
/// pair counts as empty if only white space, commas and comments are in it.
pub(super) fn tidy(document: &str) -> Cow<'_, str> {
    let blanks = Scan::default().run(document.as_bytes());
    if blanks.is_empty() {
        return Cow::Borrowed(document);
    }
    let mut ahead = blanks.iter().peekable();
    let blank = |(at, letter): (usize, char)| {
        while ahead.next_if(|range| range.end <= at).is_some() {}
        let inside = ahead.peek().is_some_and(|range| range.contains(&at));
        if inside && !matches!(letter, '\n' | '\r') { ' ' } else { letter }
    };
    Cow::Owned(document.char_indices().map(blank).collect())
}

/// How far a document has been read: what is open, and what came last.
#[derive(Default)]
struct Scan {
    braces: usize,
    parentheses: usize,
    brackets: usize,
    /// The parenthesis after which nothing has come yet.
    opened: Option<usize>,
    /// The last byte that means something.
    last: u8,
    found: Vec<Range<usize>>,
}

impl Scan {
    /// The ranges that are to become white space, in order.
    fn run(mut self, document: &[u8]) -> Vec<Range<usize>> {
        let mut at = 0;
        while let Some(byte) = document.get(at) {
            let rest = document.get(at..).unwrap_or_default();
            let length = match byte {
                b'"' => string_length(rest),
                _ => ignored_length(rest).max(1),
            };
            if !is_ignored(*byte) {
                self.step(*byte, at..at + length, document);
            }
            at += length;
        }
        self.found.sort_by_key(|range| range.start);
        self.found
    }

    fn step(&mut self, byte: u8, range: Range<usize>, document: &[u8]) {
        let opened = self.opened.take();
        match byte {
            b'(' => {
                self.opened = Some(range.start);
                self.parentheses += 1;
            }
            b')' => {
                self.parentheses = self.parentheses.saturating_sub(1);
                self.found.extend(opened.into_iter().flat_map(|open| [open..open + 1, range.clone()]));
            }
            b'{' => self.braces += 1,
            b'}' => self.braces = self.braces.saturating_sub(1),
            b'[' => self.brackets += 1,
            b']' => self.brackets = self.brackets.saturating_sub(1),
            b'"' if self.describes(document.get(range.end..).unwrap_or_default()) => self.found.push(range),
            _ => {}
        }
        self.last = byte;
    }

    /// Whether a string that stands here, with this after it, describes a definition or a variable.
    fn describes(&self, after: &[u8]) -> bool {
        let next = after.get(ignored_length(after)).copied().unwrap_or_default();
        let place = (self.braces, self.parentheses, self.brackets);
        // A shorthand query cannot be described, and after `=` stands a default value.
        (place == (0, 0, 0) && next.is_ascii_alphabetic() && self.last != b'"')
            || (place == (0, 1, 0) && next == b'$' && self.last != b'=')
    }
}

fn is_ignored(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | b',' | b'#')
}

/// How much of what follows means nothing: white space, commas and comments.
fn ignored_length(rest: &[u8]) -> usize {
    let mut at = 0;
    while let Some(byte) = rest.get(at).filter(|byte| is_ignored(**byte)) {
        at += if *byte == b'#' { comment_length(rest.get(at..).unwrap_or_default()) } else { 1 };
    }
    at
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
            assert_eq!(tidy(written), read);
        }
    }

    #[test]
    fn a_description_is_read_as_white_space() {
        for (written, read) in [
            ("\"a\" query { b }", "    query { b }"),
            ("\"\"\"a\nb\"\"\" # c\nfragment", "    \n     # c\nfragment"),
            ("query(\"a\" $b: C = \"d\" \"e\" $f: G) { h }", "query(    $b: C = \"d\"     $f: G) { h }"),
            ("{ a } \"ü\" query B { c }", "{ a }     query B { c }"),
        ] {
            assert_eq!(tidy(written), read);
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
            "\"a\" { b }",
            "\"a\" \"b\" query { c }",
            "query(\"a\") { b }",
            "query($a: [B] = [\"c\" $d]) { e }",
            "query($a: B @c(d: \"e\" $f: 1)) { g }",
            "{ a(b: \"c\" $d: 1) }",
            "\"a\"",
            "{ a(\"()",
            "{ a(\"\"\"()",
            "( a )",
            ")(",
            "{ a(\"\n",
            "\"\\",
        ] {
            assert_eq!(tidy(document), document, "{document}");
        }
    }
}
