//! `endAPITokenOverlap`: the previous value stops working now, because every client has the new one, or because the old one leaked.

use crate::domain::audit::Action;
use crate::domain::id::TokenId;
use crate::domain::rule::authority::Authority;
use crate::domain::rule::lifecycle;
use crate::domain::timestamp::Timestamp;
use crate::domain::token::{Permission, TokenKind};
use crate::service::{Caller, Error, Service, View, token_id};
use crate::store::Transaction;

impl Service {
    /// Ends the running overlap of a token. If there is none, nothing changes. A private token may do this to itself;
    /// another's needs `API_TOKEN_MODIFY` and every permission that it holds, a public one's `API_TOKEN_MODIFY` (R11).
    ///
    /// # Errors
    /// When the caller may not, or no token has this id.
    pub async fn end_overlap(&self, caller: &Caller, id: &str) -> Result<View, Error> {
        let now = self.now();
        let id = token_id("id", id)?;
        self.retry_on_full_disk(move || async move {
            let transaction = self.store.begin_urgent().await?;
            let view = self.end_overlap_in(&transaction, caller, id, now).await;
            caller.finish(transaction, view).await
        })
        .await
    }

    async fn end_overlap_in(
        &self,
        transaction: &Transaction,
        caller: &Caller,
        id: TokenId,
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
        if !lifecycle::overlap_lasts(&token, now) {
            return Ok(View::new(token, now));
        }
        transaction.end_overlap(id).await?;
        transaction.erase_salt(id, token.current.generation).await?;
        token.previous = None;
        self.record(transaction, Action::OverlapEnded, caller.as_actor(), (token.id, token.current.generation), now)
            .await?;
        Ok(View::new(token, now))
    }
}
