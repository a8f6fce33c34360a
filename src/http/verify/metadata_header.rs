//! `X-Token-Metadata`: the metadata of a token, for a gateway that asks for it.

use std::collections::BTreeMap;
use std::fmt::Write;

use axum::http::HeaderValue;

use crate::domain::token::Metadata;

/// The metadata as an object of JSON. A header value can only have ASCII characters, so all others are escaped; and JSON escapes what could
/// end a header value (RFC 9110, section 5.5). An escape takes at most three times as many bytes as its character.
pub(super) fn metadata_header(metadata: &Metadata) -> HeaderValue {
    let pairs: BTreeMap<&str, &str> = metadata.iter().collect();
    // This cannot fail: keys and values are texts.
    let json = serde_json::to_string(&pairs).unwrap_or_default();
    let mut ascii = String::with_capacity(json.len());
    for letter in json.chars() {
        if matches!(letter, ' '..='~') {
            ascii.push(letter);
        } else {
            // RFC 8259, section 7: a character beyond the first plane takes two. Writing to a String cannot fail.
            for unit in letter.encode_utf16(&mut [0; 2]) {
                let _ = write!(ascii, "\\u{unit:04x}");
            }
        }
    }
    HeaderValue::try_from(ascii).unwrap_or(HeaderValue::from_static("{}"))
}

#[cfg(test)]
mod tests {
    use crate::domain::token::{MAX_METADATA_BYTES, MAX_METADATA_ENTRIES};

    use super::*;

    fn header(pairs: &[(&str, &str)]) -> String {
        let pairs = pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        metadata_header(&Metadata::of_stored(pairs)).to_str().unwrap().to_owned()
    }

    #[test]
    fn every_text_becomes_printable_ascii_that_reads_as_the_same_text() {
        for text in ["", "a b", "ü€", "\u{1F511}", "\"\\,;=%", "\r\nX-Token-Id: tok_1", "\0\u{7f}\u{85}\u{2028}", "\t"]
        {
            let header = header(&[("team", text)]);
            assert!(header.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{header}");
            assert_eq!(
                serde_json::from_str::<serde_json::Value>(&header).unwrap(),
                serde_json::json!({ "team": text })
            );
        }
        assert_eq!(header(&[]), "{}");
        assert_eq!(header(&[("b", "ü"), ("a", "1")]), r#"{"a":"1","b":"\u00fc"}"#);
    }

    /// As docs/gateways.md says.
    #[test]
    fn the_largest_takes_about_six_kilobytes() {
        // Each of these characters has two bytes, and six when it is escaped.
        let keys: Vec<String> = (0..MAX_METADATA_ENTRIES).map(|number| format!("{number:02}")).collect();
        let value = "é".repeat(MAX_METADATA_BYTES / MAX_METADATA_ENTRIES / 2 - 1);
        let pairs: Vec<(&str, &str)> = keys.iter().map(|key| (key.as_str(), value.as_str())).collect();
        assert_eq!(header(&pairs).len(), 6_177);
    }
}
