//! The lines of a file of `rotakey import`: JSON lines, or CSV (RFC 4180) with the names of the fields in its first line.
//!
//! A line has the fields of an item of `POST /api-tokens/import`. In CSV a list is separated by spaces, an empty cell counts as left out,
//! and metadata has a column for each key, such as `metadata.team`.

use std::mem;

use serde_json::{Map, Value};

use crate::domain::text::quote;
use crate::domain::token::ImportDraft;
use crate::http::body::json;
use crate::http::body::unique_names::UniqueNames;
use crate::http::rejection::Rejection;

use super::input::ImportInput;

const NUMBERS: [&str; 3] = ["rotationPeriodMinutes", "overlapMinutes", "silentMinutes"];
const BOOLEANS: [&str; 1] = ["protected"];
const LISTS: [&str; 4] = ["permissions", "scopes", "allowedCIDRBlocks", "allowedOrigins"];
/// What the name of a column begins with that has the values of a key of the metadata.
const METADATA: &str = "metadata.";

/// How the lines of a file are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImportLines {
    /// Each line is an object of JSON.
    Json,
    /// Each line has a cell for each of these fields.
    Csv(Vec<String>),
}

/// What is wrong with a line. It contains nothing of the line but the name of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineProblem {
    /// The field, if it is one.
    pub field: Option<String>,
    /// What is wrong.
    pub message: String,
}

impl LineProblem {
    fn new(message: impl Into<String>) -> Self {
        Self { field: None, message: message.into() }
    }
}

impl From<Rejection> for LineProblem {
    fn from(rejection: Rejection) -> Self {
        let (message, field) = rejection.into_message_and_field();
        Self { field: field.map(Into::into), message }
    }
}

impl ImportLines {
    /// Reads the first line, which says what the others are. For CSV, it is no token itself.
    ///
    /// # Errors
    /// When it is the first line of neither.
    pub fn of_first(line: &[u8]) -> Result<Self, LineProblem> {
        if json::first_byte(line) == Some(b'{') {
            return Ok(Self::Json);
        }
        let names = cells(line)?;
        let is_hash = |name: &String| ["sha256", "sha512", "hmacSHA256"].contains(&name.as_str());
        if !names.iter().any(is_hash) {
            let message = "The file must have JSON lines, or begin with a line of CSV that names the columns. One of them must be sha256, \
                           sha512 or hmacSHA256.";
            return Err(LineProblem::new(message));
        }
        match names.iter().enumerate().find(|(at, name)| names.iter().take(*at).any(|other| other == *name)) {
            Some((_, repeated)) => Err(LineProblem::new(format!("The column {} is named twice.", quote(repeated)))),
            None => Ok(Self::Csv(names)),
        }
    }

    /// What a line gives about a token.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(&self, line: &[u8]) -> Result<ImportDraft, LineProblem> {
        let fields = match self {
            Self::Json => {
                let object = json::parse::<UniqueNames>(line);
                let object = object.map_err(|_| LineProblem::new("The line is not a JSON object."))?;
                object.fields("field")?
            }
            Self::Csv(names) => fields(names, cells(line)?)?,
        };
        Ok(ImportInput::draft(fields, false)?)
    }
}

/// The cells of a line.
fn cells(line: &[u8]) -> Result<Vec<String>, LineProblem> {
    let text = std::str::from_utf8(line).map_err(|_| LineProblem::new("The line is not UTF-8."))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).trim_end_matches(['\r', '\n']);
    let (mut cells, mut cell, mut letters) = (Vec::new(), String::new(), text.chars().peekable());
    loop {
        let quoted = letters.next_if_eq(&'"').is_some();
        loop {
            match letters.next() {
                Some('"') if quoted && letters.next_if_eq(&'"').is_some() => cell.push('"'),
                Some('"') if quoted => break,
                Some(letter) if quoted => cell.push(letter),
                None if quoted => return Err(LineProblem::new("A quote is not closed on this line.")),
                Some('"') => return Err(LineProblem::new("A cell with quotes must begin and end with one.")),
                Some(',') => {
                    cells.push(mem::take(&mut cell));
                    break;
                }
                Some(letter) => cell.push(letter),
                None => {
                    cells.push(cell);
                    return Ok(cells);
                }
            }
        }
        if quoted {
            cells.push(mem::take(&mut cell));
            match letters.next() {
                None => return Ok(cells),
                Some(',') => {}
                Some(_) => return Err(LineProblem::new("A cell with quotes must begin and end with one.")),
            }
        }
    }
}

