//! What the database holds to by itself, and the migrations.

use migration::{Migrator, MigratorTrait};
use rotakey::domain::audit::{Action, AuditEvent, Provenance};
use rotakey::domain::id::{EventId, TokenId};
use rotakey::domain::reason::Reason;
use rotakey::domain::rule::lifecycle::Retirement;
use rotakey::domain::rule::rotation::Rotation;
use rotakey::domain::timestamp::Timestamp;
use rotakey::domain::token::{Actor, ValueFacts};
use rotakey::domain::value::{Hint, ValueHash};
use rotakey::store::{Rotated, Store};
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
    // Those of the index of names, and the one of keys that count up, are SQLite's own.
    let own = |name: &String| !name.starts_with("api_token_name_search_") && !name.starts_with("sqlite_");
    names.filter(|name| name != "seaql_migrations" && own(name)).collect()
}

/// All tables: on PostgreSQL there is one more, by which replicas announce changes to each other.
fn all(database: &TestDatabase) -> Vec<&'static str> {
    let mut tables = vec![
        "api_token",
        "api_token_grant",
        "api_token_metadata",
        "api_token_sort_key",
        "api_token_value",
        "api_token_value_user",
        "audit_event",
    ];
    if database.is_sqlite() {
        tables.splice(3..3, ["api_token_name", "api_token_name_search"]);
    } else {
        tables.push("change");
    }
    tables.extend([
        "mail_digest",
        "mail_digest_notice",
        "notice_sweep",
        "rotation_campaign",
        "rotation_campaign_token",
        "webhook",
        "webhook_delivery",
    ]);
    tables
}

#[tokio::test]
async fn migrations_go_up_down_and_up_again() {
    let database = TestDatabase::new().await;
    Store::connect(&database.url).await.unwrap().close().await.unwrap();
    let connection = database.connect().await;
    let all = all(&database);
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
    assert_eq!(tables(&database.connect().await).await, all(&database));
    let service = async |store: &Store| {
        use std::sync::Arc;
        let (clock, entropy) = (Arc::new(rotakey::clock::SystemClock), Arc::new(rotakey::entropy::SystemEntropy));
        let policy = rotakey::service::Policy::default();
        rotakey::service::Service::open(store.clone(), clock, entropy, policy).await.unwrap()
    };
    let (one, two) = (service(one).await, service(two).await);
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
            "INSERT INTO api_token_value
             (token_id, generation, hash, hint, created_at, replaced_at, retires_at, overlap_minutes)
             VALUES ('{token}', {generation}, {hash}, 'hint', 0, {retires_at}, {retires_at}, 0)"
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

/// R7 and R10 rest on these conditions alone where two transactions decide on the same facts, as two databases with weaker
/// locks would let them. So each is tried on facts that have moved on.
#[tokio::test]
async fn r7_a_rotation_decided_on_facts_that_have_moved_on_is_void() {
    let server = Server::start().await;
    let store = Store::connect(&server.database.url).await.unwrap();
    let now = Timestamp::from_unix_millis(crate::support::clock::START);
    let facts = |generation, byte| ValueFacts {
        generation,
        hash: ValueHash([byte; 32]),
        hint: Hint::parse("hint").unwrap(),
        format: None,
        created_at: now,
        created_by: Actor::System,
        first_used_at: None,
        last_used_at: None,
        replaced_at: None,
        retires_at: None,
        overlap_minutes: 10,
        brown_out: false,
        salt: None,
    };
    let attempt = async |id: TokenId, rotation: &Rotation, issued: &ValueFacts| {
        let transaction = store.begin().await.unwrap();
        let event = AuditEvent {
            id: EventId::new(now, [issued.hash.0[0]; 10]),
            at: now,
            action: Action::Rotated,
            refusal: None,
            actor: Some(Actor::System),
            token_id: Some(id),
            webhook_id: None,
            mail_digest_id: None,
            generation: Some(issued.generation),
            provenance: Provenance::default(),
            reason: Reason::default(),
        };
        let outcome = transaction.rotate(id, rotation, issued, None, &event).await.unwrap();
        if outcome == Rotated::Won {
            transaction.commit().await.unwrap();
        }
        outcome
    };
    let rotation = |from_generation, recovers| Rotation {
        from_generation,
        generation: from_generation + 1,
        previous: Some(Retirement { generation: from_generation - u32::from(recovers), retires_at: None }),
        recovers,
        overlap_minutes: 10,
        brown_out: false,
        rotate_by: None,
    };
    let token = async |name: &str| {
        let created = server.admin.create(serde_json::json!({ "name": name })).await.unwrap();
        (TokenId::parse(&created.id).unwrap(), created)
    };

    // Another rotation was quicker.
    let (id, _) = token("raced").await;
    assert_eq!(attempt(id, &rotation(1, false), &facts(2, 1)).await, Rotated::Won);
    assert_eq!(attempt(id, &rotation(1, false), &facts(2, 2)).await, Rotated::Lost);

    // A revocation was quicker.
    let (id, created) = token("revoked").await;
    server.admin.revoke(&created.id).await.unwrap();
    assert_eq!(attempt(id, &rotation(1, false), &facts(2, 3)).await, Rotated::Lost);

    // The first use of the value that a recovery would cancel was quicker.
    let (id, created) = token("used").await;
    let rotated = created.client.with(created.client.rotate().await.unwrap());
    rotated.check().await.unwrap();
    assert_eq!(attempt(id, &rotation(2, true), &facts(3, 4)).await, Rotated::Lost);
    assert_eq!(rotated.check().await, Ok(2), "nothing of it was written");
}

#[tokio::test]
async fn r13_a_busy_database_is_unavailable_and_then_works_again() {
    let server = Server::start().await;
    let token = server.admin.create(serde_json::json!({ "name": "waits" })).await.unwrap();
    let connection = server.database.connect().await;
    let sql = if server.database.is_sqlite() { "BEGIN IMMEDIATE" } else { "BEGIN; LOCK TABLE api_token" };
    connection.execute_unprepared(sql).await.unwrap();
    let query = "mutation { createAPIToken(input: { name: \"x\" }) { token { id } } }";
    let answer = server.admin.ask(query).await;
    assert_eq!(answer.code(), Some("UNAVAILABLE"), "{}", answer.body);
    connection.execute_unprepared("ROLLBACK").await.unwrap();
    assert_eq!(server.admin.ask(query).await.code(), None);
    assert_eq!(token.client.check().await, Ok(1));
}
