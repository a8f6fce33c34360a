//! What a change rests on: the caller's token and the one to be changed, as they are under a lock.

use crate::domain::id::TokenId;
use crate::domain::rule::authority::Authority;
use crate::domain::timestamp::Timestamp;
use crate::domain::token::{Permission, Token};
use crate::service::{Caller, Error, Service};
use crate::store::Transaction;

impl Service {
    /// The caller's token as of this transaction, and the token that the caller may then change, if there is one. A caller that
    /// was revoked or retired since the request began may do nothing any more, and none is revoked from here until the
    /// transaction has ended (R10). A first use that is pending is written in it (R5).
    ///
    /// Another's token is not even looked up for a caller without `API_TOKEN_MODIFY`: how long that takes would tell whether it
    /// exists.
    pub(crate) async fn find_to_change(
        &self,
        transaction: &Transaction,
        caller: &Caller,
        target: TokenId,
        now: Timestamp,
    ) -> Result<(Token, Option<Token>), Error> {
        let own = caller.token_id();
        if target != own && Authority::of(caller.known()).require(Permission::ApiTokenModify).is_err() {
            // What is known may be old, so the database has the last word.
            let token = transaction.find_token(own).await?.ok_or(Error::Unauthenticated)?;
            caller.check_still_valid(&token, now)?;
            Authority::of(&token).require(Permission::ApiTokenModify)?;
        }
        let held = (target != own).then(|| (own, caller.hold()));
        let (mut target, mut other) = transaction.find_to_change(target, held).await?;
        let token = other.as_mut().or(target.as_mut().filter(|token| token.id == own)).ok_or(Error::Unauthenticated)?;
        caller.check_still_valid(token, now)?;
        caller.use_in(transaction, token, now).await?;
        Ok((token.clone(), target))
    }
}
