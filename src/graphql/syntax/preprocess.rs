//! Preprocesses the text of a document for the parser, which does not accept three things:
//!
//! - Empty parentheses. Published guides print `mutation rotateAPIToken() { rotateAPIToken() { … } }`, although the GraphQL grammar
//!   (September 2025, sections 2.6 and 2.10) does not allow it.
//! - Descriptions of operations, fragments and variables, which that edition added (section 2.1.10).
//! - Commas where the parser looks ahead, although they are insignificant everywhere (section 2.1.5).
//!
//! Each of them is replaced by white space of the same length, so that the locations in later errors stay right.

use std::borrow::Cow;
use std::ops::Range;

use super::lexer::{self, SyntaxError};

/// A preprocessed document.
pub(crate) struct Preprocessed<'a> {
    /// The text, in which white space of the same length in bytes replaces every comma, description and pair of empty parentheses. A pair
    /// is empty if it contains only white space, commas and comments. It must be at a place for arguments or variables, and the only one
    /// there.
    pub(crate) text: Cow<'a, str>,
    /// The first argument or input field without a value. The parser skips such a name without an error.
    pub(crate) without_value: Option<SyntaxError>,
    /// The first lexical error. The text ends before it.
    pub(crate) syntax_error: Option<SyntaxError>,
}

/// Preprocesses a document.
pub(crate) fn preprocess(document: &str) -> Preprocessed<'_> {
    let Scan { found: blanks, without_value, syntax_error, end, .. } = Scan::default().run(document);
    let document = if syntax_error.is_some() { document.get(..end).unwrap_or_default() } else { document };
    if blanks.is_empty() {
        return Preprocessed { text: Cow::Borrowed(document), without_value, syntax_error };
    }
    let mut bytes = document.as_bytes().to_vec();
    for range in blanks {
        let blank = bytes.get_mut(range).unwrap_or_default();
        blank.iter_mut().filter(|byte| !matches!(byte, b'\n' | b'\r')).for_each(|byte| *byte = b' ');
    }
    // Tokens start and end at character boundaries, so this is still UTF-8.
    let text = String::from_utf8(bytes).map_or(Cow::Borrowed(document), Cow::Owned);
    Preprocessed { text, without_value, syntax_error }
}

/// A bracket that is open.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Open {
    Selections,
    Variables,
    Arguments(Next),
    Object(Next),
    List,
}

/// The next part of an argument or of an input field.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    Name,
    Colon,
    Value,
}

/// Whether empty parentheses may follow a token.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Before {
    /// `query`, `mutation` or `subscription`, which a name may follow.
    Operation,
    /// The name of an operation or of a field.
    Name,
    /// `...` or `@`, after whose name empty parentheses are not allowed.
    Mark,
    /// `on` after `...`, after whose type they are not allowed either.
    On,
    #[default]
    Other,
}

/// The state of the scan: the open brackets, and the last token.
#[derive(Default)]
struct Scan {
    open: Vec<Open>,
    /// The offset of an opening parenthesis, if it was the last token and may be of an empty pair.
    opened: Option<usize>,
    /// The first byte of the last token.
    last: u8,
    /// Whether empty parentheses may follow the last token.
    before: Before,
    /// The ranges to replace by white space.
    found: Vec<Range<usize>>,
    without_value: Option<SyntaxError>,
    syntax_error: Option<SyntaxError>,
    /// The last token, if it is a string that is a description should a definition or a variable follow.
    description: Option<Range<usize>>,
    /// The offset after the last token.
    end: usize,
}

impl Scan {
    fn run(mut self, document: &str) -> Self {
        loop {
            let at = self.end;
            let token = match lexer::next(document, at) {
                Ok(Some(token)) => token,
                Ok(None) => return self,
                Err(syntax_error) => {
                    // The string before the error may be a description, so it must not be reported as another error.
                    self.found.extend(self.description.take());
                    return Self { syntax_error: Some(syntax_error), ..self };
                }
            };
            let bytes = document.as_bytes();
            if bytes.get(at..token.start).unwrap_or_default().contains(&b',') {
                self.found.push(at..token.start);
            }
            self.end = token.end;
            if let Some(first) = bytes.get(token.start) {
                self.step(*first, token, bytes);
            }
        }
    }