/// The fields of these cells, as JSON has them.
fn fields(names: &[String], cells: Vec<String>) -> Result<Map<String, Value>, LineProblem> {
    if names.len() != cells.len() {
        let message = format!("The line has {} cells, and the first line {}.", cells.len(), names.len());
        return Err(LineProblem::new(message));
    }
    let (mut fields, mut metadata) = (Map::new(), Vec::new());
    for (name, cell) in names.iter().zip(cells).filter(|(_, cell)| !cell.is_empty()) {
        if let Some(key) = name.strip_prefix(METADATA) {
            metadata.push(serde_json::json!({ "key": key, "value": cell }));
            continue;
        }
        let name = name.as_str();
        let value = if LISTS.contains(&name) {
            cell.split_whitespace().map(Value::from).collect()
        } else if NUMBERS.contains(&name) {
            cell.parse::<i64>().map_or_else(|_| Value::from(cell), Value::from)
        } else if BOOLEANS.contains(&name) {
            cell.parse::<bool>().map_or_else(|_| Value::from(cell), Value::from)
        } else {
            Value::from(cell)
        };
        fields.insert(name.to_owned(), value);
    }
    if !metadata.is_empty() {
        fields.insert("metadata".to_owned(), metadata.into());
    }
    Ok(fields)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Vec<String> {
        cells(text.as_bytes()).unwrap()
    }

    #[test]
    fn cells_are_separated_by_commas_and_may_be_quoted() {
        for (text, expected) in [
            ("", &[""][..]),
            ("a,b\r\n", &["a", "b"]),
            ("\u{feff}a,,", &["a", "", ""]),
            ("\"a,b\",\"say \"\"so\"\"\"", &["a,b", "say \"so\""]),
            ("\"\",x", &["", "x"]),
            ("x,\"\"", &["x", ""]),
        ] {
            assert_eq!(read(text), expected, "{text:?}");
        }
        for bad in ["\"a", "a\"b", "\"a\"b", "\"a\" ,b", "\"\"\""] {
            assert!(cells(bad.as_bytes()).is_err(), "{bad:?}");
        }
        assert!(cells(b"\xff").is_err());
    }

    #[test]
    fn a_line_of_csv_gives_the_same_as_one_of_json() {
        let csv = ImportLines::of_first(
            b"sha256,name,owner,scopes,expiresAt,rotationPeriodMinutes,protected,metadata.team,metadata.note",
        )
        .unwrap();
        let json = ImportLines::of_first(br#" {"sha256": "x"}"#).unwrap();
        let of_csv = csv.read(b"abc,\"A, B\",,read  write,2030-01-01T00:00:00Z,60,true,payments,").unwrap();
        let of_json = json.read(
            br#"{"sha256": "abc", "name": "A, B", "scopes": ["read", "write"], "expiresAt": "2030-01-01T00:00:00Z",
                 "rotationPeriodMinutes": 60, "protected": true, "metadata": [{"key": "team", "value": "payments"}]}"#,
        );
        assert_eq!(of_csv, of_json.unwrap());
    }

    #[test]
    fn a_wrong_line_is_described_without_its_content() {
        let csv = ImportLines::of_first(b"sha256,name,protected").unwrap();
        let problem = |line: &str| csv.read(line.as_bytes()).unwrap_err();
        assert_eq!(problem("secret,b").message, "The line has 2 cells, and the first line 3.");
        assert_eq!(problem("secret,b,perhaps").field.as_deref(), Some("protected"));
        assert_eq!(problem("secret,,").field.as_deref(), Some("name"));
        let json = ImportLines::Json;
        for line in
            ["secret", "[\"secret\"]", "{\"name\": \"a\", \"name\": \"b\"}", "{\"sha256\": {\"secret\": 1}}", ""]
        {
            let problem = json.read(line.as_bytes()).unwrap_err();
            assert!(!problem.message.contains("secret"), "{problem:?}");
        }
        for first in ["", "a,b", "sha256,sha256", "[1]", "null"] {
            assert!(ImportLines::of_first(first.as_bytes()).is_err(), "{first}");
        }
    }

    proptest! {
        #[test]
        fn any_line_is_read_or_refused(line in any::<Vec<u8>>(), text in "[\\PC,\"{}:\\[\\]]{0,80}") {
            let csv = ImportLines::Csv(vec!["sha256".to_owned(), "metadata.a".to_owned()]);
            for bytes in [line.as_slice(), text.as_bytes()] {
                let _ = (ImportLines::of_first(bytes), ImportLines::Json.read(bytes), csv.read(bytes));
            }
        }

        #[test]
        fn what_is_quoted_reads_back(texts in proptest::collection::vec("[^\\r\\n\\x{feff}]{0,10}", 1..5)) {
            let quoted: Vec<_> = texts.iter().map(|text| format!("\"{}\"", text.replace('"', "\"\""))).collect();
            prop_assert_eq!(read(&quoted.join(",")), texts);
        }
    }
}
