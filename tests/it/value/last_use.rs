//! What a use of a value leaves behind: the first one at once, later ones within a minute.

use rotakey::domain::restriction::Source;
use rotakey::domain::rule::verification::RequiredScopes;
use rotakey::service::{CreateRequest, RequestContext};
use sea_orm::ConnectionTrait;

use crate::support::clock::{MINUTE, SECOND, START};
use crate::support::database::TestDatabase;
use crate::support::replica::{Replica, hide, named, start};

#[tokio::test]
async fn r5_the_first_use_of_a_cached_value_is_written() {
    let database = TestDatabase::new().await;
    let (here, admin, _listener) = start(&database).await;
    let admin = here.caller(&admin).await;
    let mut draft = named("n");
    draft.change.allowed_cidr_blocks = Some(vec!["10.0.0.0/8".into()]);
    let issued = here.service.create(&admin, CreateRequest { draft, ..CreateRequest::default() }).await.unwrap();
    let (id, value) = (issued.view.token.id, issued.value.expose());
    // Remembered as one that was never used.
    assert_eq!(here.code_of(value).await, "ADDRESS_REFUSED");
    let source = Source { address: Some("10.0.0.1".parse().unwrap()), origin: None };
    let visit = RequestContext { source, ..RequestContext::default() };
    let none = RequiredScopes::default();
    let verify = || here.service.verify(value, &none, &visit);
    hide(&database, true).await;
    assert_eq!(verify().await.unwrap_err().code().as_str(), "INTERNAL");
    hide(&database, false).await;
    assert!(verify().await.unwrap().is_valid());
    assert_eq!(here.store.find_token(id).await.unwrap().unwrap().current.first_used_at, Some(here.now()));
}

#[tokio::test]
async fn later_uses_are_shown_immediately_written_together_and_not_lost_by_a_failure_or_a_stop() {
    let database = TestDatabase::new().await;
    let (here, admin, _listener) = start(&database).await;
    let admin = here.caller(&admin).await;
    let (one, two) = (here.used(&admin, named("one")).await, here.used(&admin, named("two")).await);
    for offset in [30 * SECOND - 1, 30 * SECOND, MINUTE - 1] {
        here.clock.set(offset);
        for token in [&one, &two] {
            // What is cached is not replaced at each use; a token that is read has the last one.
            let verification = here.verify(&token.value).await.unwrap();
            let reported = verification.token.unwrap().token.last_used_at.unwrap().unix_millis() - START;
            assert!((0..30 * SECOND).contains(&(offset - reported)), "{reported} at {offset}");
            let read = here.service.get(&admin, &token.id.to_string()).await.unwrap();
            assert_eq!(read.token.last_used_at.unwrap().unix_millis() - START, offset);
            assert_eq!(here.last_use(token.id).await, Some(0), "not yet written");
        }
    }
    let rename = async |from: &str, to: &str| {
        let connection = database.connect().await;
        connection.execute_unprepared(&format!("ALTER TABLE {from} RENAME TO {to}")).await.unwrap();
    };
    rename("api_token", "away").await;
    here.service.write_uses().await.unwrap_err();
    rename("away", "api_token").await;
    here.service.write_uses().await.unwrap();
    for token in [&one, &two] {
        assert_eq!(here.last_use(token.id).await, Some(MINUTE - 1));
    }

    // What another replica knows of a later use stays.
    let there = Replica::on(&database, 2).await;
    here.clock.set(MINUTE);
    there.clock.set(2 * MINUTE);
    assert_eq!(here.code_of(&one.value).await, "VALID");
    assert_eq!(here.code_of(&two.value).await, "VALID");
    assert_eq!(there.code_of(&two.value).await, "VALID");
    there.service.close().await.unwrap();
    here.service.close().await.unwrap();
    let after = Replica::on(&database, 3).await;
    assert_eq!(after.last_use(one.id).await, Some(MINUTE));
    assert_eq!(after.last_use(two.id).await, Some(2 * MINUTE));
}

#[tokio::test]
async fn a_later_use_invalidates_no_cache_entry_and_needs_no_database() {
    let database = TestDatabase::new().await;
    let (here, admin, _listener) = start(&database).await;
    let caller = here.caller(&admin).await;
    let token = here.used(&caller, named("n")).await;
    here.clock.set(MINUTE);
    let _listener = here.contact().await;
    let stamp = here.store.stamp();
    assert_eq!(here.code_of(&token.value).await, "VALID");
    here.service.write_uses().await.unwrap();
    assert_eq!(here.last_use(token.id).await, Some(MINUTE));
    assert!(here.store.is_fresh(token.id, stamp));
    hide(&database, true).await;
    here.clock.set(MINUTE + 5 * SECOND);
    assert_eq!(here.code_of(&token.value).await, "VALID");
}
