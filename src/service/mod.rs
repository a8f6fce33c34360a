//! The use cases, one a file: authorise, decide by the rules of `domain`, change in one transaction, answer.
//!
//! The only way a credential becomes a caller is [`Service::authenticate`], and every value that comes in, there or to be
//! verified, is judged in one place. Time is read once an operation, at its top, and is that of the database (R17).

mod audit;
mod authenticate;
mod bootstrap;
mod cache;
mod contact;
mod create;
mod end_overlap;
mod error;
mod first_use;
mod gate;
mod paging;
mod present;
mod read;
mod ready;
mod recall;
mod record;
mod report;
mod retire_values;
mod revoke;
mod rotate;
mod streams;
mod sweep;
mod time;
mod update;
mod urgent;
mod uses;
mod verify;
mod visit;
mod watch;

use std::sync::Arc;

pub use audit::{AuditPage, AuditRequest};
pub use authenticate::Caller;
pub use create::CreateRequest;
pub use error::{Error, ErrorCode};
pub use paging::{Connection, PageRequest};
pub use ready::Readiness;
pub use retire_values::RetiredValues;
pub use rotate::RotateRequest;
pub use streams::StreamPlace;
pub use verify::Verification;
pub use visit::Visit;

use crate::clock::SharedClock;
use crate::domain::id::{RequestId, TokenId};
use crate::domain::rule::authority::Authority;
use crate::domain::rule::lifecycle::{self, Status};
use crate::domain::timestamp::Timestamp;
use crate::domain::token::{Limits, Permission, Token};
use crate::domain::value::Value;
use crate::entropy::SharedEntropy;
use crate::store::{self, Store, Transaction};

use cache::Cache;
use contact::Contact;
use gate::Gate;
use ready::SchemaState;
use record::RefusalGates;
use streams::Streams;
use time::Time;
use uses::Uses;

/// How many retired values a minute are looked into, on one replica.
const MAX_REUSES: usize = 4_096;

/// All use cases over one database, one clock and one random source.
#[derive(Clone)]
pub struct Service {
    store: Store,
    time: Arc<Time>,
    entropy: SharedEntropy,
    policy: Policy,
    refusals: Arc<RefusalGates>,
    reuses: Arc<Gate<(TokenId, u32)>>,
    contact: Arc<Contact>,
    schema: Arc<SchemaState>,
    cache: Arc<Cache>,
    uses: Arc<Uses>,
    streams: Arc<Streams>,
}

/// What the operator decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The limits on what may be asked for.
    pub limits: Limits,
    /// For how long audit events are kept, in minutes; `None` for ever.
    pub audit_retention_minutes: Option<u32>,
    /// For how long a value is kept after it was retired, in minutes.
    pub retired_values_minutes: u32,
    /// How many verified values are remembered, a tenth more at most; 0 for none.
    pub cached_values: u32,
    /// How many event streams and sockets there may be at once, of all tokens together.
    pub max_streams: u32,
    /// How many of one token.
    pub max_streams_per_token: u32,
}

impl Policy {
    /// How many verified values are remembered where the operator says nothing.
    pub const CACHED_VALUES: u32 = 100_000;
    /// For how many minutes retired values are kept where the operator says nothing: 400 days.
    pub const RETIRED_VALUES_MINUTES: u32 = 400 * 24 * 60;
    /// Where the operator says nothing.
    pub const DEFAULT: Self = Self {
        limits: Limits { max_lifetime_minutes: None, require_expiry: false, max_overlap_minutes: None },
        audit_retention_minutes: None,
        retired_values_minutes: Self::RETIRED_VALUES_MINUTES,
        cached_values: Self::CACHED_VALUES,
        max_streams: 1_000,
        max_streams_per_token: 100,
    };
}

impl Default for Policy {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// A token as it is at the moment of the operation that read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// The facts.
    pub token: Arc<Token>,
    /// What they come to at that moment.
    pub status: Status,
}

