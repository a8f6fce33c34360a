//! `revokeAPIToken`: revocation, which is final (R10).

use crate::domain::audit::Action;
use crate::domain::id::TokenId;
use crate::domain::reason::{Reason, ReasonDraft};
use crate::domain::rule::authority::Authority;
use crate::domain::rule::lifecycle;
use crate::domain::timestamp::Timestamp;
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
            token.revoked_at = Some(now);
            transaction.revoke(token.id, now).await?;
            let subject = (token.id, token.current.generation);
            let event = self.change(Action::Revoked, caller.as_actor(), subject, now)?;
            transaction.append(&event.with_reason(reason.clone())).await?;
        } else {
            // Another replica may have revoked it, and this one may not have polled that yet. After this answer, its value must not
            // work here (R10).
            transaction.invalidate(token.id);
        }
        Ok(View::new(token, now))
    }
}
