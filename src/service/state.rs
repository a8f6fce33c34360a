//! What all use cases share: the database, its clock, the random source, and caches.

use std::sync::Arc;

use crate::clock::SharedClock;
use crate::domain::delivery::AllowedNetworks;
use crate::domain::id::{RequestId, TokenId};
use crate::domain::timestamp::Timestamp;
use crate::domain::value::foreign::ForeignFormats;
use crate::entropy::SharedEntropy;
use crate::store::{self, Store};

use super::audit::{FanOut, FrequentRefusals, RateLimit, RefusalLimits};
use super::caller::Streams;
use super::database::{Contact, SchemaState, Time};
use super::delivery::{AttemptCounts, KnownBacklog};
use super::error::Error;
use super::judge::{Cache, LeakLookups, UnknownLookups};
use super::mail::MailState;
use super::metrics::{Counts, Statistics};
use super::policy::Policy;
use super::value_use::UseBuffer;

/// How many different retired values a minute one replica looks up in the database.
const MAX_REUSES: usize = 4_096;

/// Of how many values that have leaked one replica remembers for a minute that this is recorded.
const MAX_LEAKS: usize = 4_096;

/// All use cases over one database, one clock and one random source.
#[derive(Clone)]
pub struct Service {
    pub(super) store: Store,
    pub(super) time: Arc<Time>,
    pub(super) entropy: SharedEntropy,
    pub(super) policy: Policy,
    pub(super) refusals: Arc<RefusalLimits>,
    pub(super) often: Arc<FrequentRefusals>,
    pub(super) reuses: Arc<RateLimit<(TokenId, u32)>>,
    pub(super) contact: Arc<Contact>,
    pub(super) schema: Arc<SchemaState>,
    pub(super) cache: Arc<Cache>,
    pub(super) foreign_formats: ForeignFormats,
    pub(super) unknown_lookups: Arc<UnknownLookups>,
    pub(super) leak_lookups: Arc<LeakLookups>,
    pub(super) leaks: Arc<RateLimit<(TokenId, Option<u32>)>>,
    pub(super) uses: Arc<UseBuffer>,
    pub(super) streams: Arc<Streams>,
    pub(super) fan_out: FanOut,
    pub(super) counts: Arc<Counts>,
    pub(super) statistics: Arc<Statistics>,
    pub(super) attempts: Arc<AttemptCounts>,
    pub(super) backlog: Arc<KnownBacklog>,
    pub(super) webhook_networks: Arc<AllowedNetworks>,
    pub(super) mail: MailState,
}

impl Service {
    /// Opens the service. It uses the database's clock from the start (R17).
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
        let uses = Arc::new(UseBuffer::new(policy.recorded_addresses));
        let cache = Arc::new(Cache::new(usize::try_from(policy.cached_values).unwrap_or(usize::MAX)));
        let fan_out = FanOut::begin(store.audit_log_signal());
        Ok(Self {
            store,
            time,
            entropy,
            policy,
            refusals: Arc::default(),
            often: Arc::new(FrequentRefusals::new(policy.announced_refusals)),
            reuses,
            contact: Arc::default(),
            schema: Arc::default(),
            cache,
            foreign_formats: ForeignFormats::default(),
            unknown_lookups: Arc::default(),
            leak_lookups: Arc::default(),
            leaks: Arc::new(RateLimit::new(MAX_LEAKS)),
            uses,
            streams: Arc::default(),
            fan_out,
            counts: Arc::default(),
            statistics: Arc::default(),
            attempts: Arc::default(),
            backlog: Arc::default(),
            webhook_networks: Arc::default(),
            mail: MailState::default(),
        })
    }

    /// The same service, with these networks of the operator to which webhooks may lead. By default there are none.
    #[must_use]
    pub fn allowing_webhooks_to(self, networks: AllowedNetworks) -> Self {
        Self { webhook_networks: Arc::new(networks), ..self }
    }

    /// The same service, which sends mail or does not: without a mail server, no mail digest can be created. By default there is none.
    #[must_use]
    pub fn sending_mail(self, sends: bool) -> Self {
        Self { mail: self.mail.sending(sends), ..self }
    }

    /// The same service, which accepts and imports values of these foreign formats.
    #[must_use]
    pub fn with_foreign_formats(self, foreign_formats: ForeignFormats) -> Self {
        Self { foreign_formats, ..self }
    }

    /// The foreign formats of values that are accepted.
    pub fn foreign_formats(&self) -> &ForeignFormats {
        &self.foreign_formats
    }

    /// A new id for a request, for logs and answers.
    ///
    /// # Errors
    /// When there are no random bytes.
    pub fn request_id(&self) -> Result<RequestId, Error> {
        let mut bytes = [0; RequestId::ENTROPY_BYTES];
        self.entropy.fill_guessable(&mut bytes)?;
        Ok(RequestId::new(self.now(), bytes))
    }

    /// Writes the buffered uses, waits until nothing uses the database any more, and closes it.
    ///
    /// # Errors
    /// When it cannot be closed cleanly. Nothing that was acknowledged is lost.
    pub async fn close(self) -> Result<(), store::Error> {
        if let Err(cause) = self.write_uses().await {
            tracing::warn!(name: "uses_not_written", %cause, "the uses of the last minute could not be written");
        }
        self.store.close().await
    }

    /// A name of the database for people, without user or password.
    pub fn database(&self) -> &str {
        self.store.place()
    }

    /// Waits until the database file is found to be deleted or replaced, and stops reading from it; returns what happened. On
    /// PostgreSQL it waits forever.
    pub async fn database_moved(&self) -> store::Error {
        let moved = self.store.moved().await;
        self.contact.lose();
        moved
    }

    /// Saves the contents of the moved database ([`Store::save_moved`]), and logs what the operator can do with them.
    pub async fn save_moved_database(&self) {
        match self.store.save_moved().await {
            Ok(None) => {}
            Ok(Some(path)) => tracing::warn!(
                name: "database_saved",
                path = %path.display(),
                "the contents of the database were saved; to use them, rename the file to that of the database before you start again"
            ),
            Err(cause) => {
                tracing::error!(name: "database_not_saved", %cause, "the contents of the database could not be saved")
            }
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
