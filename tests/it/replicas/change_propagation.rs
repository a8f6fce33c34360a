//! A change that one replica commits reaches the others: their caches, and the subscribers of the audit log.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rotakey::clock::Clock;
use rotakey::domain::id::TokenId;
use rotakey::domain::reason::ReasonDraft;
use rotakey::domain::timestamp::Timestamp;
use rotakey::domain::token::{SettingsChange, SettingsDraft};
use rotakey::domain::value::ValueHash;
use rotakey::service::{Caller, CreateRequest, Policy, RequestContext, RotateRequest, Service};
use rotakey::store::{AuditMessage, ChangeListener, Stamp, Store};
use sea_orm::ConnectionTrait;
use tokio::sync::broadcast::Receiver;
use tokio::task::JoinSet;

use crate::support::clock::{ManualClock, SECOND};
use crate::support::database::TestDatabase;
use crate::support::deadline::{DEADLINE, soon, until, within};
use crate::support::entropy::SeededEntropy;

/// The use cases of one replica over a store that the test can look into.
struct Replica {
    store: Store,
    service: Service,
    clock: Arc<ManualClock>,
}

impl Replica {
    async fn on(database: &TestDatabase, seed: u64) -> Self {
        let store = Store::connect(&database.url).await.unwrap();
        store.migrate().await.unwrap();
        let (clock, entropy) = (Arc::new(ManualClock::new()), Arc::new(SeededEntropy::new(seed)));
        let service = Service::open(store.clone(), clock.clone(), entropy, Policy::default()).await.unwrap();
        Self { store, service, clock }
    }

    async fn caller(&self, value: &str) -> Caller {
        self.service.authenticate(value, RequestContext::default()).await.unwrap()
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_unix_millis(self.clock.now_unix_millis())
    }

    /// A listener that has polled all there was.
    async fn listener(&self) -> ChangeListener {
        let mut listener = self.store.listen().await.unwrap();
        listener.wait_and_poll().await.unwrap();
        listener.wait_and_poll().await.unwrap();
        listener
    }
}

/// The actions of this many events.
async fn actions(feed: &mut Receiver<AuditMessage>, count: usize) -> Vec<&'static str> {
    let mut actions = Vec::new();
    while actions.len() < count {
        match soon(feed.recv()).await.unwrap() {
            AuditMessage::Event(event) => actions.push(event.action.as_str()),
            AuditMessage::ContactLost => actions.push("LOST"),
        }
    }
    actions
}

fn named(name: &str) -> CreateRequest {
    CreateRequest { draft: SettingsDraft::new(name), ..CreateRequest::default() }
}

fn rename(name: &str) -> SettingsChange {
    SettingsChange { name: Some(name.to_owned()), ..SettingsChange::default() }
}

/// Makes every change that can decide about a value, and does something after each.
async fn change_in_every_way(here: &Replica, admin: &str, mut each: impl AsyncFnMut(&str, TokenId)) {
    let caller = here.caller(admin).await;
    let made = here.service.create(&caller, named("n")).await.unwrap();
    let (id, text) = (made.view.token.id, made.view.token.id.to_string());
    each("created", id).await;
    here.caller(made.value.expose()).await;
    each("first used", id).await;
    here.service.update(&caller, &text, rename("m")).await.unwrap();
    each("updated", id).await;
    let request = RotateRequest { id: Some(text.clone()), ..RotateRequest::default() };
    let rotated = here.service.rotate(&caller, &request).await.unwrap();
    each("rotated", id).await;
    here.caller(rotated.value.expose()).await;
    each("new value first used", id).await;
    here.service.end_overlap(&caller, &text, true).await.unwrap();
    each("overlap ended", id).await;
    here.service.suspend(&caller, &text, ReasonDraft::default()).await.unwrap();
    each("suspended", id).await;
    here.service.resume(&caller, &text).await.unwrap();
    each("resumed", id).await;
    here.service.revoke(&caller, &text, ReasonDraft::default()).await.unwrap();
    each("revoked", id).await;
}

#[tokio::test]
async fn r10_a_change_invalidates_earlier_reads_when_it_returns_and_within_a_second_elsewhere() {
    let database = TestDatabase::new().await;
    let (here, there) = (Replica::on(&database, 1).await, Replica::on(&database, 2).await);
    let admin = here.service.bootstrap().await.unwrap().value.expose().to_owned();
    let mut listener = there.listener().await;
    let mut stamps = (here.store.stamp(), there.store.stamp());
    let mut changed = None;
    change_in_every_way(&here, &admin, async |what, id| {
        assert!(!here.store.is_fresh(id, stamps.0), "{what}, here");
        listener.wait_and_poll().await.unwrap();
        assert!(!there.store.is_fresh(id, stamps.1), "{what}, there");
        stamps = (here.store.stamp(), there.store.stamp());
        changed = Some(id);
    })
    .await;
    // And nothing more comes of it.
    listener.wait_and_poll().await.unwrap();
    let id = changed.unwrap();
    assert!(here.store.is_fresh(id, stamps.0) && there.store.is_fresh(id, stamps.1));
}

