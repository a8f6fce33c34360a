//! Locking the caller's token and the token that the caller changes.

use crate::domain::id::TokenId;
use crate::domain::rule::authority::Authority;
use crate::domain::timestamp::Timestamp;
use crate::domain::token::{Permission, Token};
use crate::service::{Caller, Error, Service};
use crate::store::Transaction;

impl Service {
    /// Locks and returns the caller's token and, if it exists, the token to change. Fails if the caller's value has stopped working
    /// since the request began. While this transaction runs, the caller's token cannot be revoked (R10). A pending first use is
    /// written (R5).
    ///
    /// Without `API_TOKEN_MODIFY`, another's token is not looked up at all, because the time that this takes would reveal whether
    /// it exists.
    pub(crate) async fn find_to_change(
        &self,
        transaction: &Transaction,
        caller: &Caller,
        target: TokenId,
        now: Timestamp,
    ) -> Result<(Token, Option<Token>), Error> {
        let own = caller.token_id();
        if target != own && Authority::of(caller.known()).require(Permission::ApiTokenModify).is_err() {
            // The cached token may be old, so the database decides.
            let token = transaction.find_token(own).await?.ok_or(Error::Unauthenticated)?;
            caller.check_still_valid(&token, now)?;
            Authority::of(&token).require(Permission::ApiTokenModify)?;
        }
        let held = (target != own).then(|| (own, caller.lock_mode()));
        let (mut target, mut other) = transaction.find_to_change(target, held).await?;
        let token = other.as_mut().or(target.as_mut().filter(|token| token.id == own)).ok_or(Error::Unauthenticated)?;
        caller.check_still_valid(token, now)?;
        caller.write_first_use_in(transaction, token, now).await?;
        Ok((token.clone(), target))
    }
}
