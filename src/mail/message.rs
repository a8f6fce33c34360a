//! The message of a mail (RFC 5322), with a text and an HTML part.

use std::time::{Duration, SystemTime};

use lettre::Address;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message, MultiPart, SinglePart};

use super::error::Error;

/// A mail.
#[derive(Clone, Copy, Debug)]
pub struct Mail<'a> {
    /// Who gets it.
    pub to: &'a str,
    /// The same at every attempt: the first part of the `Message-ID`.
    pub id: &'a str,
    /// What the mails of one kind have in common: the first part of the `List-Id`.
    pub list: &'a str,
    /// When it was written, in seconds since the Unix epoch.
    pub unix_seconds: u64,
    /// The subject: one line.
    pub subject: &'a str,
    /// The plain text.
    pub text: &'a str,
    /// The same as HTML.
    pub html: &'a str,
}

impl Mail<'_> {
    /// The message, for this sender and recipient. It is the same whenever it is written.
    pub(super) fn message(&self, from: &Mailbox) -> Result<(Address, Vec<u8>), Error> {
        let to: Address = self.to.parse().map_err(|_| Error::Message)?;
        let domain = from.email.domain();
        let parts = MultiPart::alternative().boundary(format!("rotakey-{}", self.id));
        let parts = parts
            .singlepart(SinglePart::plain(self.text.to_owned()))
            .singlepart(SinglePart::html(self.html.to_owned()));
        let message = Message::builder()
            .from(from.clone())
            .to(Mailbox::new(None, to.clone()))
            .date(SystemTime::UNIX_EPOCH + Duration::from_secs(self.unix_seconds))
            .message_id(Some(format!("<{}@{domain}>", self.id)))
            .subject(self.subject)
            // No vacation responder answers it (RFC 3834).
            .raw_header(header("Auto-Submitted", "auto-generated".to_owned()))
            .raw_header(header("List-Id", format!("<{}.{domain}>", self.list)))
            .multipart(parts)
            .map_err(|_| Error::Message)?;
        Ok((to, message.formatted()))
    }
}

fn header(name: &'static str, value: String) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(subject: &str) -> String {
        let mail = Mail {
            to: "ops@example.com",
            id: "eml_1",
            list: "mdg_1",
            unix_seconds: 1_767_225_600,
            subject,
            text: "Hello\n.\nBye",
            html: "<p>Hello</p>",
        };
        let from = "Rotakey <rotakey@example.org>".parse().unwrap();
        String::from_utf8(mail.message(&from).unwrap().1).unwrap()
    }

    #[test]
    fn a_message_is_the_same_whenever_it_is_written() {
        let message = written("2 tokens expire soon");
        assert_eq!(message, written("2 tokens expire soon"));
        for line in [
            "From: Rotakey <rotakey@example.org>",
            "To: ops@example.com",
            "Date: Thu, 01 Jan 2026 00:00:00 +0000",
            "Message-ID: <eml_1@example.org>",
            "Subject: 2 tokens expire soon",
            "Auto-Submitted: auto-generated",
            "List-Id: <mdg_1.example.org>",
            "MIME-Version: 1.0",
        ] {
            assert!(message.contains(&format!("{line}\r\n")), "{line}: {message}");
        }
        assert!(message.contains("multipart/alternative"), "{message}");
        assert!(message.find("text/plain") < message.find("text/html"), "{message}");
    }

    #[test]
    fn no_subject_can_add_a_header() {
        let message = written("a\r\nBcc: evil@example.com\r\n\r\nbody");
        let head = message.split("\r\n\r\n").next().unwrap();
        assert!(!head.lines().any(|line| line.starts_with("Bcc")), "{head}");
        assert!(head.contains("Auto-Submitted"), "{head}");
    }
}
