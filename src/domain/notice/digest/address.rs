//! The address that a digest is sent to.

use email_address::{EmailAddress, Options};

use crate::domain::invalid_input::InvalidInput;
use crate::domain::text::no_value;

/// The longest address, in bytes (RFC 5321, section 4.5.3.1.3).
pub const MAX_MAIL_ADDRESS_LENGTH: usize = 254;

/// One plain address, such as `name@example.com`. Quoted names, display names and addresses of hosts are refused: whoever reads the
/// settings must see at once where the mail goes, and no address can then end a header or a command.
pub(super) fn parse(text: &str) -> Result<Box<str>, InvalidInput> {
    const FIELD: &str = "address";
    no_value(FIELD, text)?;
    let is_plain = |byte: u8| byte.is_ascii_graphic() && !b"\"()<>[]:;,\\".contains(&byte);
    let options = Options::default().without_display_text().without_domain_literal().with_required_tld();
    let is_good = text.len() <= MAX_MAIL_ADDRESS_LENGTH
        && text.bytes().all(is_plain)
        && EmailAddress::parse_with_options(text, options).is_ok()
        && text.rsplit_once('@').is_some_and(|(name, host)| is_plain_name(name) && is_plain_host(host));
    if is_good {
        return Ok(text.into());
    }
    let message = format!(
        "The address must be a plain mail address such as name@example.com, of at most {MAX_MAIL_ADDRESS_LENGTH} ASCII characters, without \
         a display name and without quotes. Write the domain in its ASCII form (xn--…)."
    );
    Err(InvalidInput::new(FIELD, message))
}

/// Whether a mail server takes the name as it is. Some read `%` and `!` as a route to another host, and `|` and `/` as a program or a file.
fn is_plain_name(name: &str) -> bool {
    !name.contains(['%', '!', '|', '/']) && !name.starts_with('-')
}

/// Whether this is the name of a host, and not its address.
fn is_plain_host(host: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b"-.".contains(&byte);
    let top = host.rsplit('.').next().unwrap_or_default();
    host.bytes().all(is_letter) && top.bytes().any(|byte| byte.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_plain() {
        for good in
            ["a@example.com", "first.last+tokens@mail.example.co", "o'brien@example.com", "a@xn--bcher-kva.example"]
        {
            assert_eq!(parse(good).as_deref(), Ok(good));
        }
        for bad in [
            "",
            "a",
            "@example.com",
            "a@",
            "a@b@example.com",
            "Name <a@example.com>",
            "<a@example.com>",
            "\"a b\"@example.com",
            "\"a\"@example.com",
            "a(comment)@example.com",
            "a@[127.0.0.1]",
            "a@localhost",
            "a@10.0.0.1",
            "a@ex%am!p/le.com",
            "a@a_b.example.com",
            "victim%other.example@mail.example.com",
            "other.example!victim@example.com",
            "|program@example.com",
            "/file@example.com",
            "-a@example.com",
            "a@example.com,b@example.com",
            "a@example.com;b@example.com",
            "a @example.com",
            "a@example.com ",
            "a@example.com\n",
            "a@example.com\r\nRCPT TO:<b@example.com>",
            "a@example.com\0",
            "ä@example.com",
            "a@exämple.com",
            "a\u{202E}@example.com",
            "rk_00000000000000000000000000000000000000000002gL6Az@example.com",
        ] {
            assert_eq!(parse(bad).map_err(|invalid| invalid.field), Err("address"), "{bad:?}");
        }
        let value = "rk_00000000000000000000000000000000000000000002gL6Az";
        assert!(parse(&format!("{value}@example.com")).unwrap_err().message.contains("value of an API token"));
    }

    #[test]
    fn an_address_is_bounded() {
        let of_length = |length: usize| {
            let rest = length - "a@.example.com".len();
            let domain: String = (0..rest).map(|at| if at % 50 == 49 { '.' } else { 'b' }).collect();
            format!("a@{domain}.example.com")
        };
        for (length, good) in [(MAX_MAIL_ADDRESS_LENGTH, true), (MAX_MAIL_ADDRESS_LENGTH + 1, false)] {
            let address = of_length(length);
            assert_eq!((address.len(), parse(&address).is_ok()), (length, good));
        }
    }
}
