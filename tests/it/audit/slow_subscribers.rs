//! Following the audit log by the use case: who falls behind, and what a change does not wait for.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::StreamExt;
use rotakey::domain::audit::{Action, AuditEvent, AuditFilter, Provenance};
use rotakey::domain::id::EventId;
use rotakey::domain::reason::Reason;
use rotakey::domain::timestamp::Timestamp;
use rotakey::service::{Policy, RequestContext, Service};
use rotakey::store::Store;

use crate::support::clock::{ManualClock, START};
use crate::support::database::TestDatabase;
use crate::support::deadline::soon;
use crate::support::entropy::SeededEntropy;

/// The use cases over a store that the test can write to.
async fn parts(database: &TestDatabase, policy: Policy) -> (Store, Service) {
    let store = Store::connect(&database.url).await.unwrap();
    store.migrate().await.unwrap();
    let (clock, entropy) = (Arc::new(ManualClock::new()), Arc::new(SeededEntropy::new(0)));
    (store.clone(), Service::open(store, clock, entropy, policy).await.unwrap())
}

async fn append(store: &Store, numbers: std::ops::Range<u32>) {
    let transaction = store.begin().await.unwrap();
    let at = Timestamp::from_unix_millis(START);
    for number in numbers {
        let mut random = [0; 10];
        random[6..].copy_from_slice(&number.to_be_bytes());
        let event = AuditEvent {
            id: EventId::new(at, random),
            at,
            action: Action::SignInRefused,
            refusal: None,
            actor: None,
            token_id: None,
            webhook_id: None,
            mail_digest_id: None,
            generation: Some(number),
            provenance: Provenance::default(),
            reason: Reason::default(),
        };
        transaction.append(&event).await.unwrap();
    }
    transaction.commit().await.unwrap();
}

#[tokio::test]
async fn a_slow_subscriber_gets_an_error_and_others_miss_nothing() {
    let database = TestDatabase::new().await;
    let (store, service) = parts(&database, Policy::default()).await;
    let admin = service.bootstrap().await.unwrap().value.expose().to_owned();
    let keeping = tokio::spawn(service.clone().keep_contact());
    let caller = service.authenticate(&admin, RequestContext::default()).await.unwrap();
    let watch = async || Box::pin(service.subscribe_to_events(&caller, AuditFilter::default()).await.unwrap());
    let (mut slow, mut quick) = (watch().await, watch().await);
    for batch in 0..12 {
        append(&store, batch * 100..(batch + 1) * 100).await;
        for number in batch * 100..(batch + 1) * 100 {
            assert_eq!(soon(quick.next()).await.unwrap().0.unwrap().generation, Some(number));
        }
    }
    let missed = soon(slow.next()).await.unwrap().0.unwrap_err();
    assert!(missed.code().as_str() == "UNAVAILABLE" && missed.to_string().contains("auditEvents lists them"));
    assert!(soon(slow.next()).await.is_none());

    store.lose_contact();
    let lost = soon(quick.next()).await.unwrap().0.unwrap_err();
    assert!(lost.code().as_str() == "UNAVAILABLE" && lost.to_string().contains("auditEvents lists them"));
    assert!(soon(quick.next()).await.is_none());
    keeping.abort();
}

#[tokio::test]
async fn a_change_is_acknowledged_before_all_subscribers_have_its_event() {
    const SUBSCRIBERS: usize = 500;
    let policy = Policy { max_streams_per_token: SUBSCRIBERS as u32, ..Policy::default() };
    let database = TestDatabase::new().await;
    let (store, service) = parts(&database, policy).await;
    let admin = service.bootstrap().await.unwrap().value.expose().to_owned();
    let keeping = tokio::spawn(service.clone().keep_contact());
    let caller = service.authenticate(&admin, RequestContext::default()).await.unwrap();
    let received = Arc::new(AtomicUsize::new(0));
    let mut subscribers = Vec::new();
    for _ in 0..SUBSCRIBERS {
        let events = service.subscribe_to_events(&caller, AuditFilter::default()).await.unwrap();
        let (mut events, received) = (Box::pin(events), received.clone());
        subscribers.push(tokio::spawn(async move {
            let event = soon(events.next()).await.unwrap().0.unwrap();
            received.fetch_add(1, Ordering::Relaxed);
            event.generation
        }));
    }
    // In a task, because the runtime prefers what a test itself waits for.
    let writer = tokio::spawn(async move {
        append(&store, 0..1).await;
        received.load(Ordering::Relaxed)
    });
    let before = writer.await.unwrap();
    assert!(before < SUBSCRIBERS / 2, "{before} subscribers went before the acknowledgement");
    for subscriber in subscribers {
        let received = soon(subscriber).await;
        assert_eq!(received.unwrap(), Some(0));
    }
    keeping.abort();
}

/// On PostgreSQL every replica would read every event from the database again, for no subscriber.
#[tokio::test]
async fn events_are_read_for_subscribers_only() {
    let database = TestDatabase::new().await;
    let (store, service) = parts(&database, Policy::default()).await;
    let admin = service.bootstrap().await.unwrap().value.expose().to_owned();
    let keeping = tokio::spawn(service.clone().keep_contact());
    let caller = service.authenticate(&admin, RequestContext::default()).await.unwrap();
    assert!(!store.has_audit_subscribers(), "before there was one");
    let events = service.subscribe_to_events(&caller, AuditFilter::default()).await.unwrap();
    assert!(store.has_audit_subscribers());
    drop(events);
    assert!(!store.has_audit_subscribers(), "after the last was gone");
    keeping.abort();
}
