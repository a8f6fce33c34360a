//! The table by which replicas on PostgreSQL announce changes to each other. SQLite has no such table.

use std::time::Duration;

use rotakey::domain::audit::Action;
use rotakey::domain::id::{EventId, TokenId};
use rotakey::domain::timestamp::Timestamp;
use rotakey::store::{AuditMessage, ChangeListener, Store};
use sea_orm::sqlx::postgres::PgListener;
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement, TransactionTrait};
use tokio::time::timeout;

use crate::support::clock::START;
use crate::support::database::TestDatabase;
use crate::support::replica::Replica;

/// A database with its tables.
async fn migrated() -> TestDatabase {
    let database = TestDatabase::postgres().await;
    Store::connect(&database.url).await.unwrap().migrate().await.unwrap();
    database
}

/// A replica whose tokens do not exist: it knows only what is announced.
struct Polling {
    store: Store,
    listener: ChangeListener,
}

impl Polling {
    async fn on(database: &TestDatabase) -> Self {
        let store = Store::connect(&database.url).await.unwrap();
        let listener = store.listen().await.unwrap();
        Self { store, listener }
    }

    /// Which of these tokens the next poll invalidates.
    async fn invalidated(&mut self, tokens: &[TokenId]) -> Vec<TokenId> {
        let stamp = self.store.stamp();
        self.listener.wait_and_poll().await.unwrap();
        tokens.iter().copied().filter(|id| !self.store.is_fresh(*id, stamp)).collect()
    }
}

fn token(number: u8) -> TokenId {
    TokenId::new(Timestamp::from_unix_millis(START), [number; 10])
}

async fn announce(connection: &impl ConnectionTrait, id: TokenId) {
    connection.execute_unprepared(&format!("INSERT INTO change (ids) VALUES ('{id}')")).await.unwrap();
}

#[tokio::test]
#[ignore = "needs PostgreSQL: run ./tests/with-postgres"]
async fn on_postgres_r10_a_change_that_commits_out_of_order_is_seen_once_like_every_other() {
    let database = migrated().await;
    let (mut here, beside) = (Polling::on(&database).await, database.connect().await);
    let all = [token(1), token(2), token(3), token(4)];
    let slow = beside.begin().await.unwrap();
    announce(&slow, token(1)).await;
    let undone = beside.begin().await.unwrap();
    announce(&undone, token(2)).await;
    announce(&beside, token(3)).await;
    assert_eq!(here.invalidated(&all).await, [token(3)]);
    undone.rollback().await.unwrap();
    assert_eq!(here.invalidated(&all).await, []);
    // It begins later than the slow one and ends before it, between two polls.
    announce(&beside, token(4)).await;
    slow.commit().await.unwrap();
    assert_eq!(here.invalidated(&all).await, [token(1), token(4)]);
    assert_eq!(here.invalidated(&all).await, []);
}