    fn step(&mut self, byte: u8, range: Range<usize>, document: &[u8]) {
        let opened = self.opened.take();
        if let Some(Open::Arguments(Next::Colon) | Open::Object(Next::Colon)) = self.open.last()
            && byte != b':'
        {
            let message = "A colon and a value must follow the name.";
            self.without_value.get_or_insert(SyntaxError { at: range.start, message });
        }
        match self.open.last_mut() {
            Some(open @ Open::Arguments(Next::Name)) if byte == b'$' => *open = Open::Variables,
            Some(Open::Arguments(next) | Open::Object(next)) => *next = next.after(byte),
            _ => {}
        }
        let may_describe = byte == b'"' && (self.describes(b"query") || self.describes(b"$"));
        self.description = may_describe.then(|| range.clone());
        let before = self.before(document.get(range.clone()).unwrap_or_default());
        match byte {
            b'(' => {
                let may_be_empty = matches!(self.before, Before::Operation | Before::Name);
                self.opened = Some(range.start).filter(|_| may_be_empty);
                self.open.push(Open::Arguments(Next::Name));
            }
            b'{' if matches!(self.open.last(), None | Some(Open::Selections)) => self.open.push(Open::Selections),
            b'{' => self.open.push(Open::Object(Next::Name)),
            b'[' => self.open.push(Open::List),
            b')' => {
                self.open.pop();
                let alone = next_word(document, range.end) != b"(";
                let pair = opened.filter(|_| alone).map(|open| [open..open + 1, range.clone()]);
                self.found.extend(pair.into_iter().flatten());
            }
            b'}' | b']' => drop(self.open.pop()),
            b'"' if self.describes(next_word(document, range.end)) => self.found.push(range),
            _ => {}
        }
        self.before = before;
        self.last = byte;
    }

    /// Whether empty parentheses may follow this token.
    fn before(&self, token: &[u8]) -> Before {
        let is_name = token.first().is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'_');
        match (self.open.last(), self.before, token) {
            (_, _, b"..." | b"@") => Before::Mark,
            (Some(Open::Selections), Before::Mark, b"on") if self.last == b'.' => Before::On,
            (Some(Open::Selections), Before::Operation | Before::Name | Before::Other, _) if is_name => Before::Name,
            (None, Before::Operation, _) if is_name => Before::Name,
            (None, Before::Other, b"query" | b"mutation" | b"subscription") if matches!(self.last, 0 | b'}' | b'"') => {
                Before::Operation
            }
            _ => Before::Other,
        }
    }

    /// Whether a string here is the description of a definition or a variable, if this word follows it.
    fn describes(&self, next: &[u8]) -> bool {
        // A shorthand query has no description, and a string after `=` is a default value. A definition ends with a brace.
        match self.open.as_slice() {
            [] => DESCRIBED.contains(&next) && matches!(self.last, 0 | b'}'),
            [Open::Arguments(_) | Open::Variables] => next == b"$" && !matches!(self.last, b'=' | b':' | b'$' | b'@'),
            _ => false,
        }
    }
}

/// The first words of the definitions that may have a description.
const DESCRIBED: [&[u8]; 12] = [
    b"query",
    b"mutation",
    b"subscription",
    b"fragment",
    b"schema",
    b"scalar",
    b"type",
    b"interface",
    b"union",
    b"enum",
    b"input",
    b"directive",
];

/// The first token at or after this offset, if it is a name, or else its first byte; empty at the end.
fn next_word(document: &[u8], offset: usize) -> &[u8] {
    let after = document.get(offset..).unwrap_or_default();
    let rest = after.get(lexer::ignored_length(after)..).unwrap_or_default();
    let name = lexer::name_length(rest).max(rest.len().min(1));
    rest.get(..name).unwrap_or_default()
}

