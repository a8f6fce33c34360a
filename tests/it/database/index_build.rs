//! On PostgreSQL, an index that is built while tokens are created and rotated.

use nix::sys::signal::Signal;
use rotakey::store::{self, Store};
use sea_orm::{ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, Statement, TransactionTrait};
use serde_json::json;
use tokio::task::JoinHandle;

use crate::support::cluster;
use crate::support::database::TestDatabase;
use crate::support::deadline::soon;
use crate::support::process::{Process, command};
use crate::support::server::Server;

/// Makes the database what the version before left, whose index has only the names.
const BEFORE: &str = "DROP INDEX api_token_name_search_idx;
    CREATE INDEX api_token_name_search_idx ON api_token USING gin (lower(name) gin_trgm_ops);
    DELETE FROM seaql_migrations WHERE version LIKE 'm0025%' OR version LIKE 'm0026%'";
/// As a change that is not committed yet has it. The build waits for it.
const CHANGING: &str = "LOCK TABLE api_token IN ROW EXCLUSIVE MODE";

const BUILD: &str = "FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
    AND query LIKE 'CREATE INDEX%api_token_text_search_idx%'";

async fn server_before() -> (Server, DatabaseConnection) {
    let server = Server::start_on(TestDatabase::postgres().await).await;
    let connection = server.database.connect().await;
    connection.execute_unprepared(BEFORE).await.unwrap();
    (server, connection)
}

async fn changing(connection: &DatabaseConnection) -> DatabaseTransaction {
    let transaction = connection.begin().await.unwrap();
    transaction.execute_unprepared(CHANGING).await.unwrap();
    transaction
}

async fn start_replica(server: &Server) -> JoinHandle<Result<(), store::Error>> {
    let store = Store::connect(&server.database.url).await.unwrap();
    tokio::spawn(async move { store.migrate().await })
}

async fn wait_for_build(connection: &DatabaseConnection) {
    cluster::wait_for(connection, &format!("SELECT count(*) > 0 {BUILD}")).await;
}

async fn assert_building(connection: &DatabaseConnection) {
    assert!(
        is_so(connection, &format!("SELECT count(*) > 0 {BUILD}")).await,
        "a change waited until the build had ended"
    );
}

async fn is_so(connection: &DatabaseConnection, question: &str) -> bool {
    let statement = Statement::from_string(DbBackend::Postgres, question);
    connection.query_one_raw(statement).await.unwrap().unwrap().try_get_by_index(0).unwrap()
}

async fn assert_built(connection: &DatabaseConnection) {
    let is_built = "SELECT count(*) = 1 FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
        WHERE relname LIKE 'api_token_%_search_idx' AND relname = 'api_token_name_search_idx' AND indisvalid AND indnatts = 3";
    assert!(is_so(connection, is_built).await);
    assert!(is_so(connection, "SELECT to_regclass('api_token_text_search_idx') IS NULL").await);
    let steps = "SELECT count(*) = 2 FROM seaql_migrations WHERE version LIKE 'm0025%' OR version LIKE 'm0026%'";
    assert!(is_so(connection, steps).await);
}

#[tokio::test]
#[ignore = "needs PostgreSQL: run ./tests/with-postgres"]
async fn on_postgres_tokens_are_created_and_rotated_while_an_index_is_built() {
    let (server, connection) = server_before().await;
    let holder = server.admin.create(json!({ "name": "holder" })).await.unwrap();
    let first = changing(&connection).await;
    let replicas: [_; 2] = [start_replica(&server).await, start_replica(&server).await];
    wait_for_build(&connection).await;
    server.admin.create(json!({ "name": "one", "owner": "built for" })).await.unwrap();
    let holder = server.admin.with(holder.client.rotate().await.unwrap());
    assert_building(&connection).await;
    // Its last phase waits for everything that can still see the table as it was.
    let second = connection.begin().await.unwrap();
    second.execute_unprepared("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ").await.unwrap();
    second.execute_unprepared("SELECT 1").await.unwrap();
    first.commit().await.unwrap();
    let last_phase = "SELECT count(*) > 0 FROM pg_stat_progress_create_index WHERE phase = 'waiting for old snapshots'";
    cluster::wait_for(&connection, last_phase).await;
    server.admin.create(json!({ "name": "two", "description": "built for" })).await.unwrap();
    holder.rotate().await.unwrap();
    assert_building(&connection).await;
    assert!(replicas.iter().all(|replica| !replica.is_finished()));
    second.commit().await.unwrap();
    for replica in replicas {
        soon(replica).await.unwrap().unwrap();
    }
    assert_built(&connection).await;
    let find =
        r#"{ apiTokens(filter: { text: "built for" }, orderBy: { field: NAME, direction: ASC }) { nodes { name } } }"#;
    let found = server.admin.ask(find).await;
    assert_eq!(
        found.body["data"]["apiTokens"]["nodes"],
        json!([{ "name": "one" }, { "name": "two" }]),
        "{}",
        found.body
    );
}