#[tokio::test]
async fn a_later_use_a_rollback_and_changes_to_other_tokens_invalidate_nothing() {
    let database = TestDatabase::new().await;
    let here = Replica::on(&database, 1).await;
    let issued = here.service.bootstrap().await.unwrap();
    let (id, admin) = (issued.view.token.id, issued.value.expose());
    let caller = here.caller(admin).await;
    let mut listener = here.listener().await;
    let stamp = here.store.stamp();
    here.service.create(&caller, named("other")).await.unwrap();
    here.clock.advance(61 * SECOND);
    here.caller(admin).await;
    here.service.write_uses().await.unwrap();
    assert_eq!(here.store.find_token(id).await.unwrap().unwrap().last_used_at, Some(here.now()));
    let undone = here.store.begin().await.unwrap();
    undone.revoke(id, here.now()).await.unwrap();
    drop(undone);
    here.store.begin().await.unwrap().commit().await.unwrap();
    listener.wait_and_poll().await.unwrap();
    assert!(here.store.is_fresh(id, stamp));
}

#[tokio::test]
async fn a_commit_is_published_although_its_caller_has_gone() {
    let database = TestDatabase::new().await;
    let here = Replica::on(&database, 1).await;
    let id = here.service.bootstrap().await.unwrap().view.token.id;
    let stamp = here.store.stamp();
    let transaction = here.store.begin().await.unwrap();
    transaction.revoke(id, here.now()).await.unwrap();
    {
        // Asked once and let go of, as by a client that hangs up.
        let mut commit = Box::pin(transaction.commit());
        let waker = std::task::Waker::noop();
        assert!(commit.as_mut().poll(&mut std::task::Context::from_waker(waker)).is_pending());
    }
    if database.is_sqlite() {
        // The next write waits until that is published.
        here.store.begin().await.unwrap().commit().await.unwrap();
    } else {
        let next = here.store.begin().await.unwrap();
        next.find_to_change(id, None).await.unwrap();
        next.commit().await.unwrap();
        here.listener().await;
    }
    assert!(here.store.find_token(id).await.unwrap().unwrap().revoked_at.is_some());
    assert!(!here.store.is_fresh(id, stamp));
}

#[tokio::test]
async fn every_event_reaches_a_subscriber_once_and_in_the_order_of_the_commits() {
    let database = TestDatabase::new().await;
    let here = Replica::on(&database, 1).await;
    let admin = here.service.bootstrap().await.unwrap().value.expose().to_owned();
    let mut listener = here.listener().await;
    let mut feed = here.store.subscribe_to_audit_log();
    change_in_every_way(&here, &admin, async |_, _| {}).await;
    let expected = ["CREATED", "UPDATED", "ROTATED", "OVERLAP_ENDED", "SUSPENDED", "RESUMED", "REVOKED"]
        .map(|word| format!("API_TOKEN_{word}"));
    listener.wait_and_poll().await.unwrap();
    assert_eq!(actions(&mut feed, expected.len()).await, expected);

    // Many at once: as many as were committed, each once, and those of one token in its order.
    let here = Arc::new(here);
    let mut writers = JoinSet::new();
    for number in 0..8 {
        let (here, admin) = (here.clone(), admin.clone());
        writers.spawn(async move {
            let caller = here.caller(&admin).await;
            let id =
                here.service.create(&caller, named(&format!("n{number}"))).await.unwrap().view.token.id.to_string();
            for round in 0..5 {
                here.service.update(&caller, &id, rename(&format!("n{number} {round}"))).await.unwrap();
            }
            here.service.revoke(&caller, &id, ReasonDraft::default()).await.unwrap();
        });
    }
    writers.join_all().await;
    listener.wait_and_poll().await.unwrap();
    let mut reported: HashMap<TokenId, Vec<&str>> = HashMap::new();
    let mut seen = std::collections::HashSet::new();
    for _ in 0..8 * 7 {
        let AuditMessage::Event(event) = feed.try_recv().unwrap() else { panic!("contact was lost") };
        assert!(seen.insert(event.id));
        reported.entry(event.token_id.unwrap()).or_default().push(event.action.as_str());
    }
    assert!(feed.try_recv().is_err());
    let updates = std::iter::repeat_n("API_TOKEN_UPDATED", 5);
    let life: Vec<&str> =
        std::iter::once("API_TOKEN_CREATED").chain(updates).chain(std::iter::once("API_TOKEN_REVOKED")).collect();
    assert!(reported.len() == 8 && reported.values().all(|actions| *actions == life), "{reported:?}");
}

