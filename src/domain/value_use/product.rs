//! The product name of a user agent: the first product of the header, without its version (RFC 9110, section 10.1.5).
//!
//! Without the version, because a fleet that updates its client is still one user, and because the rest of a browser's header identifies
//! people. What a client sent is kept and shown, so it is redacted and bounded.

use crate::domain::value::redact;

/// The longest product name that is kept, in characters.
const MAX_LENGTH: usize = 60;
/// How much of a product tells two users apart, in bytes. Longer than what is shown, so that nothing that is shown is lost.
const MAX_SENT_LENGTH: usize = 64;

/// The name of a product, never empty.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Product(Box<str>);

impl Product {
    /// The product of a `User-Agent` header; `None` if it has none.
    pub fn of(user_agent: &[u8]) -> Option<Self> {
        // Redacted as a whole: of a value that was cut, too little might be left to be recognised.
        let token = str::from_utf8(first_token(user_agent)).ok().filter(|token| !token.is_empty())?;
        Some(Self(redact(token).chars().take(MAX_LENGTH).collect()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What distinguishes the product of a `User-Agent` header from others, as it was sent; empty if it has none.
pub fn sent_product(user_agent: &[u8]) -> &[u8] {
    first_token(user_agent.get(..MAX_SENT_LENGTH).unwrap_or(user_agent))
}

/// What precedes the first character that no token has (RFC 9110, section 5.6.2): the `/` before a version, or a space. A token is
/// printable ASCII.
fn first_token(text: &[u8]) -> &[u8] {
    let end = text.iter().position(|byte| !is_token(*byte)).unwrap_or(text.len());
    text.get(..end).unwrap_or_default()
}

fn is_token(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'A'..=b'Z' | b'^'..=b'z' | b'#'..=b'\'' | b'!' | b'*' | b'+' | b'-' | b'.' | b'|' | b'~')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const VALUE: &str = "rk_00000000000000000000000000000000000000000002gL6Az";

    fn name(user_agent: &str) -> Option<String> {
        Product::of(user_agent.as_bytes()).map(|product| product.as_str().to_owned())
    }

    #[test]
    fn the_first_product_counts_without_its_version() {
        for (user_agent, product) in [
            ("curl/8.5.0", "curl"),
            ("python-requests/2.31.0", "python-requests"),
            ("Go-http-client/1.1", "Go-http-client"),
            ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36", "Mozilla"),
            ("orders", "orders"),
            ("orders (staging)", "orders"),
            ("my_app.v2+beta/1 curl/8", "my_app.v2+beta"),
        ] {
            assert_eq!(name(user_agent).as_deref(), Some(product), "{user_agent}");
            assert_eq!(sent_product(user_agent.as_bytes()), product.as_bytes(), "{user_agent}");
        }
        for none in ["", "(none)", "/1.0", " curl", "é/1", "\u{1b}[31m"] {
            assert_eq!(name(none), None, "{none:?}");
            assert_eq!(sent_product(none.as_bytes()), b"", "{none:?}");
        }
    }

    #[test]
    fn a_value_in_a_user_agent_is_redacted_wherever_the_name_is_cut() {
        assert_eq!(name(VALUE).as_deref(), Some("rk_…"));
        for before in 0..70 {
            let shown = name(&format!("{}{VALUE}/1.0", "-".repeat(before))).unwrap();
            assert!(!shown.contains("00"), "{before}: {shown}");
        }
    }

    proptest! {
        #[test]
        fn a_name_is_short_and_printable_whatever_is_sent(user_agent in proptest::collection::vec(any::<u8>(), 0..200)) {
            let product = Product::of(&user_agent);
            prop_assert_eq!(product.is_some(), !sent_product(&user_agent).is_empty());
            if let Some(product) = product {
                let length = product.as_str().chars().count();
                prop_assert!((1..=MAX_LENGTH).contains(&length));
                prop_assert!(product.as_str().chars().all(|letter| letter.is_ascii_graphic() || letter == '…'));
            }
        }

        #[test]
        fn every_letter_of_a_token_and_no_other_belongs_to_a_name(byte in any::<u8>()) {
            let listed = byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
            prop_assert_eq!(is_token(byte), listed);
        }
    }
}