impl View {
    fn new(token: impl Into<Arc<Token>>, now: Timestamp) -> Self {
        let mut token = token.into();
        let status = lifecycle::status(&token, now);
        if token.previous.is_some() && !lifecycle::overlap_lasts(&token, now) {
            Arc::make_mut(&mut token).previous = None;
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
    /// The generation of the value that was cancelled because nobody had used it (R5); `None` for none.
    pub cancelled_generation: Option<u32>,
}

impl Service {
    /// The use cases over these. From the start on they judge by the database's clock (R17).
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn open(
        store: Store,
        clock: SharedClock,
        entropy: SharedEntropy,
        policy: Policy,
    ) -> Result<Self, store::Error> {
        let time = Arc::new(Time::of(&store, clock).await?);
        let reuses = Arc::new(Gate::new(MAX_REUSES));
        let cache = Arc::new(Cache::new(usize::try_from(policy.cached_values).unwrap_or(usize::MAX)));
        Ok(Self {
            store,
            time,
            entropy,
            policy,
            refusals: Arc::default(),
            reuses,
            contact: Arc::default(),
            schema: Arc::default(),
            cache,
            uses: Arc::default(),
            streams: Arc::default(),
        })
    }

    /// A new identity for a request, for logs and answers.
    ///
    /// # Errors
    /// When there are no random bytes.
    pub fn request_id(&self) -> Result<RequestId, Error> {
        let mut bytes = [0; RequestId::ENTROPY_BYTES];
        self.entropy.fill_guessable(&mut bytes)?;
        Ok(RequestId::new(self.now(), bytes))
    }

    /// Writes down the last uses, waits until nothing uses the database any more, and closes it.
    ///
    /// # Errors
    /// When it cannot be closed in order. Nothing that was answered is lost by that.
    pub async fn close(self) -> Result<(), store::Error> {
        if let Err(cause) = self.write_uses().await {
            tracing::warn!(%cause, "the uses of the last minute could not be written down");
        }
        self.store.close().await
    }

    /// The database, as people know it. It names neither user nor password.
    pub fn database(&self) -> &str {
        self.store.place()
    }

    /// Waits until the database was found to be no longer the one that was opened, and reads nothing from it any more: what
    /// happened. On PostgreSQL it waits for ever.
    pub async fn database_moved(&self) -> store::Error {
        let moved = self.store.moved().await;
        self.contact.lose();
        moved
    }

    /// Saves what the moved database held, as [`Store::save_moved`] says, and tells the log what can be done with it.
    pub async fn save_moved_database(&self) {
        match self.store.save_moved().await {
            Ok(None) => {}
            Ok(Some(path)) => tracing::warn!(
                path = %path.display(),
                "what the database held has been saved; to go on with it, give it the name of the database before you start again"
            ),
            Err(cause) => tracing::error!(%cause, "what the database held could not be saved"),
        }
    }

    fn now(&self) -> Timestamp {
        self.time.now()
    }

    fn random<const N: usize>(&self) -> Result<[u8; N], Error> {
        let mut bytes = [0; N];
        self.entropy.fill(&mut bytes)?;
        Ok(bytes)
    }

    /// The caller's token as of this transaction, and the token that the caller may then change, if there is one. A caller that
    /// was revoked or retired since the request began may do nothing any more, and none is revoked from here until the
    /// transaction has ended (R10). A first use that is pending is written in it (R5).
    ///
    /// Another's token is not even looked up for a caller without `API_TOKEN_MODIFY`: how long that takes would tell whether it
    /// exists.
    async fn find_to_change(
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
            caller.still_admitted(&token, now)?;
            Authority::of(&token).require(Permission::ApiTokenModify)?;
        }
        let held = (target != own).then(|| (own, caller.hold()));
        let (mut target, mut other) = transaction.find_to_change(target, held).await?;
        let token = other.as_mut().or(target.as_mut().filter(|token| token.id == own)).ok_or(Error::Unauthenticated)?;
        caller.still_admitted(token, now)?;
        caller.use_in(transaction, token, now).await?;
        Ok((token.clone(), target))
    }
}

/// Reads an id as a client sent it in this field. A text that is no id is the id of nothing.
fn token_id(field: &'static str, text: &str) -> Result<TokenId, Error> {
    TokenId::parse(text).ok_or(Error::NotFound { field })
}
