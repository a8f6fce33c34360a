//! The one way a credential becomes a caller.

use crate::domain::id::TokenId;
use crate::domain::lifecycle::{self, Standing};
use crate::domain::timestamp::Timestamp;
use crate::domain::token::{Actor, Token};
use crate::domain::value::Value;

use super::{Error, Service};

/// For how long a use need not be written again, in seconds: `lastUsedAt` is at most this much behind.
const USE_RESOLUTION_SECONDS: u32 = 60;

/// Somebody who presented a value that works. What they may do is looked up anew by every operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    token_id: TokenId,
    generation: u32,
    standing: Standing,
}

impl Caller {
    /// The caller's token.
    pub fn token_id(&self) -> TokenId {
        self.token_id
    }

    /// The generation of the value that was presented.
    pub fn generation(&self) -> u32 {
        self.generation
    }

    /// What the presented value was when it was presented.
    pub fn standing(&self) -> Standing {
        self.standing
    }

    /// The caller as the audit log names it.
    pub fn actor(&self) -> Actor {
        Actor::ApiToken(self.token_id)
    }
}

impl Service {
    /// The caller that a presented text stands for. The first use of a value is durable before this returns, so that the
    /// previous value can no longer cancel it (R5).
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] for a text that no token has as its value, or the reason why it works no more.
    pub async fn authenticate(&self, presented: &str) -> Result<Caller, Error> {
        let now = self.now();
        // The checksum spares the database every mistyped, truncated and made-up value.
        let value = Value::parse(presented).map_err(|_| Error::Unauthenticated)?;
        let (token, generation) = self.store.find_by_hash(&value.hash(), now).await?.ok_or(Error::Unauthenticated)?;
        let standing = lifecycle::standing(&token, generation, now)?;
        if use_is_news(&token, generation, now) {
            self.record_use(token.id, generation, now).await?;
        }
        Ok(Caller { token_id: token.id, generation, standing })
    }

    async fn record_use(&self, id: TokenId, generation: u32, now: Timestamp) -> Result<(), Error> {
        let transaction = self.store.begin().await?;
        let token = transaction.lock_token(id, now).await?.ok_or(Error::Unauthenticated)?;
        // The value may have been cancelled between the look-up and the lock; whoever came first has won.
        lifecycle::standing(&token, generation, now)?;
        transaction.record_use(id, generation, now).await?;
        Ok(transaction.commit().await?)
    }
}

fn use_is_news(token: &Token, generation: u32, now: Timestamp) -> bool {
    let first = token.value(generation).is_some_and(|value| value.first_used_at.is_none());
    let stale = token.last_used_at.is_none_or(|last| last.plus_seconds(USE_RESOLUTION_SECONDS) <= now);
    first || stale
}
