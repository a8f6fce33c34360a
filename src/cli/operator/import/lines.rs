//! The lines of a file, each of bounded length.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use crate::cli::error::Error;

/// The longest line, in bytes, without its end.
const MAX_LINE_BYTES: usize = 64 * 1024;

/// A file that is read line by line.
pub(super) struct Lines {
    path: PathBuf,
    file: BufReader<File>,
    number: u64,
}

/// A line and its number, which begins with 1.
pub(super) struct Line {
    pub(super) number: u64,
    /// Its text, or what is wrong with it.
    pub(super) text: Result<Vec<u8>, String>,
}

impl Lines {
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        let unreadable = |source| Error::Unreadable { path: path.to_owned(), source };
        let file = File::open(path).map_err(unreadable)?;
        // It is read twice.
        if !file.metadata().map_err(unreadable)?.is_file() {
            let source = std::io::Error::other("it must be a file, because it is read twice");
            return Err(unreadable(source));
        }
        Ok(Self { path: path.to_owned(), file: BufReader::new(file), number: 0 })
    }

    /// The next line; `None` after the last.
    pub(super) fn next(&mut self) -> Result<Option<Line>, Error> {
        let path = self.path.clone();
        let unreadable = |source| Error::Unreadable { path, source };
        let mut text = Vec::new();
        let limit = MAX_LINE_BYTES as u64 + 1;
        let read = self.file.by_ref().take(limit).read_until(b'\n', &mut text);
        let read = match read {
            Ok(read) => read,
            Err(source) => return Err(unreadable(source)),
        };
        if read == 0 {
            return Ok(None);
        }
        self.number += 1;
        if text.last() == Some(&b'\n') {
            text.pop();
        } else if text.len() > MAX_LINE_BYTES {
            self.skip_line().map_err(unreadable)?;
            let message = format!("The line is longer than {MAX_LINE_BYTES} bytes.");
            return Ok(Some(Line { number: self.number, text: Err(message) }));
        }
        Ok(Some(Line { number: self.number, text: Ok(text) }))
    }

    /// Reads on until the end of the line.
    fn skip_line(&mut self) -> Result<(), std::io::Error> {
        loop {
            let buffer = self.file.fill_buf()?;
            let end = buffer.iter().position(|byte| *byte == b'\n');
            let (used, is_end) = (end.map_or(buffer.len(), |end| end + 1), end.is_some() || buffer.is_empty());
            self.file.consume(used);
            if is_end {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_64_kib_is_read_and_a_longer_one_is_skipped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lines");
        let line = |length: usize| "x".repeat(length);
        let text =
            format!("{}\n{}\n{}\n\nlast", line(MAX_LINE_BYTES), line(MAX_LINE_BYTES + 1), line(10 * MAX_LINE_BYTES));
        std::fs::write(&path, text).unwrap();
        let mut lines = Lines::open(&path).unwrap();
        let mut next = || lines.next().unwrap().map(|line| (line.number, line.text.map(|text| text.len()).ok()));
        let expected = [
            Some((1, Some(MAX_LINE_BYTES))),
            Some((2, None)),
            Some((3, None)),
            Some((4, Some(0))),
            Some((5, Some(4))),
            None,
        ];
        for expected in expected {
            assert_eq!(next(), expected);
        }
        assert!(Lines::open(folder.path()).is_err());
        assert!(Lines::open(Path::new("/dev/null")).is_err());
    }
}
