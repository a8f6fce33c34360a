//! The use cases, one a file: authorise, decide by the rules of `domain`, change in one transaction, answer.
//!
//! The only way a credential becomes a caller is [`Service::authenticate`]. Time is read once an operation, at its top.

mod authenticate;
mod bootstrap;
mod create;
mod error;
mod paging;
mod read;
mod revoke;
mod rotate;

pub use authenticate::Caller;
pub use error::{Error, ErrorCode};
pub use paging::{Connection, PageRequest};

use crate::clock::SharedClock;
use crate::domain::audit::{Action, AuditEvent};
use crate::domain::authority::Authority;
use crate::domain::id::{EventId, RequestId, TokenId};
use crate::domain::lifecycle::{self, Status};
use crate::domain::timestamp::Timestamp;
use crate::domain::token::{Actor, Token};
use crate::domain::value::Value;
use crate::entropy::SharedEntropy;
use crate::store::{self, Store, Transaction};

/// All use cases over one database, one clock and one random source.
#[derive(Clone)]
pub struct Service {
    store: Store,
    clock: SharedClock,
    entropy: SharedEntropy,
}

/// A token as it is at the moment of the operation that read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// The facts.
    pub token: Token,
    /// What they come to at that moment.
    pub status: Status,
}

impl View {
    fn new(token: Token, now: Timestamp) -> Self {
        let status = lifecycle::status(&token, now);
        Self { token, status }
    }
}

/// A token with the value that was just issued for it. The value is told once and kept nowhere (R9).
#[derive(Debug)]
pub struct Issued {
    /// The token as it now is.
    pub view: View,
    /// The new value.
    pub value: Value,
}

impl Service {
    /// The use cases over these.
    pub fn new(store: Store, clock: SharedClock, entropy: SharedEntropy) -> Self {
        Self { store, clock, entropy }
    }

    /// A new identity for a request, for logs and answers.
    ///
    /// # Errors
    /// When there are no random bytes.
    pub fn request_id(&self) -> Result<RequestId, Error> {
        Ok(RequestId::new(self.now(), self.random()?))
    }

    /// Waits until nothing uses the database any more and closes it.
    ///
    /// # Errors
    /// When it cannot be closed in order. Nothing that was answered is lost by that.
    pub async fn close(self) -> Result<(), store::Error> {
        self.store.close().await
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_unix_millis(self.clock.now_unix_millis())
    }

    fn random<const N: usize>(&self) -> Result<[u8; N], Error> {
        let mut bytes = [0; N];
        self.entropy.fill(&mut bytes)?;
        Ok(bytes)
    }

    /// What the caller may do as of this transaction. A caller that was revoked or retired since the request began may do
    /// nothing any more.
    async fn authority(&self, transaction: &Transaction, caller: &Caller, now: Timestamp) -> Result<Authority, Error> {
        let token = transaction.find_token(caller.token_id(), now).await?.ok_or(Error::Unauthenticated)?;
        lifecycle::standing(&token, caller.generation(), now)?;
        Ok(Authority::of(&token))
    }

    async fn record(
        &self,
        transaction: &Transaction,
        action: Action,
        actor: Actor,
        token: &Token,
        now: Timestamp,
    ) -> Result<(), Error> {
        let id = EventId::new(now, self.random()?);
        let generation = token.current.generation;
        Ok(transaction.append(&AuditEvent { id, at: now, action, actor, token_id: token.id, generation }).await?)
    }
}

/// Reads an id as a client sent it. A text that is no id is the id of nothing.
fn token_id(text: &str) -> Result<TokenId, Error> {
    TokenId::parse(text).ok_or(Error::NotFound)
}
