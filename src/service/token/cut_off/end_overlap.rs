//! `endAPITokenOverlap`: the previous value stops working now, because every client has the new one, or because the old one leaked.

use crate::domain::audit::Action;
use crate::domain::id::TokenId;
use crate::domain::rule::authority::Authority;
use crate::domain::rule::lifecycle;
use crate::domain::timestamp::Timestamp;
use crate::domain::token::{Permission, TokenKind};
use crate::service::audit::Refused;
use crate::service::{Caller, Error, Service, View, token_id};
use crate::store::Transaction;

impl Service {
    /// Ends the running overlap of a token. If there is none, nothing changes. A private token may do this to itself;
    /// another's needs `API_TOKEN_MODIFY` and every permission that it holds, a public one's `API_TOKEN_MODIFY` (R11). A previous value
    /// that is in use is only cut off if that is forced (R15).
    ///
    /// # Errors
    /// When the caller may not, no token has this id, or the previous value is in use.
    pub async fn end_overlap(&self, caller: &Caller, id: &str, force: bool) -> Result<View, Error> {
        let now = self.now();
        let id = token_id("id", id)?;
        let attempt = move || async move {
            let transaction = self.store.begin_urgent().await?;
            let view = self.end_overlap_in(&transaction, caller, id, force, now).await;
            caller.finish(transaction, view).await
        };
        match self.retry_on_full_disk(attempt).await {
            Err(err @ Error::StillInUse(_)) => {
                let presented = Some((caller.token_id(), caller.generation()));
                let refused =
                    Refused { action: Action::OverlapEndRefused, code: err.code(), presented, target: Some(id) };
                self.record_refusal(refused, caller.provenance().clone(), now).await;
                Err(self.name_users(caller, id, err).await)
            }
            ended => ended,
        }
    }

    async fn end_overlap_in(
        &self,
        transaction: &Transaction,
        caller: &Caller,
        id: TokenId,
        force: bool,
        now: Timestamp,
    ) -> Result<View, Error> {
        let (own, token) = self.find_to_change(transaction, caller, id, now).await?;
        let authority = Authority::of(&own);
        let mut token = token.ok_or(Error::NotFound { field: "id" })?;
        authority.require_to_cut_off(&token)?;
        if token.settings.kind == TokenKind::Public {
            // Anyone can copy a public token, so its holder must not be able to cut off the other holders.
            authority.require(Permission::ApiTokenModify)?;
        }
        let Some(previous) = token.previous.as_deref().filter(|_| lifecycle::overlap_lasts(&token, now)) else {
            return Ok(View::new(token, now));
        };
        self.require_silent(transaction, caller, (&token, previous.generation), force, now).await?;
        transaction.end_overlap(id).await?;
        transaction.erase_salt(id, token.current.generation).await?;
        token.previous = None;
        self.record(transaction, Action::OverlapEnded, caller.as_actor(), (token.id, token.current.generation), now)
            .await?;
        Ok(View::new(token, now))
    }
}
