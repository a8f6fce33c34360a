//! `revokeAPIToken`: the end of a token, which is final (R10).

use crate::domain::audit::Action;
use crate::domain::token::Permission;

use super::{Caller, Error, Service, View, token_id};

impl Service {
    /// Revokes a token; one's own needs no permission, another's `API_TOKEN_MODIFY`. Revoking twice changes nothing.
    ///
    /// # Errors
    /// When the caller may not, or no token has this id.
    pub async fn revoke(&self, caller: &Caller, id: &str) -> Result<View, Error> {
        let now = self.now();
        let id = token_id(id)?;
        let transaction = self.store.begin().await?;
        let authority = self.authority(&transaction, caller, now).await?;
        authority.require_unless_own(Permission::ApiTokenModify, id)?;
        let mut token = transaction.lock_token(id, now).await?.ok_or(Error::NotFound)?;
        if token.revoked_at.is_some() {
            return Ok(View::new(token, now));
        }
        token.revoked_at = Some(now);
        transaction.revoke(token.id, now).await?;
        self.record(&transaction, Action::Revoked, caller.actor(), &token, now).await?;
        transaction.commit().await?;
        Ok(View::new(token, now))
    }
}
