//! R15 when the clock is set: how long ago a value was used is then not known, so no value in use is retired, and none that was retired works
//! again. On SQLite, the clock of the database is that of the host, which a test can set.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use rotakey::clock::Clock;
use rotakey::domain::id::TokenId;
use rotakey::domain::rule::verification::RequiredScopes;
use rotakey::domain::token::{OverlapEnd, SettingsDraft};
use rotakey::service::{Caller, CreateRequest, Error, Policy, RequestContext, RotateRequest, Service};
use rotakey::store::Store;

use crate::support::clock::{MINUTE, SECOND, START};
use crate::support::database::TestDatabase;
use crate::support::deadline::until;
use crate::support::entropy::SeededEntropy;
use crate::support::replica::named;

const HOUR: i64 = 60 * MINUTE;

/// The clocks of one host: time passes on both, and the wall clock can be set.
#[derive(Default)]
struct HostClock {
    wall: AtomicI64,
    monotonic: AtomicI64,
}

impl HostClock {
    fn pass(&self, millis: i64) {
        self.monotonic.fetch_add(millis, Ordering::SeqCst);
        self.wall.fetch_add(millis, Ordering::SeqCst);
    }

    fn step(&self, millis: i64) {
        self.wall.fetch_add(millis, Ordering::SeqCst);
    }
}

impl Clock for HostClock {
    fn now_unix_millis(&self) -> i64 {
        START + self.wall.load(Ordering::SeqCst)
    }

    fn monotonic_millis(&self) -> i64 {
        self.monotonic.load(Ordering::SeqCst)
    }
}

/// Replicas that share a host and a file, and poll it.
struct Host {
    clock: Arc<HostClock>,
    store: Store,
    replicas: Vec<Service>,
    admin: String,
}

impl Host {
    async fn start(database: &TestDatabase) -> Self {
        let clock = Arc::new(HostClock::default());
        let store = Store::connect(&database.url).await.unwrap();
        store.migrate().await.unwrap();
        let (mut replicas, mut admin) = (Vec::new(), None);
        for seed in 1..=2 {
            let store = Store::connect(&database.url).await.unwrap();
            let entropy = Arc::new(SeededEntropy::new(seed));
            let service = Service::open(store, clock.clone(), entropy, Policy::default()).await.unwrap();
            if seed == 1 {
                admin = Some(service.bootstrap().await.unwrap().value.expose().to_owned());
            }
            tokio::spawn(service.clone().keep_contact());
            replicas.push(service);
        }
        Self { clock, store, replicas, admin: admin.unwrap() }
    }

    async fn caller(&self, replica: usize) -> Caller {
        self.replicas[replica].authenticate(&self.admin, RequestContext::default()).await.unwrap()
    }

    /// Sets the clock, and waits until every replica has noticed.
    async fn step(&self, millis: i64) {
        self.clock.step(millis);
        for replica in 0..self.replicas.len() {
            let noticed = async || {
                let request = CreateRequest { draft: named("clock"), ..CreateRequest::default() };
                let issued = self.replicas[replica].create(&self.caller(replica).await, request).await.unwrap();
                let off = issued.view.token.created_at.unix_millis() - self.clock.now_unix_millis();
                off.abs() < SECOND
            };
            until("the step of the clock", noticed).await;
        }
    }

    async fn code_of(&self, replica: usize, value: &str) -> &'static str {
        let verified =
            self.replicas[replica].verify(value, &RequiredScopes::default(), &RequestContext::default()).await;
        verified.unwrap().code.as_str()
    }

    /// Housekeeping at every replica, which each know what was used a minute ago (R14).
    async fn sweep(&self) {
        for replica in &self.replicas {
            replica.write_uses().await.unwrap();
        }
        for replica in &self.replicas {
            replica.sweep().await.unwrap();
        }
    }

    /// Whether there is a previous value, whatever any clock says.
    async fn has_previous(&self, id: TokenId) -> bool {
        self.store.find_token(id).await.unwrap().unwrap().previous.is_some()
    }

    /// A token that was rotated and whose values are both used: its id, and the old value.
    async fn switched(&self, overlap_ends: OverlapEnd) -> (TokenId, String) {
        let draft = SettingsDraft {
            overlap_minutes: Some(12 * 60),
            overlap_ends: Some(overlap_ends),
            silent_minutes: Some(5),
            ..named("n")
        };
        let request = CreateRequest { draft, ..CreateRequest::default() };
        let issued = self.replicas[0].create(&self.caller(0).await, request).await.unwrap();
        let (id, old) = (issued.view.token.id, issued.value.expose().to_owned());
        assert_eq!(self.code_of(0, &old).await, "VALID");
        let request = RotateRequest { id: Some(id.to_string()), ..RotateRequest::default() };
        let issued = self.replicas[0].rotate(&self.caller(0).await, &request).await.unwrap();
        assert_eq!(self.code_of(0, issued.value.expose()).await, "VALID");
        (id, old)
    }
}

#[tokio::test]
async fn on_sqlite_r15_a_step_of_the_clock_retires_no_value_in_use_and_brings_none_back() {
    let database = TestDatabase::sqlite();
    let host = Host::start(&database).await;
    for step in [HOUR, -HOUR] {
        let (id, old) = host.switched(OverlapEnd::WhenSilent).await;
        host.clock.pass(4 * MINUTE);
        assert_eq!(host.code_of(1, &old).await, "VALID");
        host.step(step).await;
        // Past the time for which rotations are uncertain, and before the value is used again, as it is every four minutes.
        for seconds in [1, 29, 120] {
            host.clock.pass(seconds * SECOND);
            host.sweep().await;
            assert!(host.has_previous(id).await, "{step}");
        }
        assert_eq!(host.code_of(0, &old).await, "VALID", "{step}");
        host.clock.pass(6 * MINUTE - 1);
        host.sweep().await;
        assert!(host.has_previous(id).await, "{step}");
        if step < 0 {
            // Its last use seems to be in the future, so it is not silent before that.
            host.clock.pass(HOUR - 4 * MINUTE);
            assert_eq!(host.code_of(1, &old).await, "VALID");
            host.clock.pass(6 * MINUTE - 1);
            host.sweep().await;
            assert!(host.has_previous(id).await);
        }
        host.clock.pass(1);
        host.sweep().await;
        assert!(!host.has_previous(id).await, "{step}");
        for back in [-step, step] {
            host.step(back).await;
            for replica in 0..2 {
                assert_eq!(host.code_of(replica, &old).await, "VALUE_RETIRED", "{step} {back}");
            }
        }
    }
}

#[tokio::test]
async fn on_sqlite_r15_after_a_step_of_the_clock_a_value_is_not_retired_early_before_it_was_silent_by_the_new_one() {
    let database = TestDatabase::sqlite();
    let host = Host::start(&database).await;
    let (id, old) = host.switched(OverlapEnd::OnTime).await;
    host.clock.pass(MINUTE);
    assert_eq!(host.code_of(0, &old).await, "VALID");
    host.step(HOUR).await;
    let end = async |replica: usize| {
        let ended = host.replicas[replica].end_overlap(&host.caller(replica).await, &id.to_string(), false).await;
        ended.map(drop).map_err(|err| matches!(err, Error::StillInUse(_)))
    };
    host.clock.pass(5 * MINUTE - 1);
    for replica in 0..2 {
        assert_eq!(end(replica).await, Err(true));
    }
    host.clock.pass(1);
    assert_eq!(end(1).await, Ok(()));
    assert_eq!(host.code_of(0, &old).await, "VALUE_RETIRED");
}
