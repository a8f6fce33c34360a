//! Refusing to cut off a value that is in use (R15), and saying by whom it is used, if the caller may know.

use crate::domain::id::TokenId;
use crate::domain::rule::lifecycle::silence::in_use;
use crate::domain::timestamp::Timestamp;
use crate::domain::token::Token;
use crate::domain::value_use::Asked;
use crate::service::{Caller, Error, NamedUsers, Service, StillInUse};
use crate::store::Transaction;

/// How many users a refusal names.
const MAX_NAMED_USERS: usize = 3;

impl Service {
    /// Refuses to cut off the value of this generation of a token that the transaction has locked, if it is in use and that is not forced.
    /// The request that asks for it is no use.
    ///
    /// # Errors
    /// [`Error::StillInUse`], without users; or when the database fails.
    pub(crate) async fn require_silent(
        &self,
        transaction: &Transaction,
        caller: &Caller,
        (token, generation): (&Token, u32),
        force: bool,
        now: Timestamp,
    ) -> Result<(), Error> {
        if force || token.settings.silent_minutes == 0 {
            return Ok(());
        }
        let value = (token.id, generation);
        let is_own = value == (caller.token_id(), caller.generation());
        let last_used_at = match is_own && caller.is_first_use() {
            // What is written is the use by this request.
            true => self.uses.latest_of_value(value),
            false => self.last_use_of_value(transaction, value).await?,
        };
        let Some(in_use) = in_use(token, generation, self.latest_possible(last_used_at), now) else { return Ok(()) };
        if is_own {
            // Otherwise a client that waits for silence, and asks again and again, would wait forever.
            caller.forget_use();
        }
        let retry_after_seconds = now.seconds_until(in_use.silent_at);
        Err(Error::StillInUse(Box::new(StillInUse { in_use, retry_after_seconds, users: None })))
    }

    /// What [`Service::require_silent`] would refuse of these values of another's token, as far as the token was read: the first that is in
    /// use.
    pub(crate) async fn still_in_use(
        &self,
        token: &Token,
        generations: &[u32],
        now: Timestamp,
    ) -> Result<Option<Error>, Error> {
        let values: Vec<_> = generations.iter().map(|generation| (token.id, *generation)).collect();
        if values.is_empty() || token.settings.silent_minutes == 0 {
            return Ok(None);
        }
        let uses = self.find_value_uses(&values, Asked::Totals, None, now).await?;
        let in_use = values.iter().find_map(|value| {
            let last_used_at = uses.get(value)?.last_used_at;
            in_use(token, value.1, self.latest_possible(last_used_at), now)
        });
        Ok(in_use.map(|in_use| {
            let retry_after_seconds = now.seconds_until(in_use.silent_at);
            Error::StillInUse(Box::new(StillInUse { in_use, retry_after_seconds, users: None }))
        }))
    }

    /// The error of an operation on this token. If a value of it is in use, it names users, unless the caller may not know them or they
    /// cannot be read.
    pub(crate) async fn name_users(&self, caller: &Caller, id: TokenId, err: Error) -> Error {
        let Error::StillInUse(mut refused) = err else { return err };
        let value = (id, refused.in_use.generation);
        let uses = self.value_uses(caller, &[value], Asked::Users).await;
        refused.users = uses.ok().as_ref().and_then(|uses| uses.get(&value)).map(|used| {
            let (shown, others) = used.shown_users();
            let other_user_count = others + shown.len().saturating_sub(MAX_NAMED_USERS);
            let users = shown.into_iter().take(MAX_NAMED_USERS).map(|(user, used)| (user.clone(), used)).collect();
            NamedUsers { users, other_user_count }
        });
        Error::StillInUse(refused)
    }
}
