//! Upgrading a database that is in use: replicas of the version before go on, others wait.

use std::collections::BTreeSet;
use std::sync::Arc;

use migration::{Migrator, MigratorTrait};
use nix::sys::signal::Signal;
use rotakey::domain::audit::{Action, AuditFilter, EventPage};
use rotakey::domain::id::TokenId;
use rotakey::domain::listing::{End, Filter, MAX_EXAMINED, Order, Page};
use rotakey::domain::rule::lifecycle::Status;
use rotakey::domain::timestamp::Timestamp;
use rotakey::domain::token::{Permission, Scope, TokenKind};
use rotakey::store::Store;
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement, TransactionTrait};

use crate::support::clock::START;
use crate::support::cluster;
use crate::support::database::TestDatabase;
use crate::support::process::{Process, command};

/// The migrations of the version before listings had indexes of their own.
const BEFORE_INDEXES: u32 = 3;

/// What replicas take turns on.
const START_LOCK: i64 = 0x726f_7461_6b65_7901;

const NUMBERS: &str = "WITH RECURSIVE numbers(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM numbers WHERE i < 399)";
/// Of every four one is revoked, one overdue, one expired and one active. Every other one has the owner `big`.
const TOKENS: &str = "INSERT INTO api_token (id, name, owner, kind, permissions, scopes, expires_at, rotation_period_minutes,
    overlap_minutes, overlap_starts, allowed_cidr_blocks, allowed_origins, on_reuse, protected, generation, created_at, revoked_at)
    SELECT 'tok_01JZZZZZZZ' || (1000000000000000 + i), 'token ' || i, CASE WHEN i % 8 < 4 THEN 'big' END, 'PRIVATE',
    CASE WHEN i % 20 = 3 THEN 'API_TOKEN_READ AUDIT_LOG_READ' ELSE '' END, CASE WHEN i % 10 = 0 THEN 'another one' ELSE '' END,
    CASE WHEN i % 4 = 2 THEN 2 END, CASE WHEN i % 4 = 1 THEN 1 END, 10, 'ROTATION', '', '', 'ALERT', false, 1, 1,
    CASE WHEN i % 4 = 0 THEN 2 END FROM numbers";
const VALUES: &str = "INSERT INTO api_token_value (token_id, generation, hash, hint, created_at, overlap_minutes)
    SELECT id, 1, HASH, 'hint', created_at, 0 FROM api_token";
const EVENTS: &str = "INSERT INTO audit_event (id, at, action, result, actor, token_id)
    SELECT 'evt_01JZZZZZZZ' || (1000000000000000 + i), 1, CASE WHEN i % 4 = 0 THEN 'API_TOKEN_REVOKED' ELSE 'API_TOKEN_CREATED' END,
    'OK', 'SYSTEM', 'tok_01JZZZZZZZ' || (1000000000000000 + i) FROM numbers";

/// This database as the version before leaves it, with 400 tokens.
async fn filled(database: TestDatabase) -> (TestDatabase, DatabaseConnection) {
    Store::connect(&database.url).await.unwrap().close().await.unwrap();
    let connection = database.connect().await;
    Migrator::up(&connection, Some(BEFORE_INDEXES)).await.unwrap();
    let hash = if database.is_sqlite() { "randomblob(32)" } else { "sha256(id::bytea)" };
    for insert in [format!("{NUMBERS} {TOKENS}"), VALUES.replace("HASH", hash), format!("{NUMBERS} {EVENTS}")] {
        connection.execute_unprepared(&insert).await.unwrap();
    }
    (database, connection)
}

async fn numbers(connection: &impl ConnectionTrait, sql: &str) -> Vec<i64> {
    let statement = Statement::from_string(DbBackend::Postgres, sql);
    let row = connection.query_one_raw(statement).await.unwrap().unwrap();
    (0..row.column_names().len()).map(|index| row.try_get_by_index(index).unwrap()).collect()
}

