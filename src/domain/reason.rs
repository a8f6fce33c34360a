//! Why something was done, as the caller says: a line of text, and the address of the evidence. Both are kept in the audit log.

use percent_encoding::percent_decode_str;
use url::Url;

use super::invalid_input::InvalidInput;
use crate::domain::text::{line, no_value};

/// The longest address of evidence, in characters.
pub const MAX_EVIDENCE_URL_LENGTH: usize = 2_000;

/// Why something was done; both parts may be missing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reason {
    /// One line of text.
    pub text: Option<String>,
    /// Where the evidence is: an address with `https` or `http`.
    pub evidence_url: Option<String>,
}

/// A reason as the caller gives it, before validation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReasonDraft {
    /// See [`Reason::text`].
    pub text: Option<String>,
    /// See [`Reason::evidence_url`].
    pub evidence_url: Option<String>,
}

impl ReasonDraft {
    /// The validated reason.
    ///
    /// # Errors
    /// The first rule that is not met, with its field.
    pub fn validate(self) -> Result<Reason, InvalidInput> {
        let Self { text, evidence_url } = self;
        Ok(Reason {
            text: text.map(|text| line("reason", text)).transpose()?,
            evidence_url: evidence_url.as_deref().map(|text| evidence("evidenceURL", text)).transpose()?,
        })
    }
}

/// The address in its normal form, which has only ASCII characters. A name and a password in it would be kept for all who read the audit
/// log, so they are refused. So are control characters: the normal form is without tabs and line breaks, and could have a value that the
/// text did not have, such as one that a terminal broke into two lines (R9).
///
/// # Errors
/// When it is no such address, with this field.
pub fn evidence(field: &'static str, text: &str) -> Result<String, InvalidInput> {
    no_value(field, text)?;
    no_value(field, &percent_decode_str(text).decode_utf8_lossy())?;
    let url = Url::parse(text).ok().filter(|url| {
        !text.contains(char::is_control)
            && matches!(url.scheme(), "https" | "http")
            && url.username().is_empty()
            && url.password().is_none()
    });
    // The normal form may be longer.
    let address = url.map(String::from).filter(|address| address.len() <= MAX_EVIDENCE_URL_LENGTH);
    address.ok_or_else(|| {
        let message = format!(
            "The {field} must be an address with https or http, on one line and of at most {MAX_EVIDENCE_URL_LENGTH} characters, without \
             a name and a password."
        );
        InvalidInput::new(field, message)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALUE: &str = "rk_00000000000000000000000000000000000000000002gL6Az";

    fn url(text: &str) -> Result<Option<String>, &'static str> {
        let draft = ReasonDraft { evidence_url: Some(text.to_owned()), ..ReasonDraft::default() };
        draft.validate().map(|reason| reason.evidence_url).map_err(|invalid| invalid.field)
    }

    fn text(text: &str) -> Result<Option<String>, &'static str> {
        let draft = ReasonDraft { text: Some(text.to_owned()), ..ReasonDraft::default() };
        draft.validate().map(|reason| reason.text).map_err(|invalid| invalid.field)
    }

    #[test]
    fn a_reason_is_one_line_without_a_value() {
        assert_eq!(ReasonDraft::default().validate(), Ok(Reason::default()));
        for good in ["found in a public repository", "é", &"x".repeat(255)] {
            assert_eq!(text(good), Ok(Some(good.to_owned())));
        }
        for bad in ["", "two\nlines", "\u{202E}a", VALUE, &format!("found {VALUE}"), &"x".repeat(256)] {
            assert_eq!(text(bad), Err("reason"), "{bad:?}");
        }
    }

    #[test]
    fn evidence_is_at_a_web_address_without_credentials() {
        for (given, kept) in [
            ("https://example.com/a?b=c#d", "https://example.com/a?b=c#d"),
            ("HTTP://Example.com", "http://example.com/"),
            ("https://example.com/ü\u{202E}", "https://example.com/%C3%BC%E2%80%AE"),
            ("https://bücher.example/", "https://xn--bcher-kva.example/"),
        ] {
            assert_eq!(url(given), Ok(Some(kept.to_owned())));
        }
        let secret = format!("https://example.com/?token={VALUE}");
        let (start, end) = VALUE.split_at(20);
        let broken = ["\n", "\r\n", "\t"].map(|between| format!("https://example.com/?token={start}{between}{end}"));
        for bad in &broken {
            assert_eq!(url(bad), Err("evidenceURL"), "{bad:?}");
        }
        for bad in [
            "",
            "example.com",
            "/issues/1",
            "ftp://example.com/",
            "javascript:alert(1)",
            "data:text/html,x",
            "https://",
            "https://name@example.com/",
            "https://name:password@example.com/",
            "https://:password@example.com/",
            &secret,
            &secret.replace("rk_", "rk%5f"),
            &secret.replace("rk_", "%72k_"),
        ] {
            assert_eq!(url(bad), Err("evidenceURL"), "{bad}");
        }
    }

    #[test]
    fn an_address_is_bounded_as_it_is_kept() {
        let start = "https://example.com/";
        for (length, good) in [(MAX_EVIDENCE_URL_LENGTH, true), (MAX_EVIDENCE_URL_LENGTH + 1, false)] {
            assert_eq!(url(&format!("{start}{}", "a".repeat(length - start.len()))).is_ok(), good, "{length}");
        }
        // Each of these takes six characters.
        assert_eq!(url(&format!("{start}{}", "é".repeat(MAX_EVIDENCE_URL_LENGTH / 2))), Err("evidenceURL"));
    }
}
