//! `suspendAPIToken` and `resumeAPIToken`: no value of a token works until it is resumed.

use crate::domain::audit::Action;
use crate::domain::id::TokenId;
use crate::domain::reason::{Reason, ReasonDraft};
use crate::domain::rule::authority::Authority;
use crate::domain::rule::{lifecycle, suspension};
use crate::domain::timestamp::Timestamp;
use crate::domain::token::Permission;
use crate::service::{Caller, Error, Service, View, token_id};
use crate::store::Transaction;

impl Service {
    /// Suspends a token; one's own needs no permission, another's `API_TOKEN_MODIFY` and every permission that it holds (R11).
    /// Suspending twice changes nothing.
    ///
    /// # Errors
    /// When the caller may not, no token has this id, it has ended, it is protected, or the reason is invalid.
    pub async fn suspend(&self, caller: &Caller, id: &str, reason: ReasonDraft) -> Result<View, Error> {
        let now = self.now();
        let id = token_id("id", id)?;
        let reason = &reason.validate()?;
        self.retry_on_full_disk(move || async move {
            let transaction = self.store.begin_urgent().await?;
            let view = self.suspend_in(&transaction, caller, id, reason, now).await;
            caller.finish(transaction, view).await
        })
        .await
    }

    /// Resumes a suspended token. Needs `API_TOKEN_MODIFY`, and every permission and scope that it holds (R11). If it is not suspended,
    /// nothing changes.
    ///
    /// # Errors
    /// When the caller may not, no token has this id, or it has ended meanwhile.
    pub async fn resume(&self, caller: &Caller, id: &str) -> Result<View, Error> {
        let now = self.now();
        let id = token_id("id", id)?;
        let transaction = self.store.begin().await?;
        let view = self.resume_in(&transaction, caller, id, now).await;
        caller.finish(transaction, view).await
    }

    async fn suspend_in(
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
        if suspension::suspend(&token, now)? {
            token.suspended_at = Some(now);
            transaction.write_suspension(&token, lifecycle::status(&token, now)).await?;
            let subject = (token.id, token.current.generation);
            let event = self.change(Action::Suspended, caller.as_actor(), subject, now)?;
            transaction.append(&event.with_reason(reason.clone())).await?;
        } else {
            // Another replica may have suspended it, and this one may not have polled that yet. After this answer, its value must not
            // work here (R10).
            transaction.invalidate(token.id);
        }
        Ok(View::new(token, now))
    }

    async fn resume_in(
        &self,
        transaction: &Transaction,
        caller: &Caller,
        id: TokenId,
        now: Timestamp,
    ) -> Result<View, Error> {
        let (own, token) = self.find_to_change(transaction, caller, id, now).await?;
        let authority = Authority::of(&own);
        // First, so that only a caller that may change tokens learns that no token has this id.
        authority.require(Permission::ApiTokenModify)?;
        let mut token = token.ok_or(Error::NotFound { field: "id" })?;
        authority.require_to_resume(&token)?;
        if suspension::resume(&token, now)? {
            token.suspended_at = None;
            transaction.write_suspension(&token, lifecycle::status(&token, now)).await?;
            self.record(transaction, Action::Resumed, caller.as_actor(), (token.id, token.current.generation), now)
                .await?;
        }
        Ok(View::new(token, now))
    }
}