#[tokio::test]
async fn every_filter_is_right_after_a_filled_database_is_migrated() {
    let (database, connection) = filled(TestDatabase::new().await).await;
    connection.close().await.unwrap();
    let store = Store::connect(&database.url).await.unwrap();
    store.migrate().await.unwrap();
    let status = |status| Filter { status: Some(BTreeSet::from([status])), ..Filter::default() };
    let owner = || Filter { owner: Some("big".to_owned()), ..Filter::default() };
    let name = |name: &str| Filter { name: Some(name.to_owned()), ..Filter::default() };
    for (filter, found) in [
        (Filter::default(), 400),
        (status(Status::Revoked), 100),
        (status(Status::RotationOverdue), 100),
        (status(Status::Expired), 100),
        (status(Status::Active), 100),
        (owner(), 200),
        (Filter { owner: owner().owner, ..status(Status::RotationOverdue) }, 50),
        (Filter { kind: Some(TokenKind::Public), ..Filter::default() }, 0),
        // 17, and 170 to 179.
        (name("EN 17"), 11),
        (name("99"), 4),
        (Filter { scope: Some(Scope::parse("one").unwrap()), ..Filter::default() }, 40),
        (Filter { permission: Some(Permission::AuditLogRead), ..Filter::default() }, 20),
        (Filter { expires_before: Some(Timestamp::from_unix_millis(3)), ..Filter::default() }, 100),
        (Filter { rotate_by_before: Some(Timestamp::from_unix_millis(START)), ..Filter::default() }, 100),
        (Filter { unused_since: Some(Timestamp::from_unix_millis(START)), ..Filter::default() }, 400),
    ] {
        let (order, max_examined) = (Order::default(), MAX_EXAMINED);
        let page = Page { filter, order, after: None, before: None, size: 1_000, end: End::First, max_examined };
        let listing = store.list(&page, Timestamp::from_unix_millis(START)).await.unwrap();
        assert_eq!(listing.tokens.len(), found, "{:?}", page.filter);
    }
    let actions = |action| AuditFilter { actions: Some(BTreeSet::from([action])), ..AuditFilter::default() };
    let token = TokenId::parse("tok_01JZZZZZZZ1000000000000004").unwrap();
    for (filter, found) in [
        (AuditFilter::default(), 400),
        (actions(Action::Revoked), 100),
        (actions(Action::Created), 300),
        (AuditFilter { token_id: Some(token), ..actions(Action::Revoked) }, 1),
        (AuditFilter { token_id: Some(token), ..actions(Action::Created) }, 0),
        (AuditFilter { actor_id: Some(token), ..AuditFilter::default() }, 0),
    ] {
        let page = EventPage { filter, after: None, before: None, size: 1_000, end: End::First };
        assert_eq!(store.events(&page).await.unwrap().events.len(), found, "{:?}", page.filter);
    }
    store.close().await.unwrap();
}

/// Of each step, in its transaction: a lock that keeps others from reading a table goes with nothing that takes long, no two
/// tables are locked against changes at once, and a token can be read while rows are changed or indexes built.
#[tokio::test]
#[ignore = "needs PostgreSQL: run ./tests/with-postgres"]
async fn on_postgres_tokens_can_be_read_while_indexes_are_built() {
    let (database, connection) = filled(TestDatabase::postgres().await).await;
    let reader = database.connect().await;
    reader.execute_unprepared("SET lock_timeout = '1s'").await.unwrap();
    let steps = Migrator::migrations().len() - usize::try_from(BEFORE_INDEXES).unwrap();
    let mut long = 0;
    for _ in 0..steps {
        let tables = "relname IN ('api_token', 'api_token_value', 'audit_event')";
        // Rows changed, the files of the tables, and the index that was made last.
        let work = format!(
            "SELECT (SELECT (sum(n_tup_ins) + sum(n_tup_upd) + sum(n_tup_del))::bigint FROM pg_stat_xact_user_tables
             WHERE {tables}), sum(relfilenode::bigint)::bigint, (SELECT max(indexrelid::bigint) FROM pg_index
             WHERE indrelid::regclass::text IN ('api_token', 'api_token_value', 'audit_event')) FROM pg_class WHERE {tables}"
        );
        let transaction = connection.begin().await.unwrap();
        let before = numbers(&transaction, &work).await;
        Migrator::up(&transaction, Some(1)).await.unwrap();
        let after = numbers(&transaction, &work).await;
        let locks = |modes: &str| {
            format!(
                "SELECT count(DISTINCT relation) FROM pg_locks JOIN pg_class ON pg_class.oid = relation \
                 WHERE pid = pg_backend_pid() AND {tables} AND mode IN ({modes})"
            )
        };
        let unreadable = numbers(&transaction, &locks("'AccessExclusiveLock'")).await[0];
        let unchangeable = numbers(
            &transaction,
            &locks("'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock'"),
        )
        .await[0];
        let step = Migrator::get_applied_migrations(&transaction).await.unwrap().pop().unwrap().name().to_owned();
        assert!(unchangeable <= 1, "{step} locks {unchangeable} tables");
        if unreadable > 0 {
            assert_eq!(after[0], before[0], "{step} changes rows while no table can be read");
            assert_eq!(after[1], before[1], "{step} rewrites a table while it cannot be read");
            assert!(after[2] <= before[2], "{step} builds an index while no table can be read");
        } else {
            long += 1;
            let read = "SELECT count(*) FROM api_token JOIN api_token_value ON token_id = api_token.id";
            assert_eq!(numbers(&reader, read).await, [400], "while {step}");
        }
        transaction.commit().await.unwrap();
    }
    assert!(long >= 5);
    assert!(Migrator::get_pending_migrations(&connection).await.unwrap().is_empty());
}

