//! What the database holds to by itself, and the migrations.

use migration::{Migrator, MigratorTrait};
use rotakey::store::Store;
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement};

use crate::support::database::TestDatabase;
use crate::support::server::Server;

async fn tables(connection: &DatabaseConnection) -> Vec<String> {
    let sql = match connection.get_database_backend() {
        DbBackend::Sqlite => "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name",
        _ => "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = 'public' ORDER BY 1",
    };
    let rows = connection.query_all_raw(Statement::from_string(connection.get_database_backend(), sql)).await.unwrap();
    let names = rows.into_iter().map(|row| row.try_get::<String>("", "name").unwrap());
    names.filter(|name| name != "seaql_migrations").collect()
}

#[tokio::test]
async fn migrations_go_up_down_and_up_again() {
    let database = TestDatabase::new().await;
    Store::connect(&database.url).await.unwrap().close().await.unwrap();
    let connection = database.connect().await;
    let all = ["api_token", "api_token_value", "audit_event"];
    for _ in 0..2 {
        Migrator::up(&connection, None).await.unwrap();
        assert_eq!(tables(&connection).await, all);
        Migrator::up(&connection, None).await.unwrap();
        Migrator::down(&connection, None).await.unwrap();
        assert_eq!(tables(&connection).await, Vec::<String>::new());
    }
}

#[tokio::test]
async fn replicas_that_start_together_migrate_once_and_make_one_first_token() {
    let database = TestDatabase::new().await;
    let stores = [Store::connect(&database.url).await.unwrap(), Store::connect(&database.url).await.unwrap()];
    let [one, two] = &stores;
    let (first, second) = tokio::join!(one.migrate(), two.migrate());
    first.unwrap();
    second.unwrap();
    assert_eq!(tables(&database.connect().await).await.len(), 3);
    let service = |store: &Store| {
        use std::sync::Arc;
        rotakey::service::Service::new(
            store.clone(),
            Arc::new(rotakey::clock::SystemClock),
            Arc::new(rotakey::entropy::SystemEntropy),
        )
    };
    let (one, two) = (service(one), service(two));
    let (first, second) = tokio::join!(one.bootstrap_if_empty(), two.bootstrap_if_empty());
    let made = [first.unwrap(), second.unwrap()].into_iter().flatten().count();
    assert_eq!(made, 1);
}

#[tokio::test]
async fn the_database_itself_refuses_what_must_never_be() {
    let server = Server::start().await;
    let connection = server.database.connect().await;
    connection.execute_unprepared("PRAGMA foreign_keys = ON").await.ok();
    let id = server.admin.my_id().await;
    let blob = |bytes: usize, fill: &str| {
        let hex = fill.repeat(bytes);
        if server.database.is_sqlite() { format!("x'{hex}'") } else { format!("'\\x{hex}'::bytea") }
    };
    let value = |token: &str, generation: u32, hash: String, retires_at: &str| {
        format!(
            "INSERT INTO api_token_value (token_id, generation, hash, hint, created_at, retires_at)
             VALUES ('{token}', {generation}, {hash}, 'hint', 0, {retires_at})"
        )
    };
    for (what, sql) in [
        ("a hash of 31 bytes", value(&id, 2, blob(31, "aa"), "1")),
        ("a hash of 33 bytes", value(&id, 2, blob(33, "aa"), "1")),
        ("a generation twice", value(&id, 1, blob(32, "aa"), "1")),
        ("two current values", value(&id, 2, blob(32, "aa"), "NULL")),
        ("a value of no token", value("tok_00000000000000000000000000", 1, blob(32, "aa"), "1")),
        ("generation 0", value(&id, 0, blob(32, "aa"), "1")),
    ] {
        assert!(connection.execute_unprepared(&sql).await.is_err(), "{what}");
    }
    connection.execute_unprepared(&value(&id, 2, blob(32, "aa"), "1")).await.unwrap();
    assert!(connection.execute_unprepared(&value(&id, 3, blob(32, "aa"), "1")).await.is_err(), "a hash twice");
}

#[tokio::test]
async fn every_change_leaves_one_event_and_a_refusal_none() {
    let server = Server::start().await;
    let token = server.admin.create(serde_json::json!({ "name": "watched" })).await.unwrap();
    let rotated = token.client.with(token.client.rotate().await.unwrap());
    token.client.rotate().await.unwrap_err();
    server.clock.advance(10_000);
    token.client.rotate().await.unwrap();
    rotated.rotate().await.unwrap_err();
    server.admin.revoke(&token.id).await.unwrap();
    server.admin.revoke(&token.id).await.unwrap();
    let connection = server.database.connect().await;
    let sql = format!(
        "SELECT action, generation, actor FROM audit_event WHERE token_id = '{}' ORDER BY at, generation, action",
        token.id
    );
    let rows = connection.query_all_raw(Statement::from_string(connection.get_database_backend(), sql)).await.unwrap();
    let admin = server.admin.my_id().await;
    let events: Vec<(String, i64, String)> = rows
        .into_iter()
        .map(|row| {
            let actor: String = row.try_get("", "actor").unwrap();
            let who = if actor == admin { "admin" } else { "holder" };
            (row.try_get("", "action").unwrap(), row.try_get("", "generation").unwrap(), who.to_owned())
        })
        .collect();
    let event = |action: &str, generation, who: &str| (action.to_owned(), generation, who.to_owned());
    assert_eq!(
        events,
        [
            event("API_TOKEN_CREATED", 1, "admin"),
            event("API_TOKEN_ROTATED", 2, "holder"),
            event("API_TOKEN_RECOVERED", 3, "holder"),
            event("API_TOKEN_REVOKED", 3, "admin"),
        ]
    );
}
