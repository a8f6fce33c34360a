//! Noting what came of an attempt.

use crate::domain::audit::{Action, AuditEvent, Provenance};
use crate::domain::delivery::{Next, Outcome};
use crate::domain::id::EventId;
use crate::domain::notice::DisabledBecause;
use crate::domain::reason::Reason;
use crate::domain::timestamp::Timestamp;
use crate::domain::token::Actor;
use crate::service::audit::report;
use crate::service::{Error, Service};
use crate::store::{Attempted, ClaimedDelivery, Transaction};

/// An attempt that is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// What came of it.
    pub outcome: Outcome,
    /// The status of the answer, if there was one.
    pub status: Option<u16>,
    /// What was wrong; `None` if the message was accepted. It repeats nothing that the receiver sent.
    pub error: Option<String>,
}

/// What was noted.
struct Noted {
    next: Option<Next>,
    disabled: Option<(DisabledBecause, AuditEvent)>,
    began_to_fail: bool,
}

impl Service {
    /// The time, for the header `Retry-After` of an answer.
    pub fn time_of_answer(&self) -> Timestamp {
        self.now()
    }

    /// Notes what came of an attempt: at the delivery, and at its webhook, which may be disabled for it. Not if another process has claimed
    /// the delivery since, or the webhook was deleted. If the database fails, the delivery is sent again when the claim ends.
    pub async fn note_attempt(&self, sent: &ClaimedDelivery, attempt: &Attempt) {
        let noted = self.try_to_note(sent, attempt).await;
        if let Err(err) = &noted {
            let (webhook_id, cause) = (sent.webhook, err.cause());
            tracing::warn!(name: "delivery_not_noted", %webhook_id, %cause, "what came of a notice could not be noted; it is sent again within a minute");
        }
        self.attempts.attempted(noted.unwrap_or_default());
    }

    async fn try_to_note(&self, sent: &ClaimedDelivery, attempt: &Attempt) -> Result<Option<Next>, Error> {
        let now = self.now();
        let mut random = [0; 16];
        self.entropy.fill_guessable(&mut random)?;
        let [high, low, ..] = random;
        let next = attempt.outcome.next(sent.first_attempt_at, sent.attempt, now, u16::from_be_bytes([high, low]));
        let transaction = self.store.begin().await?;
        let noted = self.note(&transaction, sent, attempt, next, now).await;
        let noted = transaction.finish(noted).await?;
        let webhook_id = sent.webhook;
        if noted.began_to_fail {
            let cause = attempt.error.as_deref().unwrap_or_default();
            tracing::warn!(name: "webhook_failing", %webhook_id, cause, "a webhook does not accept a message; trying again, for up to three days");
        }
        if let Some((because, event)) = noted.disabled {
            report(&event);
            let because = because.as_str();
            tracing::warn!(name: "webhook_disabled", %webhook_id, because, "a webhook was disabled, because it accepts no messages");
        }
        Ok(noted.next)
    }

    async fn note(
        &self,
        transaction: &Transaction,
        sent: &ClaimedDelivery,
        attempt: &Attempt,
        next: Next,
        now: Timestamp,
    ) -> Result<Noted, Error> {
        let ClaimedDelivery { number, webhook, claim, first_attempt_at, .. } = sent;
        let Attempt { outcome, status, error } = attempt;
        let attempted =
            Attempted { number: *number, webhook: *webhook, claim, status: *status, error: error.as_deref() };
        let nothing = Noted { next: None, disabled: None, began_to_fail: false };
        transaction.lock_webhook_to_note(*webhook).await?;
        if !transaction.note_delivery(attempted, next, now).await? {
            return Ok(nothing);
        }
        let Some(known) = transaction.note_webhook(attempted, now).await? else { return Ok(nothing) };
        let began_to_fail = known.failing_since == Some(now);
        let because = outcome.disables(next, *first_attempt_at, known.last_success_at);
        let disabled = match because {
            Some(because) if transaction.disable_webhook(*webhook, because, now).await? => {
                let event = AuditEvent {
                    id: EventId::new(now, self.random()?),
                    at: now,
                    action: Action::WebhookDisabled,
                    refusal: None,
                    actor: Some(Actor::System),
                    token_id: None,
                    webhook_id: Some(*webhook),
                    mail_digest_id: None,
                    generation: None,
                    provenance: Provenance::default(),
                    reason: Reason::default(),
                };
                transaction.append(&event).await?;
                Some((because, event))
            }
            _ => None,
        };
        Ok(Noted { next: Some(next), disabled, began_to_fail })
    }
}
