//! Mail.

use std::fmt;
use std::path::PathBuf;

use clap::Args;
use secrecy::SecretString;

use crate::config::problems::Problems;
use crate::mail::{MailServer, MalformedMailServer};

/// The flags of mail.
#[derive(Args, Clone)]
pub struct MailFlags {
    /// The mail server that sends mail digests, such as smtps://rotakey@mail.example.com:465 or smtp://mail.example.com:587, which must offer
    /// STARTTLS. With ?tls=none, mails are sent in clear text. Without it, there are no mail digests
    // A URL may contain a password. It is refused then, but it must not be shown either.
    #[arg(long, env = "ROTAKEY_SMTP_URL", value_name = "URL", hide_env_values = true)]
    pub smtp_url: Option<String>,
    /// The password of the user in --smtp-url, such as correct-horse-battery-staple. Anyone who lists the processes of this machine sees it,
    /// so keep it in a file instead
    #[arg(long, env = "ROTAKEY_SMTP_PASSWORD", value_name = "PASSWORD", hide_env_values = true)]
    pub smtp_password: Option<String>,
    /// The authorities that may sign the certificate of the mail server, in a PEM file, such as /etc/rotakey/mail-ca.pem. Default: those that
    /// are publicly trusted
    #[arg(long, env = "ROTAKEY_SMTP_CA", value_name = "FILE")]
    pub smtp_ca: Option<PathBuf>,
    /// Who mails are from, such as rotakey@example.com or "Rotakey <rotakey@example.com>"
    #[arg(long, env = "ROTAKEY_MAIL_FROM", value_name = "ADDRESS")]
    pub mail_from: Option<String>,
}

impl fmt::Debug for MailFlags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MailFlags(…)")
    }
}

/// The settings of mail, validated.
#[derive(Clone, Debug)]
pub struct MailSettings {
    /// The mail server.
    pub server: MailServer,
    /// The file of the authorities.
    pub ca: Option<PathBuf>,
}

impl MailFlags {
    /// The settings; `None` if no mail is sent. The file is not read here.
    pub(crate) fn validate(&self) -> Result<Option<MailSettings>, Problems> {
        let Self { smtp_url, smtp_password, smtp_ca, mail_from } = self;
        let Some(url) = smtp_url else {
            if smtp_password.is_some() || smtp_ca.is_some() || mail_from.is_some() {
                return Err(problem("--smtp-password, --smtp-ca and --mail-from need --smtp-url."));
            }
            return Ok(None);
        };
        let Some(from) = mail_from else { return Err(problem("--smtp-url needs --mail-from.")) };
        let password = smtp_password.as_ref().map(|password| SecretString::from(password.as_str()));
        // A URL may contain a password, so it is not repeated.
        let server = MailServer::parse(url, password, from).map_err(|malformed| {
            problem(match malformed {
                MalformedMailServer::Url => {
                    "--smtp-url must be a URL such as smtps://rotakey@mail.example.com:465 or smtp://mail.example.com:587, with ?tls=required \
                     or ?tls=none after the latter, if anything."
                }
                MalformedMailServer::PasswordInUrl => {
                    "--smtp-url must not contain a password. Use --smtp-password-file."
                }
                MalformedMailServer::Credentials => {
                    "A user in --smtp-url needs --smtp-password-file, and the password needs a user."
                }
                MalformedMailServer::ClearText => {
                    "--smtp-url must not send a password in clear text to another machine. Leave ?tls=none out, or the user."
                }
                MalformedMailServer::From => {
                    "--mail-from must be one mail address of ASCII characters, such as rotakey@example.com."
                }
            })
        })?;
        Ok(Some(MailSettings { server, ca: smtp_ca.clone() }))
    }
}

fn problem(text: &str) -> Problems {
    Problems(vec![text.to_owned()])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags(url: Option<&str>, password: Option<&str>, from: Option<&str>) -> MailFlags {
        let text = |text: Option<&str>| text.map(str::to_owned);
        MailFlags { smtp_url: text(url), smtp_password: text(password), smtp_ca: None, mail_from: text(from) }
    }

    #[test]
    fn mail_needs_a_server_and_a_sender_and_no_message_has_the_password() {
        assert!(flags(None, None, None).validate().unwrap().is_none());
        let good = flags(Some("smtps://user@mail.example.com"), Some("secret"), Some("a@example.com"));
        assert!(good.validate().unwrap().is_some());
        assert!(!format!("{good:?} {:?}", good.validate()).contains("secret"));
        for (url, password, from) in [
            (None, Some("secret"), None),
            (None, None, Some("a@example.com")),
            (Some("smtps://mail.example.com"), None, None),
            (Some("secret"), None, Some("a@example.com")),
            (Some("smtps://user:secret@mail.example.com"), None, Some("a@example.com")),
            (Some("smtps://secret@mail.example.com"), None, Some("a@example.com")),
            (Some("smtp://secret@mail.example.com?tls=none"), Some("secret"), Some("a@example.com")),
            (Some("smtps://mail.example.com"), None, Some("secret")),
        ] {
            let Problems(problems) = flags(url, password, from).validate().map(drop).unwrap_err();
            assert!(problems.len() == 1 && !problems[0].contains("secret"), "{problems:?}");
        }
    }
}
