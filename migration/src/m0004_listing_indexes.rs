//! Indexes by which every filter and order of a listing is read in order, so that a page costs what it holds and not what it
//! skips.
//!
//! Status follows from moments and the time, so no index can be ordered by it. `swept_status` is the status that housekeeping
//! last found, which an index can begin with. No rule looks at it: a listing reads it as a hint where to look, asks the
//! moments of every token that it finds there, and finds those that housekeeping has not come to by the partial indexes here.
//!
//! An index that begins with status and kind is also read where neither is asked for: as many ranges as there are pairs are
//! merged.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{ConnectionTrait, DbBackend, TransactionTrait};

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0004_listing_indexes"
    }
}

/// `overdue_at` is when housekeeping is to look at a current value again: when its rotation period ends, and nothing once that
/// is seen.
const FILL: [&str; 2] = [
    "UPDATE api_token SET swept_status = 'REVOKED' WHERE revoked_at IS NOT NULL",
    "UPDATE api_token_value SET overdue_at = created_at + 60000 *
         (SELECT rotation_period_minutes FROM api_token WHERE api_token.id = api_token_value.token_id)
     WHERE replaced_at IS NULL AND token_id IN (SELECT id FROM api_token WHERE rotation_period_minutes IS NOT NULL)",
];

const UP: [&str; 14] = [
    "DROP INDEX api_token_name_idx",
    "DROP INDEX api_token_owner_idx",
    "CREATE INDEX api_token_listed_idx ON api_token (swept_status, kind, id)",
    "CREATE INDEX api_token_listed_name_idx ON api_token (swept_status, kind, name, id)",
    "CREATE INDEX api_token_owner_idx ON api_token (owner, swept_status, kind, id) WHERE owner IS NOT NULL",
    "CREATE INDEX api_token_owner_name_idx ON api_token (owner, swept_status, kind, name, id) WHERE owner IS NOT NULL",
    // What housekeeping has not come to yet.
    "CREATE INDEX api_token_unswept_revoked_idx ON api_token (id) WHERE revoked_at IS NOT NULL AND swept_status <> 'REVOKED'",
    "CREATE INDEX api_token_unswept_expires_at_idx ON api_token (expires_at)
     WHERE expires_at IS NOT NULL AND swept_status IN ('ACTIVE', 'ROTATION_OVERDUE')",
    "CREATE INDEX api_token_value_overdue_at_idx ON api_token_value (overdue_at)
     WHERE overdue_at IS NOT NULL AND replaced_at IS NULL",
    "DROP INDEX audit_event_token_id_idx",
    // The moment of an event is in its id, which sorts by it.
    "DROP INDEX audit_event_at_idx",
    "CREATE INDEX audit_event_action_idx ON audit_event (action, id)",
    "CREATE INDEX audit_event_token_idx ON audit_event (token_id, action, id) WHERE token_id IS NOT NULL",
    "CREATE INDEX audit_event_actor_idx ON audit_event (actor, action, id) WHERE actor IS NOT NULL",
];

/// Names by their trigrams. `api_token_name.key` stands for a token in the index, because SQLite renumbers the rows of a table
/// without an integer key when it is vacuumed. The index keeps no copy of the names.
const SQLITE: [&str; 7] = [
    "CREATE TABLE api_token_name (key INTEGER PRIMARY KEY, token_id TEXT NOT NULL UNIQUE)",
    "CREATE VIRTUAL TABLE api_token_name_search USING fts5(name, content='', tokenize='trigram')",
    "INSERT INTO api_token_name (token_id) SELECT id FROM api_token ORDER BY id",
    "INSERT INTO api_token_name_search (rowid, name)
     SELECT key, name FROM api_token_name CROSS JOIN api_token ON api_token.id = token_id ORDER BY key",
    "CREATE TRIGGER api_token_name_added AFTER INSERT ON api_token BEGIN
         INSERT INTO api_token_name (token_id) VALUES (new.id);
         INSERT INTO api_token_name_search (rowid, name) SELECT key, new.name FROM api_token_name WHERE token_id = new.id;
     END",
    "CREATE TRIGGER api_token_name_changed AFTER UPDATE OF name ON api_token WHEN new.name <> old.name BEGIN
         INSERT INTO api_token_name_search (api_token_name_search, rowid, name)
         SELECT 'delete', key, old.name FROM api_token_name WHERE token_id = new.id;
         INSERT INTO api_token_name_search (rowid, name) SELECT key, new.name FROM api_token_name WHERE token_id = new.id;
     END",
    "CREATE TRIGGER api_token_name_removed AFTER DELETE ON api_token BEGIN
         INSERT INTO api_token_name_search (api_token_name_search, rowid, name)
         SELECT 'delete', key, old.name FROM api_token_name WHERE token_id = old.id;
         DELETE FROM api_token_name WHERE token_id = old.id;
     END",
];

