//! `revokeAPIToken`: the end of a token, which is final (R10).

use crate::domain::audit::Action;
use crate::domain::lifecycle;
use crate::domain::token::Permission;

use super::{Caller, Error, Service, View, token_id};

impl Service {
    /// Revokes a token; one's own needs no permission, another's `API_TOKEN_MODIFY`. Revoking twice changes nothing.
    ///
    /// # Errors
    /// When the caller may not, no token has this id, or it is protected.
    pub async fn revoke(&self, caller: &Caller, id: &str) -> Result<View, Error> {
        let now = self.now();
        let id = token_id("id", id)?;
        let transaction = self.store.begin().await?;
        let authority = self.authority(&transaction, caller, Some(id), now).await?;
        authority.require_unless_own(Permission::ApiTokenModify, id)?;
        let mut token = transaction.find_token(id).await?.ok_or(Error::NotFound { field: "id" })?;
        if lifecycle::revoke(&token)? {
            token.revoked_at = Some(now);
            transaction.revoke(token.id, now).await?;
            self.record(&transaction, Action::Revoked, caller.acting(), (token.id, token.current.generation), now)
                .await?;
            transaction.commit().await?;
        }
        Ok(View::new(token, now))
    }
}