impl Next {
    /// The part that follows a token that starts with this byte.
    fn after(self, byte: u8) -> Self {
        match self {
            Self::Name if byte.is_ascii_alphabetic() || byte == b'_' => Self::Colon,
            Self::Colon => Self::Value,
            // The name of the variable follows.
            Self::Value if byte == b'$' => Self::Value,
            Self::Name | Self::Value => Self::Name,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_parentheses_are_replaced_by_white_space() {
        for (written, read) in [
            (
                "mutation rotateAPIToken() { rotateAPIToken() { token{ value } } }",
                "mutation rotateAPIToken   { rotateAPIToken   { token{ value } } }",
            ),
            ("{ a( ) }", "{ a    }"),
            ("{ a(,\n\t) }", "{ a  \n   }"),
            (
                "query() { a: b() on() ... { c() } } subscription D() { e() }",
                "query   { a: b   on   ... { c   } } subscription D   { e   }",
            ),
            ("{ a() (b: 1), c(,) }", "{ a() (b: 1)  c    }"),
            ("{ a(# no (arguments)\n) }", "{ a # no (arguments)\n  }"),
            ("{ a(b: \"ü\") c() }", "{ a(b: \"ü\") c   }"),
        ] {
            assert_eq!(preprocess(written).text, read);
        }
    }

    #[test]
    fn descriptions_are_replaced_by_white_space() {
        for (written, read) in [
            ("\"a\" query { b }", "    query { b }"),
            ("\"\"\"a\nb\"\"\" # c\nfragment", "    \n     # c\nfragment"),
            ("query(\"a\" $b: C = \"d\" \"e\" $f: G) { h }", "query(    $b: C = \"d\"     $f: G) { h }"),
            ("{ a } \"ü\" query B { c }", "{ a }      query B { c }"),
        ] {
            assert_eq!(preprocess(written).text, read);
        }
    }

    #[test]
    fn commas_are_replaced_by_white_space() {
        for (written, read) in [
            ("{ ... , { a } }", "{ ...   { a } }"),
            ("{ ...,A b,\r\n:# ,\n\u{feff},c(d: \",\", e: 1),}", "{ ... A b \r\n:   \n    c(d: \",\"  e: 1) }"),
        ] {
            assert_eq!(preprocess(written).text, read);
        }
    }

    #[test]
    fn everything_else_is_unchanged() {
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
            "\"a\" b { c }",
            "\"a\" queries { c }",
            "\"a\" extend type B { c: D }",
            "query \"a\" B { c }",
            "query B @ \"a\" c { d }",
            "\"a\" \"b\" query { c }",
            "query(\"a\") { b }",
            "query($a: [B] = [\"c\" $d]) { e }",
            "query($a: B @c(d: \"e\" $f: 1)) { g }",
            "{ a(b: \"c\" $d: 1) }",
            "\"a\"",
            ")(",
            "( )",
            "{ a(()) b(c: ()) d(e: f()) ...g() ... on H() @i() { j } }",
            "query ()() { a }",
            "query A($b: C() = d()) @e() { f }",
            "fragment a() on B() { c } query @d() { e }()",
            "{ a(b: $c d: [{ e: [] } F] g: { h: -1 i: { } }) @j(k: null) { l } }",
            "query A($b: C = { d: [1] } @e(f: \"g\") $h: [I!]) { j }",
        ] {
            assert_eq!(preprocess(document).text, document, "{document}");
        }
    }

    #[test]
    fn an_invalid_token_is_located() {
        for (document, at) in [("{ a(\"()", 7), ("{ a(\"\"\"()", 9), ("{ a(\"\n", 5), ("\"\\", 1), ("a() ?", 4)] {
            assert_eq!(preprocess(document).syntax_error.map(|syntax_error| syntax_error.at), Some(at), "{document}");
        }
    }

    #[test]
    fn arguments_and_input_fields_without_a_value_are_found() {
        for (document, at) in [
            ("{ a(b) }", Some(5)),
            ("{ a(b: 1, c) }", Some(11)),
            ("{ a(b: { c }) }", Some(11)),
            ("{ a @b(c) }", Some(8)),
            ("query($a: B = { c }) { d }", Some(18)),
            ("{ a(b: [{ c: $d }, { e }]) }", Some(23)),
            ("{ a(b: $c, d: { e: [F] }) { g h } }", None),
            ("query A($b: C = { d: e } @f(g: 1), $h: [I!]) { j }", None),
        ] {
            let found = preprocess(document).without_value.map(|syntax_error| syntax_error.at);
            assert_eq!(found, at, "{document}");
        }
    }
}
