//! `revokeAPIToken`: revocation, which is final (R10).

use crate::domain::audit::{Action, Provenance};
use crate::domain::id::TokenId;
use crate::domain::notice::NoticeKind;
use crate::domain::reason::{Reason, ReasonDraft};
use crate::domain::rule::authority::Authority;
use crate::domain::rule::lifecycle;
use crate::domain::timestamp::Timestamp;
use crate::domain::token::{Actor, Token};
use crate::service::{Caller, Error, Service, View, token_id};
use crate::store::Transaction;

impl Service {
    /// Revokes a token; one's own needs no permission, another's `API_TOKEN_MODIFY` and every permission that
    /// it holds (R11). Revoking twice changes nothing.
    ///
    /// # Errors
    /// When the caller may not, no token has this id, it is protected, or the reason is invalid.
    pub async fn revoke(&self, caller: &Caller, id: &str, reason: ReasonDraft) -> Result<View, Error> {
        let now = self.now();
        let id = token_id("id", id)?;
        let reason = &reason.validate()?;
        self.retry_on_full_disk(move || async move {
            let transaction = self.store.begin_urgent().await?;
            let view = self.revoke_in(&transaction, caller, id, reason, now).await;
            caller.finish(transaction, view).await
        })
        .await
        .inspect(|view| caller.note_end_of_period(view.token.id))
    }

    async fn revoke_in(
        &self,
        transaction: &Transaction,
        caller: &Caller,
        id: TokenId,
        reason: &Reason,
        now: Timestamp,
    ) -> Result<View, Error> {
        let (own, token) = self.find_to_change(transaction, caller, id, now).await?;
        let mut token = token.ok_or(Error::NotFound { field: "id" })?;
        Authority::of(&own).require_to_cut_off(&token)?;
        if lifecycle::revoke(&token)? {
            let by = (caller.as_actor(), token.current.generation);
            self.write_revocation(transaction, &mut token, by, reason.clone(), now).await?;
        } else {
            // Another replica may have revoked it, and this one may not have polled that yet. After this answer, its value must not
            // work here (R10).
            transaction.invalidate(token.id);
        }
        Ok(View::new(token, now))
    }
    /// Revokes a token that may be revoked, with its event and its notice: the one way in which that is written. `by` is who does it, and the
    /// generation of the value concerned.
    pub(crate) async fn write_revocation(
        &self,
        transaction: &Transaction,
        token: &mut Token,
        by: ((Actor, Provenance), u32),
        reason: Reason,
        now: Timestamp,
    ) -> Result<(), Error> {
        let (actor, generation) = by;
        token.revoked_at = Some(now);
        transaction.revoke(token.id, now).await?;
        let event = self.change(Action::Revoked, actor, (token.id, generation), now)?.with_reason(reason);
        transaction.append(&event).await?;
        self.announce(transaction, NoticeKind::Revoked, token, &event).await
    }
}
