//! `updateAPIToken`: changes settings, but never expiry, rotation period or overlap (R2).

use crate::domain::audit::Action;
use crate::domain::id::TokenId;
use crate::domain::refusal::Refusal;
use crate::domain::rule::authority::Authority;
use crate::domain::timestamp::Timestamp;
use crate::domain::token::{Permission, SettingsChange};
use crate::service::{Caller, Error, Service, View, token_id};
use crate::store::Transaction;

impl Service {
    /// Changes the settings of a token. Needs `API_TOKEN_MODIFY`, and all that the token holds before and after,
    /// and hands on permissions within the caller's own bounds (R11).
    ///
    /// # Errors
    /// When the caller may not, a setting is invalid, or the token is revoked.
    pub async fn update(&self, caller: &Caller, id: &str, change: SettingsChange) -> Result<View, Error> {
        let now = self.now();
        let id = token_id("id", id)?;
        let transaction = self.store.begin().await?;
        let view = self.update_in(&transaction, caller, id, change, now).await;
        caller.finish(transaction, view).await
    }

    async fn update_in(
        &self,
        transaction: &Transaction,
        caller: &Caller,
        id: TokenId,
        change: SettingsChange,
        now: Timestamp,
    ) -> Result<View, Error> {
        let (own, token) = self.find_to_change(transaction, caller, id, now).await?;
        let authority = Authority::of(&own);
        authority.require(Permission::ApiTokenModify)?;
        let mut token = token.ok_or(Error::NotFound { field: "id" })?;
        authority.require_to_update(&token, &token.settings)?;
        if token.revoked_at.is_some() {
            return Err(Refusal::TokenRevoked.into());
        }
        let settings = change.apply(&token.settings)?;
        authority.require_to_update(&token, &settings)?;
        if settings != token.settings {
            token.settings = settings;
            token.updated = Some((now, caller.as_actor().0));
            transaction.update(&token).await?;
            self.record(transaction, Action::Updated, caller.as_actor(), (token.id, token.current.generation), now)
                .await?;
        }
        Ok(View::new(token, now))
    }
}
