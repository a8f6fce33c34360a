//! The mail server as the operator names it.

use std::fmt::{self, Debug, Formatter};
use std::net::IpAddr;

use lettre::message::Mailbox;
use percent_encoding::percent_decode_str;
use secrecy::SecretString;
use url::{Host, Url};

/// How a connection is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encryption {
    /// From the start (RFC 8314).
    Implicit,
    /// By STARTTLS (RFC 3207), without which nothing is sent.
    StartTls,
    /// Not at all.
    None,
}

/// The mail server, and who mails are from. It prints nothing.
#[derive(Clone)]
pub struct MailServer {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) encryption: Encryption,
    pub(super) credentials: Option<(String, SecretString)>,
    pub(super) from: Mailbox,
}

/// What is wrong with the settings of a mail server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MalformedMailServer {
    /// The URL is none of a mail server.
    Url,
    /// The password is not sent in a URL.
    PasswordInUrl,
    /// There is a user and no password, or a password and no user.
    Credentials,
    /// The password would be sent in clear text.
    ClearText,
    /// The sender is no mail address.
    From,
}

impl Debug for MailServer {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("MailServer(…)")
    }
}

impl MailServer {
    /// Reads the URL (`smtps://user@host:port`, or `smtp://` with `?tls=required` or `?tls=none`), the password, and the sender.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn parse(url: &str, password: Option<SecretString>, from: &str) -> Result<Self, MalformedMailServer> {
        let url = Url::parse(url).map_err(|_| MalformedMailServer::Url)?;
        if url.password().is_some() {
            return Err(MalformedMailServer::PasswordInUrl);
        }
        // Of a scheme that it does not know, the library reads an IPv4 address as a name.
        let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']').to_owned();
        let is_plain = matches!(url.path(), "" | "/") && url.fragment().is_none() && url.port() != Some(0);
        if host.is_empty() || !is_plain || Host::parse(url.host_str().unwrap_or_default()).is_err() {
            return Err(MalformedMailServer::Url);
        }
        let encryption = match (url.scheme(), url.query()) {
            ("smtps", None) => Encryption::Implicit,
            ("smtp", None) if is_loopback(&host) => Encryption::None,
            ("smtp", None | Some("tls=required")) => Encryption::StartTls,
            ("smtp", Some("tls=none")) => Encryption::None,
            _ => return Err(MalformedMailServer::Url),
        };
        let port = url.port().unwrap_or(if encryption == Encryption::Implicit { 465 } else { 587 });
        let user = percent_decode_str(url.username()).decode_utf8().map_err(|_| MalformedMailServer::Url)?;
        let credentials = match (user.as_ref(), password) {
            ("", None) => None,
            ("", Some(_)) | (_, None) => return Err(MalformedMailServer::Credentials),
            (user, Some(password)) => Some((user.to_owned(), password)),
        };
        if credentials.is_some() && encryption == Encryption::None && !is_loopback(&host) {
            return Err(MalformedMailServer::ClearText);
        }
        let from: Mailbox = from.parse().map_err(|_| MalformedMailServer::From)?;
        let is_good = from.to_string().bytes().all(|byte| (b' '..=b'~').contains(&byte));
        if !is_good {
            return Err(MalformedMailServer::From);
        }
        Ok(Self { host, port, encryption, credentials, from })
    }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FROM: &str = "Rotakey <rotakey@example.com>";

    fn parse(url: &str, password: Option<&str>) -> Result<(String, u16, Encryption), MalformedMailServer> {
        let server = MailServer::parse(url, password.map(Into::into), FROM)?;
        assert_eq!(format!("{server:?}"), "MailServer(…)");
        Ok((server.host, server.port, server.encryption))
    }

    #[test]
    fn a_connection_is_encrypted_unless_it_is_to_this_machine_or_that_is_asked_for() {
        for (url, host, port, encryption) in [
            ("smtps://mail.example.com", "mail.example.com", 465, Encryption::Implicit),
            ("smtps://mail.example.com:1465/", "mail.example.com", 1465, Encryption::Implicit),
            ("smtp://mail.example.com", "mail.example.com", 587, Encryption::StartTls),
            ("smtp://mail.example.com:25?tls=required", "mail.example.com", 25, Encryption::StartTls),
            ("smtp://mail.example.com:25?tls=none", "mail.example.com", 25, Encryption::None),
            ("smtp://127.0.0.1:25", "127.0.0.1", 25, Encryption::None),
            ("smtp://[::1]:25", "::1", 25, Encryption::None),
            ("smtp://localhost:25", "localhost", 25, Encryption::None),
            ("smtp://localhost:25?tls=required", "localhost", 25, Encryption::StartTls),
            ("smtp://10.0.0.1", "10.0.0.1", 587, Encryption::StartTls),
        ] {
            assert_eq!(parse(url, None), Ok((host.to_owned(), port, encryption)), "{url}");
        }
        for bad in [
            "",
            "mail.example.com",
            "http://mail.example.com",
            "smtps://",
            "smtps://mail.example.com/inbox",
            "smtps://mail.example.com?tls=none",
            "smtp://mail.example.com?tls=perhaps",
            "smtp://mail.example.com#top",
            "smtp://mail.example.com:0",
        ] {
            assert_eq!(parse(bad, None), Err(MalformedMailServer::Url), "{bad}");
        }
    }

    #[test]
    fn a_password_is_in_no_url_and_never_in_clear_text() {
        for (url, password, problem) in [
            ("smtps://user:word@mail.example.com", None, MalformedMailServer::PasswordInUrl),
            ("smtps://user@mail.example.com", None, MalformedMailServer::Credentials),
            ("smtps://mail.example.com", Some("word"), MalformedMailServer::Credentials),
            ("smtp://user@mail.example.com?tls=none", Some("word"), MalformedMailServer::ClearText),
        ] {
            assert_eq!(parse(url, password), Err(problem), "{url}");
        }
        assert!(parse("smtp://us%40er@mail.example.com", Some("word")).is_ok());
        assert!(parse("smtp://user@127.0.0.1:25", Some("word")).is_ok());
    }

    #[test]
    fn a_sender_is_one_mail_address() {
        let parse = |from: &str| MailServer::parse("smtps://mail.example.com", None, from).map(|server| server.from);
        for good in ["rotakey@example.com", FROM] {
            assert!(parse(good).is_ok(), "{good}");
        }
        for bad in
            ["", "rotakey", "a@example.com, b@example.com", "a@example.com\r\nBcc: b@example.com", "é@example.com"]
        {
            assert_eq!(parse(bad), Err(MalformedMailServer::From), "{bad:?}");
        }
    }
}
