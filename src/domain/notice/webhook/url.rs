//! The URL of a webhook. Whether its address may be connected to is known only when it is.

use url::Url;

use crate::domain::invalid_input::InvalidInput;
use crate::domain::text::no_value;

/// The longest URL of a webhook, in bytes, in its normal form.
pub const MAX_WEBHOOK_URL_LENGTH: usize = 2_048;

/// The URL in its normal form, without a fragment, which is never sent.
pub(super) fn parse(text: &str) -> Result<Box<str>, InvalidInput> {
    const FIELD: &str = "url";
    no_value(FIELD, text)?;
    let url = Url::parse(text).ok().filter(|url| {
        !text.contains(char::is_control)
            && matches!(url.scheme(), "https" | "http")
            && url.username().is_empty()
            && url.password().is_none()
            && url.fragment().is_none()
            && url.port() != Some(0)
    });
    // The normal form may be longer.
    let address = url.map(String::from).filter(|address| address.len() <= MAX_WEBHOOK_URL_LENGTH);
    address.map(Into::into).ok_or_else(|| {
        let message = format!(
            "The url must be an address with https, on one line and of at most {MAX_WEBHOOK_URL_LENGTH} bytes, without a name, a password \
             and a fragment."
        );
        InvalidInput::new(FIELD, message)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_normal_and_has_no_credentials() {
        for (given, kept) in [
            ("https://example.com/a?b=c", "https://example.com/a?b=c"),
            ("HTTPS://Example.com", "https://example.com/"),
            ("http://[::1]:8080/hook", "http://[::1]:8080/hook"),
            ("https://127.1/", "https://127.0.0.1/"),
            ("https://0x7f000001/", "https://127.0.0.1/"),
        ] {
            assert_eq!(parse(given).as_deref(), Ok(kept));
        }
        let secret = "https://example.com/rk_00000000000000000000000000000000000000000002gL6Az";
        for bad in [
            "",
            "example.com",
            "ftp://example.com/",
            "file:///etc/passwd",
            "https://",
            "https://user@example.com/",
            "https://user:word@example.com/",
            "https://:word@example.com/",
            "https://example.com/#top",
            "https://example.com:0/",
            "https://example.com/\n",
            secret,
        ] {
            assert_eq!(parse(bad).map_err(|invalid| invalid.field), Err("url"), "{bad:?}");
        }
    }

    #[test]
    fn a_url_is_bounded_as_it_is_kept() {
        let start = "https://example.com/";
        for (length, good) in [(MAX_WEBHOOK_URL_LENGTH, true), (MAX_WEBHOOK_URL_LENGTH + 1, false)] {
            assert_eq!(parse(&format!("{start}{}", "a".repeat(length - start.len()))).is_ok(), good, "{length}");
        }
    }
}