/// Whoever owns a database may create this extension since PostgreSQL 13, unless the server lacks it. Without it names are
/// searched in the order of the listing.
const POSTGRES_SEARCH: [&str; 2] = [
    "CREATE EXTENSION IF NOT EXISTS pg_trgm",
    "CREATE INDEX api_token_name_search_idx ON api_token USING gin (lower(name) gin_trgm_ops)",
];

const DOWN: [&str; 16] = [
    "DROP INDEX api_token_listed_idx",
    "DROP INDEX api_token_listed_name_idx",
    "DROP INDEX api_token_owner_idx",
    "DROP INDEX api_token_owner_name_idx",
    "DROP INDEX api_token_unswept_revoked_idx",
    "DROP INDEX api_token_unswept_expires_at_idx",
    "DROP INDEX api_token_value_overdue_at_idx",
    "DROP INDEX audit_event_action_idx",
    "DROP INDEX audit_event_token_idx",
    "DROP INDEX audit_event_actor_idx",
    "ALTER TABLE api_token DROP COLUMN swept_status",
    "ALTER TABLE api_token_value DROP COLUMN overdue_at",
    "CREATE INDEX api_token_name_idx ON api_token (name, id)",
    "CREATE INDEX api_token_owner_idx ON api_token (owner, id)",
    "CREATE INDEX audit_event_token_id_idx ON audit_event (token_id, id)",
    "CREATE INDEX audit_event_at_idx ON audit_event (at)",
];

const DOWN_SQLITE: [&str; 5] = [
    "DROP TRIGGER api_token_name_added",
    "DROP TRIGGER api_token_name_changed",
    "DROP TRIGGER api_token_name_removed",
    "DROP TABLE api_token_name_search",
    "DROP TABLE api_token_name",
];

// The extension stays: others may use it.
const DOWN_POSTGRES: [&str; 1] = ["DROP INDEX IF EXISTS api_token_name_search_idx"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        let postgres = manager.get_database_backend() == DbBackend::Postgres;
        let collation = if postgres { "COLLATE \"C\"" } else { "" };
        let status =
            format!("ALTER TABLE api_token ADD COLUMN swept_status TEXT {collation} DEFAULT 'ACTIVE' NOT NULL");
        connection.execute_unprepared(&status).await?;
        connection.execute_unprepared("ALTER TABLE api_token_value ADD COLUMN overdue_at BIGINT").await?;
        execute(connection, &FILL).await?;
        if postgres {
            // What a replica of an older version still writes is looked at.
            let default = "ALTER TABLE api_token_value ALTER COLUMN overdue_at SET DEFAULT 0";
            connection.execute_unprepared(default).await?;
        }
        execute(connection, &UP).await?;
        if !postgres {
            return execute(connection, &SQLITE).await;
        }
        let savepoint = connection.begin().await?;
        match execute(&savepoint, &POSTGRES_SEARCH).await {
            Ok(()) => savepoint.commit().await?,
            Err(_) => savepoint.rollback().await?,
        }
        // The planner knows nothing of what an index computes until the table is looked at.
        execute(connection, &["ANALYZE api_token"]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        if manager.get_database_backend() == DbBackend::Postgres {
            execute(connection, &DOWN_POSTGRES).await?;
        } else {
            execute(connection, &DOWN_SQLITE).await?;
        }
        execute(connection, &DOWN).await
    }
}

async fn execute(connection: &impl ConnectionTrait, statements: &[&str]) -> Result<(), DbErr> {
    for sql in statements {
        connection.execute_unprepared(sql).await?;
    }
    Ok(())
}
