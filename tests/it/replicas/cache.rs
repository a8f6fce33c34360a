//! The cache of presented values: it answers as the database would, only faster, and for ten seconds
//! after the database has gone.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rotakey::domain::id::TokenId;
use rotakey::domain::reason::ReasonDraft;
use rotakey::domain::restriction::Source;
use rotakey::domain::rule::verification::RequiredScopes;
use rotakey::domain::timestamp::Timestamp;
use rotakey::domain::token::{SettingsChange, SettingsDraft, TokenKind};
use rotakey::domain::value::Value;
use rotakey::service::{Caller, CreateRequest, Policy, RequestContext, RotateRequest};
use tokio::task::JoinSet;

use crate::support::clock::{MINUTE, SECOND, START};
use crate::support::database::TestDatabase;
use crate::support::deadline::{DEADLINE, within};
use crate::support::replica::{Replica, hide, named, start};

/// Changes a token in every way that decides about its first value: what that value is after each.
async fn change(replica: &Replica, admin: &Caller, id: TokenId, what: &str) -> &'static str {
    let text = id.to_string();
    match what {
        "restricted" => {
            let blocks = Some(vec!["10.0.0.0/8".to_owned()]);
            let change = SettingsChange { allowed_cidr_blocks: blocks, ..SettingsChange::default() };
            replica.service.update(admin, &text, change).await.unwrap();
            "ADDRESS_REFUSED"
        }
        "rotated" => {
            let request =
                RotateRequest { id: Some(text), overlap_minutes: Some(0), force: true, ..RotateRequest::default() };
            replica.service.rotate(admin, &request).await.unwrap();
            "VALUE_RETIRED"
        }
        "overlap ended" => {
            let request = RotateRequest { id: Some(text.clone()), ..RotateRequest::default() };
            replica.service.rotate(admin, &request).await.unwrap();
            replica.service.end_overlap(admin, &text, true).await.unwrap();
            "VALUE_RETIRED"
        }
        "suspended" => {
            replica.service.suspend(admin, &text, ReasonDraft::default()).await.unwrap();
            "TOKEN_SUSPENDED"
        }
        _ => {
            replica.service.revoke(admin, &text, ReasonDraft::default()).await.unwrap();
            "TOKEN_REVOKED"
        }
    }
}

const CHANGES: [&str; 5] = ["restricted", "rotated", "overlap ended", "suspended", "revoked"];

#[tokio::test]
async fn r10_a_change_decides_the_next_request_here_and_the_one_after_the_poll_elsewhere() {
    let database = TestDatabase::new().await;
    let (here, admin, _listener) = start(&database).await;
    let there = Replica::on(&database, 2).await;
    let mut listener = there.contact().await;
    let admin = here.caller(&admin).await;
    for what in CHANGES {
        let token = here.used(&admin, named(what)).await;
        // On SQLite, a commit of another process invalidates everything.
        listener.wait_and_poll().await.unwrap();
        for replica in [&here, &there] {
            assert_eq!(replica.code_of(&token.value).await, "VALID");
        }
        let code = change(&here, &admin, token.id, what).await;
        assert_eq!(here.code_of(&token.value).await, code, "{what}, here");
        assert_eq!(there.code_of(&token.value).await, "VALID", "{what}: it was remembered");
        listener.wait_and_poll().await.unwrap();
        assert_eq!(there.code_of(&token.value).await, code, "{what}, there");
    }
}

#[tokio::test]
async fn a_cached_value_meets_every_deadline() {
    let database = TestDatabase::new().await;
    let (here, admin, _listener) = start(&database).await;
    let admin = here.caller(&admin).await;
    let end = 10 * MINUTE;
    let expires_at = Some(Timestamp::from_unix_millis(START + end));
    let expiring = here.used(&admin, SettingsDraft { expires_at, ..named("expires") }).await;
    let overdue =
        here.used(&admin, SettingsDraft { rotation_period_minutes: Some(Some(10)), ..named("overdue") }).await;
    let replaced = here.used(&admin, named("replaced")).await;
    let request = RotateRequest { id: Some(replaced.id.to_string()), ..RotateRequest::default() };
    let current = here.service.rotate(&admin, &request).await.unwrap().value.expose().to_owned();
    here.clock.set(end - SECOND);
    let _listener = here.contact().await;
    let codes = [
        (expiring.value.as_str(), "TOKEN_EXPIRED"),
        (&overdue.value, "ROTATION_OVERDUE"),
        (&replaced.value, "VALUE_RETIRED"),
        (&current, "VALID"),
    ];
    // Twice, because a first use is read again after it was written.
    for (value, _) in codes.iter().chain(&codes) {
        assert_eq!(here.code_of(value).await, "VALID");
    }
    hide(&database, true).await;
    for (offset, over) in [(-1, false), (0, true), (1, true)] {
        here.clock.set(end + offset);
        for (value, code) in codes {
            assert_eq!(here.code_of(value).await, if over { code } else { "VALID" }, "{code} {offset}");
        }
    }
}

