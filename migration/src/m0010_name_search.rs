//! An index of names by their trigrams, in which a part of a name is looked up.
//!
//! On PostgreSQL every change to a token waits meanwhile; reading goes on.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::TransactionTrait;

use crate::statements::{is_postgres, run};

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0010_name_search"
    }
}

/// `api_token_name.key` stands for a token in the index, because SQLite renumbers the rows of a table
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

/// The owner of a database may create this extension since PostgreSQL 13, unless the server lacks it. Without it names are
/// searched in the order of the listing.
const POSTGRES: [&str; 2] = [
    "CREATE EXTENSION IF NOT EXISTS pg_trgm",
    "CREATE INDEX api_token_name_search_idx ON api_token USING gin (lower(name) gin_trgm_ops)",
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
        if !is_postgres(manager) {
            return run(connection, &SQLITE).await;
        }
        let savepoint = connection.begin().await?;
        match run(&savepoint, &POSTGRES).await {
            Ok(()) => savepoint.commit().await?,
            Err(_) => savepoint.rollback().await?,
        }
        // The planner knows nothing of what an index computes until the table is looked at.
        run(connection, &["ANALYZE api_token"]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let statements: &[&str] = if is_postgres(manager) { &DOWN_POSTGRES } else { &DOWN_SQLITE };
        run(manager.get_connection(), statements).await
    }
}