#[tokio::test]
#[ignore = "needs PostgreSQL: run ./tests/with-postgres"]
async fn on_postgres_an_invalid_index_that_a_failed_build_left_is_replaced() {
    let (server, connection) = server_before().await;
    let change = changing(&connection).await;
    let replica = start_replica(&server).await;
    wait_for_build(&connection).await;
    let ended = format!("SELECT bool_and(pg_terminate_backend(pid)) {BUILD}");
    assert!(is_so(&connection, &ended).await);
    soon(replica).await.unwrap().unwrap_err();
    change.commit().await.unwrap();
    let invalid = "SELECT NOT indisvalid FROM pg_index WHERE indexrelid = to_regclass('api_token_text_search_idx')";
    assert!(is_so(&connection, invalid).await);
    for replica in [start_replica(&server).await, start_replica(&server).await] {
        soon(replica).await.unwrap().unwrap();
    }
    assert_built(&connection).await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL: run ./tests/with-postgres"]
async fn on_postgres_a_build_that_goes_on_after_its_replica_was_killed_is_awaited() {
    let (server, connection) = server_before().await;
    let change = changing(&connection).await;
    let killed = start_replica(&server).await;
    wait_for_build(&connection).await;
    killed.abort();
    assert!(soon(killed).await.unwrap_err().is_cancelled());
    let next = start_replica(&server).await;
    let waits = "SELECT count(*) > 0 FROM pg_stat_activity WHERE datname = current_database()
        AND query LIKE 'LOCK TABLE api_token IN SHARE UPDATE%'";
    cluster::wait_for(&connection, waits).await;
    change.commit().await.unwrap();
    soon(next).await.unwrap().unwrap();
    assert_built(&connection).await;
}

/// Otherwise the transaction that holds the lock keeps its first snapshot, for which the build waits.
#[tokio::test]
#[ignore = "needs PostgreSQL: run ./tests/with-postgres"]
async fn on_postgres_an_index_is_built_whatever_isolation_the_database_has_by_default() {
    let (server, connection) = server_before().await;
    let isolation = "DO $$ BEGIN
        EXECUTE format('ALTER DATABASE %I SET default_transaction_isolation TO ''repeatable read''', current_database());
    END $$";
    connection.execute_unprepared(isolation).await.unwrap();
    soon(start_replica(&server).await).await.unwrap().unwrap();
    assert_built(&connection).await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL: run ./tests/with-postgres"]
async fn on_postgres_a_server_that_is_asked_to_stop_while_an_index_is_built_ends_at_once() {
    let (server, connection) = server_before().await;
    let change = changing(&connection).await;
    let mut command = command(&server.database.folder());
    command.args(["serve", "--listen", "127.0.0.1:0", "--database-url", &server.database.url]);
    let process = Process::spawn(command);
    wait_for_build(&connection).await;
    process.signal(Signal::SIGTERM);
    let (status, said, words) = process.ended();
    assert!(status.success() && said.is_empty() && words.contains("asked to stop before it served"), "{said}{words}");
    change.commit().await.unwrap();
    soon(start_replica(&server).await).await.unwrap().unwrap();
    assert_built(&connection).await;
}
