//! An upgrade of several replicas: for a while, versions run side by side on one database.

use std::collections::BTreeMap;
use std::path::Path;

use migration::{Migrator, MigratorTrait, oldest_user};
use rotakey::store::Store;
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement, TransactionTrait};

use crate::support::database::TestDatabase;
use crate::support::server::Server;

/// The steps before listings had indexes of their own. What came after them is known to be harmless.
const BEFORE_INDEXES: u32 = 3;

/// The newest step of the oldest version that this one must run beside.
fn oldest_supported_step() -> String {
    let recorded = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/upgrade-from")).unwrap();
    recorded.lines().find_map(|line| line.strip_prefix("migration ")).unwrap().to_owned()
}

/// The names of all steps of this version, oldest first.
fn steps() -> Vec<String> {
    Migrator::migrations().iter().map(|step| step.name().to_owned()).collect()
}

/// What is wrong with the names of the steps after this one.
fn misnamed(steps: &[String], supported: &str) -> Vec<String> {
    let position = |number: &str| steps.iter().position(|step| step.split('_').next() == Some(number));
    let last = steps.iter().position(|step| step == supported).unwrap();
    let excludes = |step: &&String| oldest_user(step).and_then(position).is_none_or(|oldest| oldest > last);
    steps.iter().skip(last + 1).filter(excludes).cloned().collect()
}

#[test]
fn every_step_since_the_oldest_supported_version_says_that_this_version_can_use_the_database_after_it() {
    assert_eq!(misnamed(&steps(), &oldest_supported_step()), Vec::<String>::new());
    let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let good = list(&["m1_first", "m2_second_usable_from_m1", "m3_third_usable_from_m1"]);
    assert_eq!(misnamed(&good, "m1_first"), Vec::<String>::new());
    for bad in ["m3_third", "m3_third_usable_from_m2", "m3_third_usable_from_m3", "m3_third_usable_from_m9"] {
        let names = list(&["m1_first", "m2_second_usable_from_m1", bad]);
        assert_eq!(misnamed(&names, "m1_first"), [bad]);
    }
}

/// What older versions rely on: columns with their types, indexes by their names, and constraints.
async fn facts(connection: &impl ConnectionTrait) -> BTreeMap<String, String> {
    let sql = match connection.get_database_backend() {
        DbBackend::Sqlite => {
            "SELECT 'column ' || t.name || '.' || c.name, c.type || CASE WHEN c.\"notnull\" AND c.dflt_value IS NULL THEN ' needed' ELSE '' END
             FROM sqlite_master t, pragma_table_info(t.name) c WHERE t.type = 'table'
             UNION ALL SELECT 'index ' || t.name || '.' || i.name, CASE WHEN i.\"unique\" THEN ' unique' ELSE '' END
             FROM sqlite_master t, pragma_index_list(t.name) i WHERE t.type = 'table'"
        }
        _ => {
            "SELECT 'column ' || table_name || '.' || column_name, data_type ||
                 CASE WHEN is_nullable = 'NO' AND column_default IS NULL THEN ' needed' ELSE '' END
             FROM information_schema.columns WHERE table_schema = 'public'
             UNION ALL SELECT 'index ' || indrelid::regclass || '.' || relname, CASE WHEN indisunique THEN ' unique' ELSE '' END
             FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid WHERE relnamespace = 'public'::regnamespace
             UNION ALL SELECT 'constraint ' || conrelid::regclass || '.' || conname, ' limits' FROM pg_constraint
             WHERE connamespace = 'public'::regnamespace AND contype IN ('c', 'f')"
        }
    };
    let rows = connection.query_all_raw(Statement::from_string(connection.get_database_backend(), sql)).await.unwrap();
    rows.iter().map(|row| (row.try_get_by_index(0).unwrap(), row.try_get_by_index(1).unwrap())).collect()
}

/// What an older version cannot do after a step that changed these facts.
fn damage(before: &BTreeMap<String, String>, after: &BTreeMap<String, String>) -> Vec<String> {
    let is_lost = |name: &String, fact: &String| match after.get(name) {
        Some(now) => now != fact,
        // An older version names indexes only on SQLite, where no other runs beside it; but it may be gone back to.
        None => true,
    };
    let lost =
        before.iter().filter(|(name, fact)| is_lost(name, fact)).map(|(name, _)| format!("{name} is gone or changed"));
    // A table that is new is no concern of an older version.
    let is_new_table = |name: &str| {
        let table = name.split_once(' ').and_then(|(_, name)| name.split('.').next());
        table.is_some_and(|table| !before.keys().any(|name| name.starts_with(&format!("column {table}."))))
    };
    let limits = |fact: &str| [" needed", " unique", " limits"].iter().any(|limit| fact.ends_with(limit));
    let added = after.iter().filter(|(name, fact)| !before.contains_key(*name) && limits(fact) && !is_new_table(name));
    lost.chain(added.map(|(name, fact)| format!("{name} is new and{fact}"))).collect()
}

