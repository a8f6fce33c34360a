//! What all use cases share: the database, its clock, the random source, and what is remembered.

use std::sync::Arc;

use crate::clock::SharedClock;
use crate::domain::id::{RequestId, TokenId};
use crate::domain::timestamp::Timestamp;
use crate::entropy::SharedEntropy;
use crate::store::{self, Store};

use super::audit::{FanOut, RateLimit, RefusalLimits};
use super::caller::Streams;
use super::database::{Contact, SchemaState, Time};
use super::error::Error;
use super::judge::{Cache, UseBuffer};
use super::policy::Policy;

/// How many retired values a minute are looked into, on one replica.
const MAX_REUSES: usize = 4_096;

/// All use cases over one database, one clock and one random source.
#[derive(Clone)]
pub struct Service {
    pub(super) store: Store,
    pub(super) time: Arc<Time>,
    pub(super) entropy: SharedEntropy,
    pub(super) policy: Policy,
    pub(super) refusals: Arc<RefusalLimits>,
    pub(super) reuses: Arc<RateLimit<(TokenId, u32)>>,
    pub(super) contact: Arc<Contact>,
    pub(super) schema: Arc<SchemaState>,
    pub(super) cache: Arc<Cache>,
    pub(super) uses: Arc<UseBuffer>,
    pub(super) streams: Arc<Streams>,
    pub(super) fan_out: FanOut,
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
        let reuses = Arc::new(RateLimit::new(MAX_REUSES));
        let cache = Arc::new(Cache::new(usize::try_from(policy.cached_values).unwrap_or(usize::MAX)));
        let fan_out = FanOut::begin(store.audit_log_signal());
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
            fan_out,
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
            tracing::warn!(%cause, "the uses of the last minute could not be written");
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
                "the contents of the database were saved; to use them, rename the file to that of the database before you start again"
            ),
            Err(cause) => tracing::error!(%cause, "the contents of the database could not be saved"),
        }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.time.now()
    }

    pub(super) fn random<const N: usize>(&self) -> Result<[u8; N], Error> {
        let mut bytes = [0; N];
        self.entropy.fill(&mut bytes)?;
        Ok(bytes)
    }
}