#[tokio::test]
async fn r12_a_cached_value_is_judged_by_the_source_of_each_request() {
    let database = TestDatabase::new().await;
    let (here, admin, _listener) = start(&database).await;
    let admin = here.caller(&admin).await;
    let token = here.used(&admin, named("n")).await;
    change(&here, &admin, token.id, "restricted").await;
    assert_eq!(here.code_of(&token.value).await, "ADDRESS_REFUSED");
    hide(&database, true).await;
    for (address, code) in [("10.0.0.1", "VALID"), ("11.0.0.1", "ADDRESS_REFUSED"), ("10.0.0.2", "VALID")] {
        let source = Source { address: Some(address.parse().unwrap()), origin: None };
        let visit = RequestContext { source, ..RequestContext::default() };
        let verification = here.service.verify(&token.value, &RequiredScopes::default(), &visit).await.unwrap();
        assert_eq!(verification.code.as_str(), code, "{address}");
    }
}

#[tokio::test]
async fn r10_the_cache_answers_for_ten_seconds_without_the_database_and_no_longer() {
    let database = TestDatabase::new().await;
    let (here, admin, _listener) = start(&database).await;
    let caller = here.caller(&admin).await;
    let token = here.used(&caller, named("n")).await;
    assert_eq!(here.code_of(&token.value).await, "VALID");
    let unused = here.service.create(&caller, CreateRequest { draft: named("unused"), ..CreateRequest::default() });
    let unused = unused.await.unwrap().value;
    here.store.clone().close().await.unwrap();
    for (offset, code) in [(0, "VALID"), (10 * SECOND - 1, "VALID"), (10 * SECOND, "UNAVAILABLE")] {
        here.clock.set(offset);
        assert_eq!(here.code_of(&token.value).await, code, "{offset}");
        assert_eq!(here.code_of(unused.expose()).await, "UNAVAILABLE", "never read");
    }
}

#[tokio::test]
async fn an_unknown_value_is_looked_up_once_in_ten_seconds() {
    let database = TestDatabase::new().await;
    let (here, _, _listener) = start(&database).await;
    let value = Value::from_entropy(TokenKind::Private, &[9; 32]);
    assert_eq!(here.code_of(value.expose()).await, "UNAUTHENTICATED");
    here.clock.set(5 * SECOND);
    let _listener = here.contact().await;
    hide(&database, true).await;
    for (offset, code) in
        [(5 * SECOND, "UNAUTHENTICATED"), (10 * SECOND - 1, "UNAUTHENTICATED"), (10 * SECOND, "INTERNAL")]
    {
        here.clock.set(offset);
        assert_eq!(here.code_of(value.expose()).await, code, "{offset}");
    }
}

#[tokio::test]
async fn r8_the_reuse_of_a_cached_value_is_recorded() {
    let database = TestDatabase::new().await;
    let (here, admin, _listener) = start(&database).await;
    let admin = here.caller(&admin).await;
    let token = here.used(&admin, named("n")).await;
    change(&here, &admin, token.id, "rotated").await;
    let reuses = async || {
        let events = here.service.events(&admin, Default::default()).await.unwrap().edges;
        events.into_iter().filter(|(_, event)| event.action.as_str() == "API_TOKEN_VALUE_REUSED").count()
    };
    for (offset, count) in [(0, 1), (MINUTE - 1, 1), (MINUTE, 2)] {
        here.clock.set(offset);
        let _listener = here.contact().await;
        for _ in 0..2 {
            assert_eq!(here.code_of(&token.value).await, "VALUE_RETIRED");
        }
        assert_eq!(reuses().await, count, "{offset}");
    }
}

#[tokio::test]
async fn the_cache_holds_no_more_values_than_its_setting() {
    for max in [0, 4] {
        let database = TestDatabase::new().await;
        let here = Replica::with(&database, 1, Policy { cached_values: max, ..Policy::default() }).await;
        let admin = here.service.bootstrap().await.unwrap().value.expose().to_owned();
        let _listener = here.contact().await;
        let admin = here.caller(&admin).await;
        let mut tokens = Vec::new();
        for number in 0..12 {
            tokens.push(here.used(&admin, named(&format!("n{number}"))).await);
        }
        for token in &tokens {
            assert_eq!(here.code_of(&token.value).await, "VALID");
        }
        hide(&database, true).await;
        let mut remembered = 0;
        for token in &tokens {
            remembered += u32::from(here.code_of(&token.value).await == "VALID");
        }
        assert!(remembered <= max && (remembered > 0) == (max > 0), "{remembered} of {max}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn r10_no_answer_from_the_cache_is_older_than_what_was_acknowledged() {
    let database = TestDatabase::new().await;
    let (here, admin, _listener) = start(&database).await;
    let here = Arc::new(here);
    let caller = here.caller(&admin).await;
    let token = here.used(&caller, named("0")).await;
    let acknowledged = Arc::new(AtomicUsize::new(0));
    const ROUNDS: usize = 40;
    let mut readers = JoinSet::new();
    for _ in 0..4 {
        let (here, acknowledged, value) = (here.clone(), acknowledged.clone(), token.value.clone());
        readers.spawn(async move {
            loop {
                let owed = acknowledged.load(Ordering::SeqCst);
                let view = here.verify(&value).await.unwrap().token.unwrap();
                let known: usize = view.token.settings.name.parse().unwrap();
                assert!(known >= owed, "{known} was answered after {owed} was acknowledged");
                if known == ROUNDS {
                    return;
                }
                tokio::task::yield_now().await;
            }
        });
    }
    for number in 1..=ROUNDS {
        let change = SettingsChange { name: Some(number.to_string()), ..SettingsChange::default() };
        here.service.update(&caller, &token.id.to_string(), change).await.unwrap();
        acknowledged.store(number, Ordering::SeqCst);
    }
    within(DEADLINE, "the last update at every reader", readers.join_all()).await;
}
