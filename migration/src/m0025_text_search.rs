//! The index of names by their trigrams becomes one of names, owners and descriptions.
//!
//! On SQLite it keeps its name, so an older version finds names in it, too: what it finds there by other texts it does not return. On
//! PostgreSQL the next step gives it the name of the index that it replaces.
//!
//! On PostgreSQL every change to a token waits meanwhile; reading goes on.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::TransactionTrait;

use crate::statements::{is_postgres, run};

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0025_text_search_usable_from_m0011"
    }
}

const DROP: [&str; 4] = [
    "DROP TRIGGER api_token_name_added",
    "DROP TRIGGER api_token_name_changed",
    "DROP TRIGGER api_token_name_removed",
    "DROP TABLE api_token_name_search",
];

const SQLITE: [&str; 5] = [
    "CREATE VIRTUAL TABLE api_token_name_search USING fts5(name, owner, description, content='', tokenize='trigram')",
    "INSERT INTO api_token_name_search (rowid, name, owner, description)
     SELECT key, name, owner, description FROM api_token_name CROSS JOIN api_token ON api_token.id = token_id ORDER BY key",
    "CREATE TRIGGER api_token_name_added AFTER INSERT ON api_token BEGIN
         INSERT INTO api_token_name (token_id) VALUES (new.id);
         INSERT INTO api_token_name_search (rowid, name, owner, description)
         SELECT key, new.name, new.owner, new.description FROM api_token_name WHERE token_id = new.id;
     END",
    "CREATE TRIGGER api_token_name_changed AFTER UPDATE OF name, owner, description ON api_token
     WHEN new.name <> old.name OR new.owner IS NOT old.owner OR new.description IS NOT old.description BEGIN
         INSERT INTO api_token_name_search (api_token_name_search, rowid, name, owner, description)
         SELECT 'delete', key, old.name, old.owner, old.description FROM api_token_name WHERE token_id = new.id;
         INSERT INTO api_token_name_search (rowid, name, owner, description)
         SELECT key, new.name, new.owner, new.description FROM api_token_name WHERE token_id = new.id;
     END",
    "CREATE TRIGGER api_token_name_removed AFTER DELETE ON api_token BEGIN
         INSERT INTO api_token_name_search (api_token_name_search, rowid, name, owner, description)
         SELECT 'delete', key, old.name, old.owner, old.description FROM api_token_name WHERE token_id = old.id;
         DELETE FROM api_token_name WHERE token_id = old.id;
     END",
];

/// As before this step.
const DOWN_SQLITE: [&str; 5] = [
    "CREATE VIRTUAL TABLE api_token_name_search USING fts5(name, content='', tokenize='trigram')",
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

/// It may lack its extension, as the index that it replaces.
const POSTGRES: [&str; 1] = ["CREATE INDEX api_token_text_search_idx ON api_token
    USING gin (lower(name) gin_trgm_ops, lower(owner) gin_trgm_ops, lower(description) gin_trgm_ops)"];

const DOWN_POSTGRES: [&str; 1] = ["DROP INDEX IF EXISTS api_token_text_search_idx"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        if !is_postgres(manager) {
            run(connection, &DROP).await?;
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
        let connection = manager.get_connection();
        if is_postgres(manager) {
            return run(connection, &DOWN_POSTGRES).await;
        }
        run(connection, &DROP).await?;
        run(connection, &DOWN_SQLITE).await
    }
}
