//! Noting what came of an attempt to send a mail.

use crate::domain::delivery::{Next, Outcome};
use crate::domain::timestamp::Timestamp;
use crate::service::{Error, Service};
use crate::store::{AttemptedMail, ClaimedMail, Transaction};

/// How long the pause after a refusal is, at least: the server means that it would refuse the mail again.
const REFUSED_PAUSE_SECONDS: u32 = 60 * 60;

/// What came of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailOutcome {
    /// The mail server has the mail.
    Accepted,
    /// The mail server refused the mail, its address or its sender (a status from 500 to 599).
    Refused,
    /// There was no answer, or another one.
    Failed,
}

/// An attempt that is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailAttempt {
    /// What came of it.
    pub outcome: MailOutcome,
    /// What was wrong; `None` if the mail was accepted. It repeats nothing that the mail server sent.
    pub error: Option<String>,
}

impl MailOutcome {
    fn of_delivery(self) -> Outcome {
        match self {
            Self::Accepted => Outcome::Accepted,
            // Somebody can mend most of what makes a server refuse a mail: the address, or what it lets this sender do.
            Self::Refused => Outcome::Failed { retry_after_seconds: Some(REFUSED_PAUSE_SECONDS) },
            Self::Failed => Outcome::Failed { retry_after_seconds: None },
        }
    }
}

/// What was noted.
struct Noted {
    next: Option<Next>,
    began_to_fail: bool,
}

impl Service {
    /// Notes what came of an attempt at its digest. Not if another process has claimed the mail since, or the digest was deleted. If the
    /// database fails, the mail is sent again when the claim ends.
    pub async fn note_mail(&self, sent: &ClaimedMail, attempt: &MailAttempt) {
        let noted = self.try_to_note_mail(sent, attempt).await;
        if let Err(err) = &noted {
            let (mail_digest_id, cause) = (sent.digest, err.cause());
            tracing::warn!(name: "mail_not_noted", %mail_digest_id, %cause, "what came of a mail could not be noted; it is sent again within two minutes");
        }
        self.mail.counts.attempted(noted.unwrap_or_default());
    }

    async fn try_to_note_mail(&self, sent: &ClaimedMail, attempt: &MailAttempt) -> Result<Option<Next>, Error> {
        let now = self.now();
        let mut random = [0; 16];
        self.entropy.fill_guessable(&mut random)?;
        let [high, low, ..] = random;
        let outcome = attempt.outcome.of_delivery();
        let next = outcome.next(sent.first_attempt_at, sent.attempt, now, u16::from_be_bytes([high, low]));
        let transaction = self.store.begin().await?;
        let noted = self.note_mail_in(&transaction, sent, attempt, next, now).await;
        let noted = transaction.finish(noted).await?;
        let (mail_digest_id, cause) = (sent.digest, attempt.error.as_deref().unwrap_or_default());
        if noted.next == Some(Next::Dead) {
            let count: u64 = sent.content.sections.iter().map(|section| section.count).sum();
            tracing::warn!(name: "mail_given_up", %mail_digest_id, cause, count, "a mail was given up with its notices");
        } else if noted.began_to_fail {
            tracing::warn!(name: "mail_failing", %mail_digest_id, cause, "a mail was not accepted; trying again, for up to three days");
        }
        Ok(noted.next)
    }

    async fn note_mail_in(
        &self,
        transaction: &Transaction,
        sent: &ClaimedMail,
        attempt: &MailAttempt,
        next: Next,
        now: Timestamp,
    ) -> Result<Noted, Error> {
        let nothing = Noted { next: None, began_to_fail: false };
        let Some(digest) = transaction.find_mail_digest_to_change(sent.digest).await? else { return Ok(nothing) };
        let ends_at = digest.settings.schedule.after(digest.period_ends_at, now);
        let attempted =
            AttemptedMail { digest: sent.digest, mail: sent.mail, claim: &sent.claim, error: attempt.error.as_deref() };
        let Some(known) = transaction.note_mail(attempted, next, ends_at, now).await? else { return Ok(nothing) };
        let is_over = matches!(next, Next::Delivered | Next::Dead);
        if is_over && transaction.count_pending_mail_tests(sent.digest, 1).await? > 0 {
            // A test that was asked for while this mail was on its way.
            transaction.make_mail_digest_due(sent.digest, now).await?;
            self.mail.due.notify_one();
        }
        Ok(Noted { next: Some(next), began_to_fail: known.failing_since == Some(now) })
    }
}