#[tokio::test]
#[ignore = "needs PostgreSQL: run ./tests/with-postgres"]
async fn on_postgres_r10_a_change_without_a_notification_is_seen_within_a_second() {
    let database = migrated().await;
    let (mut here, beside) = (Polling::on(&database).await, database.connect().await);
    for number in 1..4 {
        announce(&beside, token(number)).await;
        let invalidated = timeout(Duration::from_secs(1), here.invalidated(&[token(number)])).await;
        assert_eq!(invalidated, Ok(vec![token(number)]));
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL: run ./tests/with-postgres"]
async fn on_postgres_a_commit_notifies_the_other_replicas() {
    let database = migrated().await;
    let here = Replica::on(&database, 1).await;
    let mut listener = PgListener::connect(&database.direct_url).await.unwrap();
    listener.listen("rotakey").await.unwrap();
    for _ in 0..2 {
        here.service.bootstrap().await.unwrap();
        let woken = timeout(Duration::from_secs(10), listener.recv()).await.unwrap();
        assert_eq!(woken.unwrap().payload(), "");
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL: run ./tests/with-postgres"]
async fn on_postgres_an_event_that_only_a_newer_version_knows_reaches_subscribers() {
    let database = migrated().await;
    let (mut here, beside) = (Polling::on(&database).await, database.connect().await);
    let (mut messages, stamp) = (here.store.subscribe_to_audit_log(), here.store.stamp());
    let (id, event) = (token(1), EventId::new(Timestamp::from_unix_millis(START), [2; 10]));
    let sql = format!(
        "INSERT INTO audit_event (id, at, action, result, actor, token_id)
         VALUES ('{event}', {START}, 'API_TOKEN_NEWER', 'NEWER', 'usr_1', '{id}');
         INSERT INTO change (ids) VALUES ('{id} {event}')"
    );
    beside.execute_unprepared(&sql).await.unwrap();
    here.listener.wait_and_poll().await.unwrap();
    assert!(!here.store.is_fresh(id, stamp));
    let AuditMessage::Event(read) = messages.try_recv().unwrap() else { panic!("contact was lost") };
    assert_eq!((read.id, read.action, read.actor), (event, Action::Unknown, None));
}

#[tokio::test]
#[ignore = "needs PostgreSQL: run ./tests/with-postgres"]
async fn on_postgres_a_subscriber_gets_what_is_committed_after_it_subscribed_and_nothing_else() {
    let database = migrated().await;
    let here = Replica::on(&database, 1).await;
    let mut listener = here.store.listen().await.unwrap();
    for _ in 0..2 {
        here.service.bootstrap().await.unwrap();
        let mut feed = here.store.subscribe_to_audit_log();
        let (caught_up, polled) = tokio::join!(here.store.catch_up(&mut feed), listener.wait_and_poll());
        assert!(caught_up && polled.is_ok());
        let next = here.service.bootstrap().await.unwrap().view.token.id;
        listener.wait_and_poll().await.unwrap();
        assert!(matches!(feed.try_recv(), Ok(AuditMessage::Event(event)) if event.token_id == Some(next)));
        assert!(feed.try_recv().is_err());
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL: run ./tests/with-postgres"]
async fn on_postgres_only_changes_that_every_replica_has_seen_are_deleted() {
    let database = migrated().await;
    let here = Replica::on(&database, 1).await;
    let beside = database.connect().await;
    for _ in 0..2 {
        for seconds in [0, 595, 601, 3_600] {
            let sql = format!(
                "INSERT INTO change (at, ids) VALUES (clock_timestamp() - interval '{seconds} seconds', '{seconds}')"
            );
            beside.execute_unprepared(&sql).await.unwrap();
        }
        here.service.sweep().await.unwrap();
        assert_eq!(announced(&beside).await, ["0", "595"]);
        beside.execute_unprepared("DELETE FROM change").await.unwrap();
    }
}

async fn announced(connection: &DatabaseConnection) -> Vec<String> {
    let sql = Statement::from_string(DbBackend::Postgres, "SELECT ids FROM change ORDER BY seq");
    let rows = connection.query_all_raw(sql).await.unwrap();
    rows.into_iter().map(|row| row.try_get_by_index(0).unwrap()).collect()
}

#[tokio::test]
#[ignore = "needs PostgreSQL: run ./tests/with-postgres"]
async fn on_postgres_r10_a_replica_that_has_not_polled_for_more_than_a_minute_has_lost_contact() {
    let database = migrated().await;
    let beside = database.connect().await;
    // A clock that the test can move, in the place of the database's own.
    let sql = "CREATE TABLE shift (by interval);
               INSERT INTO shift VALUES ('0');
               CREATE FUNCTION clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE
               AS 'SELECT pg_catalog.clock_timestamp() + by FROM shift';
               DO $$ BEGIN
               EXECUTE 'ALTER DATABASE ' || current_database() || ' SET search_path = public, pg_catalog';
               END $$;
               SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
               WHERE datname = current_database() AND pid <> pg_backend_pid()";
    // A connection pooler has connections with the settings of before.
    beside.execute_unprepared(sql).await.unwrap();
    let mut here = Polling::on(&database).await;
    for (seconds, in_contact) in [(0, true), (50, true), (70, false)] {
        beside.execute_unprepared(&format!("UPDATE shift SET by = '{seconds} seconds'")).await.unwrap();
        assert_eq!(here.listener.wait_and_poll().await.is_ok(), in_contact, "{seconds}");
    }
}
