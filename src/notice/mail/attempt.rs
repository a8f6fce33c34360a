//! One attempt to send a mail, and what came of it.

use crate::mail::{Client, Error, Mail};
use crate::service::{MailAttempt, MailOutcome};
use crate::store::ClaimedMail;

use super::render::{html, subject, text};

/// Sends a mail once.
pub(super) async fn attempt(client: &Client, claimed: &ClaimedMail) -> MailAttempt {
    let (digest, id) = (claimed.digest.to_string(), claimed.mail.to_string());
    let subject = subject(&claimed.content);
    let mail = Mail {
        to: &claimed.address,
        id: &id,
        list: &digest,
        unix_seconds: claimed.first_attempt_at.unix_seconds().unsigned_abs(),
        subject: &subject,
        text: &text(&claimed.content, &digest),
        html: &html(&claimed.content, &digest),
    };
    match client.send(&mail).await {
        Ok(()) => MailAttempt { outcome: MailOutcome::Accepted, error: None },
        Err(err) => {
            let outcome = if let Error::Refused(_) = err { MailOutcome::Refused } else { MailOutcome::Failed };
            MailAttempt { outcome, error: Some(err.to_string()) }
        }
    }
}
