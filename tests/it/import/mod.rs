//! Tokens whose values were issued elsewhere: importing them, and what their holders can do.

mod file;
mod foreign_values;
mod request;

use rotakey::domain::value::foreign::{Algorithm, Decoding, ForeignFormat, ForeignFormats, FormatName, Secret};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// A foreign value of the format `plain`.
const VALUE: &str = "sk_live_abcdefghijklmnopqrstuvwx";

/// Formats as other systems have them.
fn formats() -> ForeignFormats {
    let format = |name: &str, pattern: &str, algorithm, decoding, pepper: Option<&str>| {
        let (name, pepper) = (FormatName::parse(name).unwrap(), pepper.map(|text| Secret::new(text.to_owned())));
        ForeignFormat::new(name, pattern, algorithm, decoding, pepper).unwrap()
    };
    ForeignFormats::new(vec![
        format("plain", "sk_live_[a-z]{24}", Algorithm::Sha256, None, None),
        format("numbered", "[0-9]+\\|(?<hashed>[a-z]{24})", Algorithm::Sha256, None, None),
        format("long", "[0-9a-f]{64}", Algorithm::Sha512, Some(Decoding::Hex), None),
        format("peppered", "pp_[a-z]{24}", Algorithm::HmacSha256, None, Some("pepper")),
    ])
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The SHA-256 of a text, in hexadecimal.
fn sha256(text: &str) -> String {
    hex(&Sha256::digest(text))
}

/// What is given about a token with this value.
fn plain(value: &str, name: &str) -> Value {
    json!({ "sha256": sha256(value), "format": "plain", "name": name, "scopes": ["read"] })
}