/// PostgreSQL ends a wait for a lock after 5 seconds; a migration may take longer.
#[tokio::test]
#[ignore = "needs PostgreSQL: run ./tests/with-postgres"]
async fn on_postgres_a_replica_waits_for_another_that_migrates_for_long_and_then_starts() {
    let (database, connection) = filled(TestDatabase::postgres().await).await;
    let lock = connection.begin().await.unwrap();
    lock.execute_unprepared(&format!("SELECT pg_advisory_xact_lock({START_LOCK})")).await.unwrap();
    let store = Arc::new(Store::connect(&database.url).await.unwrap());
    let migrating = tokio::spawn({
        let store = Arc::clone(&store);
        async move { store.migrate().await }
    });
    let waits = "SELECT count(*) > 0 FROM pg_stat_activity WHERE datname = current_database()
        AND (query LIKE '%pg_try_advisory%' OR query = 'ROLLBACK') AND query_start - backend_start BETWEEN interval '6 s' AND interval '1 h'";
    cluster::wait_for(&database.connect().await, waits).await;
    assert!(!migrating.is_finished());
    lock.commit().await.unwrap();
    migrating.await.unwrap().unwrap();
    store.require_schema().await.unwrap();
    assert!(store.has_usable_schema().await.unwrap());
}

#[tokio::test]
#[ignore = "needs PostgreSQL: run ./tests/with-postgres"]
async fn on_postgres_a_locked_table_fails_the_start_in_plain_words_and_the_next_start_succeeds() {
    let (database, connection) = filled(TestDatabase::postgres().await).await;
    let backup = connection.begin().await.unwrap();
    backup.execute_unprepared("LOCK TABLE api_token IN ACCESS SHARE MODE").await.unwrap();
    let store = Store::connect(&database.url).await.unwrap();
    let words = store.migrate().await.unwrap_err().to_string();
    assert!(words.contains("another transaction kept a lock") && words.contains("start Rotakey again"), "{words}");
    backup.rollback().await.unwrap();
    store.migrate().await.unwrap();
}

/// A reload that comes while the server waits or migrates. Its disposition by default would end the process.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: run ./tests/with-postgres"]
async fn on_postgres_a_hangup_before_the_server_listens_does_not_end_it() {
    let (database, connection) = filled(TestDatabase::postgres().await).await;
    let lock = connection.begin().await.unwrap();
    lock.execute_unprepared(&format!("SELECT pg_advisory_xact_lock({START_LOCK})")).await.unwrap();
    let mut serve = command(&database.folder());
    serve.args(["serve", "--listen", "127.0.0.1:0", "--database-url", &database.url]);
    let server = Process::spawn(serve);
    server.logged("another replica is starting");
    // Twice: the first one must not put the default back.
    for _ in 0..2 {
        server.signal(Signal::SIGHUP);
    }
    lock.commit().await.unwrap();
    server.logged("listening");
}
