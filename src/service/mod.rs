//! The use cases, one a file: authorise, decide by the rules of `domain`, change in one transaction, answer.
//!
//! The only way a credential becomes a caller is [`Service::authenticate`], and every value that comes in, there or to be
//! verified, is judged in one place. Time is read once an operation, at its top.

mod audit;
mod authenticate;
mod bootstrap;
mod contact;
mod create;
mod end_overlap;
mod error;
mod gate;
mod paging;
mod present;
mod read;
mod record;
mod revoke;
mod rotate;
mod sweep;
mod update;
mod verify;
mod visit;
mod watch;

use std::sync::Arc;

pub use audit::{AuditPage, AuditRequest};
pub use authenticate::Caller;
pub use create::CreateRequest;
pub use error::{Error, ErrorCode};
pub use paging::{Connection, PageRequest};
pub use rotate::RotateRequest;
pub use verify::Verification;
pub use visit::Visit;

use crate::clock::SharedClock;
use crate::domain::authority::Authority;
use crate::domain::id::{RequestId, TokenId};
use crate::domain::lifecycle::{self, Status};
use crate::domain::settings::Limits;
use crate::domain::timestamp::Timestamp;
use crate::domain::token::Token;
use crate::domain::value::Value;
use crate::entropy::SharedEntropy;
use crate::store::{self, Store, Transaction};

use contact::Contact;
use gate::Gate;
use record::RefusalGates;

/// How many retired values a minute are looked into, on one replica.
const MAX_REUSES: usize = 4_096;

/// All use cases over one database, one clock and one random source.
#[derive(Clone)]
pub struct Service {
    store: Store,
    clock: SharedClock,
    entropy: SharedEntropy,
    policy: Policy,
    refusals: Arc<RefusalGates>,
    reuses: Arc<Gate<(TokenId, u32)>>,
    contact: Arc<Contact>,
}

/// What the operator decides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// The limits on what may be asked for.
    pub limits: Limits,
    /// For how long audit events are kept, in minutes; `None` for ever.
    pub audit_retention_minutes: Option<u32>,
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
    fn new(mut token: Token, now: Timestamp) -> Self {
        let status = lifecycle::status(&token, now);
        if !lifecycle::overlap_lasts(&token, now) {
            token.previous = None;
        }
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
    pub fn new(store: Store, clock: SharedClock, entropy: SharedEntropy, policy: Policy) -> Self {
        let reuses = Arc::new(Gate::new(MAX_REUSES));
        Self { store, clock, entropy, policy, refusals: Arc::default(), reuses, contact: Arc::default() }
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

    /// What the caller may do as of this transaction, and the token that it may then change, if there is one. A caller that
    /// was revoked or retired since the request began may do nothing any more, and none is revoked from here until the
    /// transaction has ended (R10).
    async fn authority_over(
        &self,
        transaction: &Transaction,
        caller: &Caller,
        target: TokenId,
        now: Timestamp,
    ) -> Result<(Authority, Option<Token>), Error> {
        let own = caller.token_id();
        let (target, other) = transaction.find_to_change(target, (target != own).then_some(own)).await?;
        let token = other.as_ref().or(target.as_ref().filter(|token| token.id == own)).ok_or(Error::Unauthenticated)?;
        lifecycle::standing(token, caller.generation(), now)?;
        Ok((Authority::of(token), target))
    }
}

/// Reads an id as a client sent it in this field. A text that is no id is the id of nothing.
fn token_id(field: &'static str, text: &str) -> Result<TokenId, Error> {
    TokenId::parse(text).ok_or(Error::NotFound { field })
}
