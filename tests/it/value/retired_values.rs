//! Values that were retired long ago are forgotten by housekeeping, and no others are.

use rotakey::domain::timestamp::Timestamp;
use rotakey::service::Policy;
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement};
use serde_json::json;

use crate::support::clock::{MINUTE, START};
use crate::support::database::TestDatabase;
use crate::support::replica::Replica;
use crate::support::server::Server;

/// A day, and no cache, so that each check asks the database.
const POLICY: Policy = Policy { retired_values_minutes: 24 * 60, cached_values: 0, ..Policy::DEFAULT };
const DAY: i64 = 24 * 60 * MINUTE;

async fn count(connection: &DatabaseConnection, condition: &str) -> i64 {
    let sql = format!("SELECT count(*) FROM api_token_value WHERE {condition}");
    let statement = Statement::from_string(connection.get_database_backend(), sql);
    connection.query_one_raw(statement).await.unwrap().unwrap().try_get_by_index(0).unwrap()
}

#[tokio::test]
async fn a_value_is_unknown_once_it_has_been_retired_for_the_retention_setting() {
    let server = Server::start_with(POLICY).await;
    let service = server.service().await;
    let first = server.admin.create(json!({ "name": "n", "overlapMinutes": 10 })).await.unwrap().client;
    let second = first.with(first.rotate().await.unwrap());
    assert_eq!(second.check().await, Ok(2));
    let end = 10 * MINUTE;
    for (offset, code) in [
        (end - 1, None),
        (end, Some("VALUE_RETIRED")),
        (end + DAY - 1, Some("VALUE_RETIRED")),
        (end + DAY, Some("UNAUTHENTICATED")),
    ] {
        server.clock.set(offset);
        service.sweep().await.unwrap();
        assert_eq!(first.check().await.err().as_deref(), code, "{offset}");
        assert_eq!(second.check().await, Ok(2), "the current value is kept: {offset}");
    }
    let third = second.with(second.rotate().await.unwrap());
    assert_eq!(third.check().await, Ok(3), "the token goes on as before");
}

#[tokio::test]
async fn nothing_is_deleted_by_the_rules_of_a_version_that_a_newer_one_excludes() {
    let server = Server::start_with(POLICY).await;
    let (service, connection) = (server.service().await, server.database.connect().await);
    let first = server.admin.create(json!({ "name": "n", "overlapMinutes": 0 })).await.unwrap().client;
    first.rotate().await.unwrap();
    server.clock.set(2 * DAY);
    connection.execute_unprepared("INSERT INTO seaql_migrations VALUES ('m9999_later', 0)").await.unwrap();
    service.sweep().await.unwrap();
    assert_eq!(first.check().await, Err("VALUE_RETIRED".to_owned()));
    connection.execute_unprepared("DELETE FROM seaql_migrations WHERE version = 'm9999_later'").await.unwrap();
    service.sweep().await.unwrap();
    assert_eq!(first.check().await, Err("UNAUTHENTICATED".to_owned()));
}

#[tokio::test]
async fn working_values_and_the_last_value_of_a_dead_token_are_kept() {
    let server = Server::start_with(POLICY).await;
    let service = server.service().await;
    let waiting = json!({ "name": "waiting", "overlapStarts": "FIRST_USE" });
    let waiting = server.admin.create(waiting).await.unwrap();
    server.admin.rotate_id(&waiting.id).await.unwrap();
    let revoked = server.admin.create(json!({ "name": "revoked" })).await.unwrap();
    server.admin.revoke(&revoked.id).await.unwrap();
    let overdue = server.admin.create(json!({ "name": "overdue", "rotationPeriodMinutes": 1 })).await.unwrap();
    server.clock.set(3 * DAY);
    service.sweep().await.unwrap();
    assert_eq!(waiting.client.check().await, Ok(2), "its overlap has not begun");
    assert_eq!(revoked.client.check().await, Err("TOKEN_REVOKED".to_owned()));
    assert_eq!(overdue.client.check().await, Err("ROTATION_OVERDUE".to_owned()));
}

#[tokio::test]
async fn a_value_whose_overlap_ended_early_is_deleted_a_retention_after_housekeeping_saw_it() {
    let server = Server::start_with(POLICY).await;
    let service = server.service().await;
    let draft = json!({ "name": "n", "overlapStarts": "FIRST_USE", "overlapMinutes": 0 });
    let first = server.admin.create(draft).await.unwrap().client;
    let second = first.with(first.rotate().await.unwrap());
    // For longer than the retention it is the previous value, and then it stops at the first use of the next.
    server.clock.set(2 * DAY);
    service.sweep().await.unwrap();
    assert_eq!(first.check().await, Ok(2));
    assert_eq!(second.check().await, Ok(2));
    for (days, code) in [(2, "VALUE_RETIRED"), (3, "UNAUTHENTICATED")] {
        server.clock.set(days * DAY);
        service.sweep().await.unwrap();
        assert_eq!(first.check().await, Err(code.to_owned()), "{days}");
    }
}

#[tokio::test]
async fn however_many_values_are_old_a_transaction_deletes_a_bounded_number_of_them() {
    let database = TestDatabase::new().await;
    let here = Replica::with(&database, 1, POLICY).await;
    let id = here.service.bootstrap().await.unwrap().view.token.id;
    let connection = database.connect().await;
    let (numbers, hash) = match connection.get_database_backend() {
        DbBackend::Postgres => ("SELECT generate_series(2, 1301) AS number", "sha256(number::text::bytea)"),
        _ => (
            "SELECT 1301 - value AS number FROM (WITH RECURSIVE one(value) AS (SELECT 0 UNION ALL SELECT value + 1 FROM one
             WHERE value < 1299) SELECT value FROM one)",
            "randomblob(32)",
        ),
    };
    let insert = format!(
        "INSERT INTO api_token_value (token_id, generation, hash, hint, created_at, replaced_at, retires_at, overlap_minutes)
         SELECT '{id}', number, {hash}, 'abcd', {START}, {START} + number, {START} + number, 0 FROM ({numbers}) AS numbers"
    );
    connection.execute_unprepared(&insert).await.unwrap();
    let before = Timestamp::from_unix_millis(START + 1_201);
    assert_eq!(here.store.delete_retired_values(before, 500).await.unwrap(), 500);
    assert_eq!(count(&connection, "generation <= 501").await, 1, "the oldest first, and the current value is kept");
    here.clock.set(DAY + 1_201);
    here.service.sweep().await.unwrap();
    assert_eq!(count(&connection, "generation > 1").await, 100, "those that are younger");
}
