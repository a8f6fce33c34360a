//! A server within the test's own process, with a clock that stands still and random bytes that repeat.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rotakey::app;
use rotakey::clock::{Clock, SharedClock};
use rotakey::config::DatabaseFlags;
use rotakey::domain::restriction::TrustedProxies;
use rotakey::domain::value::foreign::ForeignFormats;
use rotakey::service::{Policy, Service};
use rotakey::{graphql, http};
use tokio::sync::watch;

use crate::support::client::Client;
use crate::support::clock::{ManualClock, START};
use crate::support::database::TestDatabase;
use crate::support::deadline::within;
use crate::support::entropy::SeededEntropy;
use crate::support::spans;

/// How long the start may take, with a new database in a busy cluster.
const START_DEADLINE: Duration = Duration::from_secs(120);

pub struct Server {
    pub url: String,
    pub clock: Arc<ManualClock>,
    pub database: Arc<TestDatabase>,
    pub admin: Client,
    pub entropy: Arc<SeededEntropy>,
    policy: Policy,
    formats: ForeignFormats,
    _stop: watch::Sender<bool>,
}

impl Server {
    /// A server on a database of its own, and the holder of its first token.
    pub async fn start() -> Self {
        let database = Arc::new(TestDatabase::new().await);
        Self::join(database, Arc::new(ManualClock::new()), Policy::default()).await
    }

    /// As [`Server::start`], on this database.
    pub async fn start_on(database: TestDatabase) -> Self {
        Self::join(Arc::new(database), Arc::new(ManualClock::new()), Policy::default()).await
    }

    /// As [`Server::start`], with limits of the operator.
    pub async fn start_with(policy: Policy) -> Self {
        Self::join(Arc::new(TestDatabase::new().await), Arc::new(ManualClock::new()), policy).await
    }

    /// As [`Server::start`], with these formats of foreign values, and limits of the operator.
    pub async fn start_importing(formats: ForeignFormats, policy: Policy) -> Self {
        let (database, clock) = (Arc::new(TestDatabase::new().await), Arc::new(ManualClock::new()));
        Self::open_with(database, clock, (policy, formats), behind_local_proxy()).await
    }

    /// As [`Server::start`], with other settings of the GraphQL endpoint.
    pub async fn start_graphql(graphql: graphql::Settings) -> Self {
        let settings = http::Settings { graphql, ..behind_local_proxy() };
        Self::open(Arc::new(TestDatabase::new().await), Arc::new(ManualClock::new()), Policy::default(), settings).await
    }

    /// As [`Server::start`], reading bodies of at most so many bytes.
    pub async fn start_reading(max_body_bytes: usize) -> Self {
        let settings = http::Settings { max_body_bytes, ..behind_local_proxy() };
        Self::open(Arc::new(TestDatabase::new().await), Arc::new(ManualClock::new()), Policy::default(), settings).await
    }

    /// As [`Server::start`], with these settings of the endpoints.
    pub async fn start_serving(settings: http::Settings) -> Self {
        Self::open(Arc::new(TestDatabase::new().await), Arc::new(ManualClock::new()), Policy::default(), settings).await
    }

    /// The settings of the endpoints by default.
    pub fn settings() -> http::Settings {
        behind_local_proxy()
    }

    /// Another replica on the same database and the same clock, with the same limits.
    pub async fn replica(&self) -> Self {
        let policy = (self.policy, self.formats.clone());
        Self::open_with(self.database.clone(), self.clock.clone(), policy, behind_local_proxy()).await
    }

    /// Another replica on the same database, whose clock is behind by so many milliseconds.
    pub async fn replica_behind(&self, millis: i64) -> Self {
        let clock = ManualClock::new();
        clock.set(self.clock.now_unix_millis() - START - millis);
        Self::join(self.database.clone(), Arc::new(clock), Policy::default()).await
    }

    /// The use cases over the same database and clock, for what has no endpoint.
    pub async fn service(&self) -> Service {
        self.service_with(u64::MAX - 1).await
    }

    /// As [`Server::service`], with other random bytes than other services that run at the same time.
    pub async fn service_with(&self, seed: u64) -> Service {
        let url = DatabaseFlags { database_url: self.database.url.clone() }.validate().unwrap();
        let entropy = Arc::new(SeededEntropy::new(seed));
        let service = app::open(&url, self.clock.clone(), entropy, self.policy).await.unwrap();
        service.with_foreign_formats(self.formats.clone())
    }

    async fn join(database: Arc<TestDatabase>, clock: Arc<ManualClock>, policy: Policy) -> Self {
        Self::open(database, clock, policy, behind_local_proxy()).await
    }

    async fn open(
        database: Arc<TestDatabase>,
        clock: Arc<ManualClock>,
        policy: Policy,
        settings: http::Settings,
    ) -> Self {
        Self::open_with(database, clock, (policy, ForeignFormats::default()), settings).await
    }

    async fn open_with(
        database: Arc<TestDatabase>,
        clock: Arc<ManualClock>,
        policy: (Policy, ForeignFormats),
        settings: http::Settings,
    ) -> Self {
        spans::record();
        within(START_DEADLINE, "the start of a server", Self::started(database, clock, policy, settings)).await
    }

    async fn started(
        database: Arc<TestDatabase>,
        clock: Arc<ManualClock>,
        (policy, formats): (Policy, ForeignFormats),
        settings: http::Settings,
    ) -> Self {
        // A test takes the steps of campaigns itself.
        let policy = Policy { campaign_interval: Duration::from_secs(3_600), ..policy };
        // Replicas must not issue the same bytes; the first server of every test does.
        static SEED: AtomicU64 = AtomicU64::new(1);
        let url = DatabaseFlags { database_url: database.url.clone() }.validate().unwrap();
        let shared: SharedClock = clock.clone();
        let first = app::open(&url, shared.clone(), Arc::new(SeededEntropy::new(0)), Policy::default()).await.unwrap();
        let admin = first.bootstrap_if_empty().await.unwrap().map(|issued| issued.value.expose().to_owned());
        let entropy = match admin {
            Some(_) => Arc::new(SeededEntropy::new(u64::MAX)),
            None => Arc::new(SeededEntropy::new(SEED.fetch_add(1, Ordering::SeqCst))),
        };
        first.close().await.unwrap();
        let service = app::open(&url, shared, entropy.clone(), policy).await.unwrap();
        let service = service.with_foreign_formats(formats.clone()).sending_mail(true);
        let listener = app::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (stop, stopped) = watch::channel(false);
        tokio::spawn(app::serve(listener, service, settings, stopped));
        let anonymous = Client::anonymous(&url);
        let admin = admin.map_or(anonymous.clone(), |value| anonymous.with(value));
        Self { url, clock, database, admin, entropy, policy, formats, _stop: stop }
    }

    pub fn anonymous(&self) -> Client {
        Client::anonymous(&self.url)
    }
}

/// Behind a proxy on this machine, and else as by default.
pub fn behind_local_proxy() -> http::Settings {
    http::Settings { trusted_proxies: TrustedProxies::parse("127.0.0.1").unwrap(), ..http::Settings::default() }
}