async fn migrated(steps: u32) -> (TestDatabase, DatabaseConnection) {
    let database = TestDatabase::new().await;
    Store::connect(&database.url).await.unwrap().close().await.unwrap();
    let connection = database.connect().await;
    Migrator::up(&connection, Some(steps)).await.unwrap();
    (database, connection)
}

#[tokio::test]
async fn no_step_since_the_oldest_supported_version_takes_away_what_that_version_uses() {
    let supported = steps().iter().position(|step| *step == oldest_supported_step()).unwrap() + 1;
    let (_database, connection) = migrated(u32::try_from(supported).unwrap()).await;
    let before = facts(&connection).await;
    Migrator::up(&connection, None).await.unwrap();
    assert_eq!(damage(&before, &facts(&connection).await), Vec::<String>::new());
}

#[tokio::test]
async fn a_step_that_breaks_an_older_version_is_noticed() {
    let (_database, connection) = migrated(BEFORE_INDEXES).await;
    let before = facts(&connection).await;
    Migrator::up(&connection, None).await.unwrap();
    // Before the first release, some indexes were replaced by others. Nothing else was taken away.
    let replaced = damage(&before, &facts(&connection).await);
    assert!(replaced.contains(&"index audit_event.audit_event_at_idx is gone or changed".to_owned()), "{replaced:?}");
    assert!(replaced.iter().all(|damage| damage.starts_with("index ")), "{replaced:?}");

    let before = facts(&connection).await;
    let is_sqlite = connection.get_database_backend() == DbBackend::Sqlite;
    let noticed = [
        ("ALTER TABLE api_token RENAME COLUMN description TO remarks", 1, true),
        ("DROP INDEX api_token_listed_idx", 1, true),
        ("CREATE UNIQUE INDEX names ON api_token (name)", 1, true),
        ("DROP TABLE audit_event", 10, true),
        ("ALTER TABLE api_token DROP COLUMN last_used_at", 1, true),
        ("ALTER TABLE api_token ADD COLUMN region TEXT NOT NULL", 1, false),
        ("ALTER TABLE api_token ALTER COLUMN description SET NOT NULL", 1, false),
        ("ALTER TABLE api_token ALTER COLUMN generation TYPE INTEGER", 1, false),
        ("ALTER TABLE api_token ADD CONSTRAINT named CHECK (name <> '')", 1, false),
    ];
    let harmless = [
        "ALTER TABLE api_token ADD COLUMN region TEXT",
        "ALTER TABLE api_token ADD COLUMN region TEXT NOT NULL DEFAULT ''",
        "CREATE TABLE region (name TEXT NOT NULL)",
        "CREATE INDEX names ON api_token (name, id)",
    ];
    let noticed =
        noticed.into_iter().filter(|(.., everywhere)| *everywhere || !is_sqlite).map(|(sql, least, _)| (sql, least));
    for (sql, least) in noticed.chain(harmless.map(|sql| (sql, 0))) {
        let step = connection.begin().await.unwrap();
        step.execute_unprepared(sql).await.unwrap();
        let damage = damage(&before, &facts(&step).await);
        step.rollback().await.unwrap();
        assert!(if least == 0 { damage.is_empty() } else { damage.len() >= least }, "{sql}: {damage:?}");
    }
}

#[tokio::test]
async fn a_step_of_a_newer_version_excludes_this_one_unless_its_name_says_otherwise() {
    let server = Server::start().await;
    let (running, connection) = (server.service().await, server.database.connect().await);
    let apply = async |step: &str| {
        let insert = format!("INSERT INTO seaql_migrations VALUES ('{step}', 0)");
        connection.execute_unprepared(&insert).await.unwrap();
    };
    let is_ready = async || {
        running.sweep().await.unwrap();
        running.readiness().schema
    };
    let start = async || {
        let store = Store::connect_existing(&server.database.url).await.map_err(|err| err.to_string())?;
        let (found, migrated) = (store.require_schema().await, store.migrate().await);
        store.close().await.unwrap();
        found.and(migrated).map_err(|err| err.to_string())
    };
    // Twice, because each step counts.
    for step in ["m9001_more_usable_from_m0011", "m9002_more_usable_from_m0011"] {
        apply(step).await;
        assert!(is_ready().await, "{step}");
        assert_eq!(start().await, Ok(()), "{step}");
    }
    server.admin.create(serde_json::json!({ "name": "written by this version" })).await.unwrap();
    for step in ["m9003_less_usable_from_m9002", "m9003_unknown"] {
        apply(step).await;
        assert!(!is_ready().await, "{step}");
        let words = start().await.unwrap_err();
        assert!(words.contains("a newer version of Rotakey has changed it") && words.contains(step), "{words}");
        connection.execute_unprepared(&format!("DELETE FROM seaql_migrations WHERE version = '{step}'")).await.unwrap();
        assert!(is_ready().await, "after {step}");
    }
    connection.close().await.unwrap();
}
