//! Writing to the audit log: a change in its own transaction, a refusal in a separate one and at a limited rate.

use std::net::IpAddr;

use crate::domain::audit::{Action, AuditEvent, Provenance, RefusedAs};
use crate::domain::id::{EventId, TokenId};
use crate::domain::notice::NoticeKind;
use crate::domain::reason::Reason;
use crate::domain::timestamp::Timestamp;
use crate::domain::token::{Actor, Token};
use crate::service::{Error, ErrorCode, Service};
use crate::store::Transaction;

use super::process_log::report;

/// A refusal to be recorded.
pub(crate) struct Refused {
    pub(crate) action: Action,
    pub(crate) code: ErrorCode,
    /// The token whose value was presented, and the generation of that value.
    pub(crate) presented: Option<(TokenId, u32)>,
    /// The token that the request was about, if it is another one.
    pub(crate) target: Option<TokenId>,
}

/// What is announced of a refusal.
pub(crate) type Announced<'a> = Option<(NoticeKind, &'a Token)>;

/// The network of one client: its IPv4 address, or the first 64 bits of its IPv6 address (RFC 4291, section 2.5.4).
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => IpAddr::V6((u128::from(v6) >> 64 << 64).into()),
    }
}

impl Service {
    /// Records a change in its own transaction: who made it, and to which generation of which token.
    pub(crate) async fn record(
        &self,
        transaction: &Transaction,
        action: Action,
        by: (Actor, Provenance),
        subject: (TokenId, u32),
        now: Timestamp,
    ) -> Result<(), Error> {
        Ok(transaction.append(&self.change(action, by, subject, now)?).await?)
    }

    /// The event of a change: who made it, and to which generation of which token.
    pub(crate) fn change(
        &self,
        action: Action,
        by: (Actor, Provenance),
        subject: (TokenId, u32),
        now: Timestamp,
    ) -> Result<AuditEvent, Error> {
        let ((actor, provenance), (token_id, generation)) = (by, subject);
        Ok(AuditEvent {
            id: EventId::new(now, self.random()?),
            at: now,
            action,
            refusal: None,
            actor: Some(actor),
            token_id: Some(token_id),
            webhook_id: None,
            mail_digest_id: None,
            generation: Some(generation),
            provenance,
            reason: Reason::default(),
        })
    }

    /// Records a refusal, once a minute for each kind. If that fails, the request is refused anyway, and the log has the cause.
    pub(crate) async fn record_refusal(&self, refused: Refused, provenance: Provenance, now: Timestamp) {
        self.record_and_announce_refusal(refused, None, provenance, now).await;
    }

    /// As [`Service::record_refusal`], and what happens often is announced. What is announced is recorded, because a notice names its event.
    pub(crate) async fn record_and_announce_refusal(
        &self,
        refused: Refused,
        announced: Announced<'_>,
        provenance: Provenance,
        now: Timestamp,
    ) {
        let token_id = refused.target.or(refused.presented.map(|(id, _)| id));
        let (gate, network) = match token_id {
            Some(_) => (&self.refusals.known, None),
            None => (&self.refusals.unknown, provenance.address.map(network)),
        };
        let is_recorded = gate.allows((refused.action, refused.code.as_str(), token_id, network), now);
        let is_often = |(_, token): &(NoticeKind, &Token)| self.often.count((token.id, refused.code.as_str()), now);
        let announced = announced.filter(is_often);
        if !is_recorded && announced.is_none() {
            return;
        }
        if let Err(cause) = self.append_refusal(refused, token_id, announced, provenance, now).await {
            tracing::warn!(name: "refusal_not_recorded", cause = %cause.cause(), "a refusal could not be recorded");
        }
    }

    async fn append_refusal(
        &self,
        refused: Refused,
        token_id: Option<TokenId>,
        announced: Announced<'_>,
        provenance: Provenance,
        now: Timestamp,
    ) -> Result<(), Error> {
        let event = AuditEvent {
            id: EventId::new(now, self.random()?),
            at: now,
            action: refused.action,
            refusal: Some(RefusedAs::Code(refused.code)),
            actor: refused.presented.map(|(id, _)| Actor::ApiToken(id)),
            token_id,
            webhook_id: None,
            mail_digest_id: None,
            generation: refused.presented.map(|(_, generation)| generation),
            provenance,
            reason: Reason::default(),
        };
        let transaction = self.store.begin().await?;
        transaction.append(&event).await?;
        if let Some((kind, token)) = announced {
            self.announce(&transaction, kind, token, &event).await?;
        }
        transaction.commit().await?;
        report(&event);
        Ok(())
    }
}