#[tokio::test]
async fn a_subscriber_gets_events_of_every_replica_on_postgresql_and_of_its_own_process_on_sqlite() {
    let database = TestDatabase::new().await;
    let (here, there) = (Replica::on(&database, 1).await, Replica::on(&database, 2).await);
    let mut listener = there.listener().await;
    let mut feed = there.store.subscribe_to_audit_log();
    here.service.bootstrap().await.unwrap();
    listener.wait_and_poll().await.unwrap();
    there.service.bootstrap().await.unwrap();
    listener.wait_and_poll().await.unwrap();
    let expected = if database.is_sqlite() { 1 } else { 2 };
    assert_eq!(actions(&mut feed, expected).await, vec!["API_TOKEN_CREATED"; expected]);
    assert!(feed.try_recv().is_err());
}

#[tokio::test]
async fn lost_contact_is_reported_and_earlier_reads_are_stale_once_it_is_regained() {
    let database = TestDatabase::new().await;
    let here = Replica::on(&database, 1).await;
    let id = here.service.bootstrap().await.unwrap().view.token.id;
    let mut listener = here.listener().await;
    let (stamp, mut feed) = (here.store.stamp(), here.store.subscribe_to_audit_log());
    if database.is_sqlite() {
        here.store.clone().close().await.unwrap();
    } else {
        let others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                      WHERE datname = current_database() AND pid <> pg_backend_pid()";
        let beside = database.connect().await;
        beside.execute_unprepared(others).await.unwrap();
        if database.is_pooled() {
            // A connection pooler opens others, so the next poll must fail by itself.
            beside.execute_unprepared("ALTER TABLE change RENAME TO unreadable").await.unwrap();
        }
    }
    listener.wait_and_poll().await.unwrap_err();
    if database.is_pooled() {
        let renamed = "ALTER TABLE unreadable RENAME TO change";
        database.connect().await.execute_unprepared(renamed).await.unwrap();
    }
    here.store.lose_contact();
    assert!(matches!(soon(feed.recv()).await.unwrap(), AuditMessage::ContactLost));
    assert!(here.store.is_fresh(id, stamp), "it may be believed for as long as R10 allows");
    here.store.listen().await.unwrap();
    assert!(!here.store.is_fresh(id, stamp));
}

#[tokio::test]
async fn r10_contact_is_kept_while_the_database_answers_and_is_over_ten_seconds_after() {
    let database = TestDatabase::new().await;
    let here = Replica::on(&database, 1).await;
    assert!(!here.service.in_contact(here.now()), "before the first poll");
    let mut listener = here.listener().await;
    let keeping = tokio::spawn(here.service.clone().keep_contact());
    let in_contact = async || {
        listener.wait_and_poll().await.unwrap();
        here.service.in_contact(here.now())
    };
    until("contact", in_contact).await;
    keeping.abort();
    let now = here.now();
    assert!(here.service.in_contact(now.plus_seconds(9)));
    assert!(!here.service.in_contact(now.plus_seconds(10)));
}

#[tokio::test(flavor = "multi_thread")]
async fn r10_a_cache_by_stamps_never_answers_with_less_than_was_acknowledged() {
    let database = TestDatabase::new().await;
    let here = Arc::new(Replica::on(&database, 1).await);
    let issued = here.service.bootstrap().await.unwrap();
    let (id, hash) = (issued.view.token.id, issued.value.hash());
    let acknowledged = Arc::new(AtomicUsize::new(0));
    const ROUNDS: usize = 60;
    let mut readers = JoinSet::new();
    for _ in 0..4 {
        let (here, acknowledged) = (here.clone(), acknowledged.clone());
        readers.spawn(async move {
            let mut remembered: Option<(usize, Stamp)> = None;
            let mut from_memory = 0;
            loop {
                let owed = acknowledged.load(Ordering::SeqCst);
                let known = match remembered.filter(|(_, stamp)| here.store.is_fresh(id, *stamp)) {
                    Some((known, _)) => {
                        from_memory += 1;
                        known
                    }
                    None => {
                        let stamp = here.store.stamp();
                        let known = round(&here.store, &hash).await;
                        remembered = Some((known, stamp));
                        known
                    }
                };
                assert!(known >= owed, "{known} was answered after {owed} was acknowledged");
                if known == ROUNDS {
                    return from_memory;
                }
                tokio::task::yield_now().await;
            }
        });
    }
    let caller = here.caller(issued.value.expose()).await;
    for number in 1..=ROUNDS {
        here.service.update(&caller, &id.to_string(), rename(&number.to_string())).await.unwrap();
        acknowledged.store(number, Ordering::SeqCst);
    }
    let from_memory = within(DEADLINE, "the last update at every reader", readers.join_all()).await;
    assert!(from_memory.into_iter().sum::<usize>() > 0, "nothing was answered from memory");
}

/// The round that the token's name has, looked up as a presented value is.
async fn round(store: &Store, hash: &ValueHash) -> usize {
    let (token, _) = store.find_by_hash(hash).await.unwrap().unwrap();
    token.settings.name.parse().unwrap_or(0)
}
