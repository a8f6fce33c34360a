//! From offsets in a document to locations in errors (GraphQL, section 7.1.2): lines and columns, both from 1.
//!
//! All kinds of errors must count alike. Lines end as in GraphQL (`\n`, `\r\n` or `\r`, and no other line terminators of Unicode). Columns
//! are counted in UTF-16 code units, as by the reference implementation and by editors.

use async_graphql::Pos;

use super::lexer::ignored_length;

/// The line index of a document.
pub(crate) struct Positions<'a> {
    document: &'a str,
    /// The offset of the start of each line.
    lines: Vec<usize>,
    /// For every non-ASCII character, the offset after it, and the excess of bytes over code units up to there.
    wide: Vec<(usize, usize)>,
}

impl<'a> Positions<'a> {
    pub(crate) fn of(document: &'a str) -> Self {
        let bytes = document.as_bytes();
        let ends = bytes.iter().enumerate().filter(|(at, byte)| match byte {
            b'\n' => true,
            b'\r' => bytes.get(at + 1) != Some(&b'\n'),
            _ => false,
        });
        let lines = std::iter::once(0).chain(ends.map(|(at, _)| at + 1)).collect();
        let mut excess = 0;
        let characters = document.char_indices().filter(|(_, character)| !character.is_ascii());
        let wide = characters.map(|(at, character)| {
            excess += character.len_utf8() - character.len_utf16();
            (at + character.len_utf8(), excess)
        });
        Self { document, lines, wide: wide.collect() }
    }

    /// The location of this byte offset.
    pub(crate) fn at(&self, offset: usize) -> Pos {
        let offset = offset.min(self.document.len());
        let line = self.lines.partition_point(|start| *start <= offset);
        let start = self.lines.get(line.saturating_sub(1)).copied().unwrap_or_default();
        Pos { line, column: self.units(offset).saturating_sub(self.units(start)) + 1 }
    }

    /// The location of the first token at or after this byte offset.
    pub(crate) fn of_next(&self, offset: usize) -> Pos {
        self.at(offset + ignored_length(self.document.as_bytes().get(offset..).unwrap_or_default()))
    }

    /// The number of code units before this byte offset.
    fn units(&self, offset: usize) -> usize {
        let before = self.wide.partition_point(|(end, _)| *end <= offset);
        let excess = before.checked_sub(1).and_then(|last| self.wide.get(last)).map_or(0, |(_, excess)| *excess);
        offset.saturating_sub(excess)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_as_graphql_ends_them_and_columns_are_code_units() {
        let document = "\u{feff}a\rb\r\nc\n\né😀d\u{2028}\u{85}\u{b}e\n\r";
        let positions = Positions::of(document);
        for (text, line, column) in
            [("a", 1, 2), ("b", 2, 1), ("c", 3, 1), ("é", 5, 1), ("😀", 5, 2), ("d", 5, 4), ("e", 5, 8)]
        {
            let place = positions.at(document.find(text).unwrap());
            assert_eq!((place.line, place.column), (line, column), "{text}");
        }
        assert_eq!(positions.at(document.len()), Pos { line: 7, column: 1 });
        assert_eq!(positions.at(usize::MAX), Pos { line: 7, column: 1 });
        assert_eq!(Positions::of("").at(0), Pos { line: 1, column: 1 });
    }
}
