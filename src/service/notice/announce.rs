//! Announcing what happens to a token, in the transaction in which it happens.

use crate::domain::audit::{AuditEvent, RefusedAs};
use crate::domain::id::NoticeId;
use crate::domain::notice::{Notice, NoticeKind};
use crate::domain::token::Token;
use crate::service::{Error, Service};
use crate::store::Transaction;

impl Service {
    /// Writes a notice of this event for every webhook that gets it. A rotation has none: it is frequent, and expected.
    pub(crate) async fn announce(
        &self,
        transaction: &Transaction,
        kind: NoticeKind,
        token: &Token,
        event: &AuditEvent,
    ) -> Result<(), Error> {
        let notice = Notice {
            generation: event.generation,
            code: event.refusal.as_ref().and_then(RefusedAs::code),
            event: Some(event.id),
            ..Notice::about(token, NoticeId::new(event.at, self.random()?), kind, event.at)
        };
        transaction.enqueue(&[notice]).await?;
        Ok(())
    }
}
