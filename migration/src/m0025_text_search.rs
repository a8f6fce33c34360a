//! The index of names by their trigrams becomes one of names, owners and descriptions.
//!
//! On SQLite it keeps its name, so an older version finds names in it, too: what it finds there by other texts it does not return. On
//! PostgreSQL the next step gives it the name of the index that it replaces.
//!
//! On PostgreSQL it is built before this step, while tokens are changed; in the step only if there are no tokens. On SQLite every change
//! waits meanwhile.

use sea_orm_migration::prelude::*;

use crate::concurrent_index::ConcurrentIndex;
use crate::statements::{is_postgres, run};

pub(crate) struct Migration;

const NAME: &str = "m0025_text_search_usable_from_m0011";

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        NAME
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

/// On PostgreSQL. It may lack its extension, as the index that it replaces.
pub(crate) const INDEX: ConcurrentIndex = ConcurrentIndex {
    step: NAME,
    table: "api_token",
    name: "api_token_text_search_idx",
    columns: "USING gin (lower(name) gin_trgm_ops, lower(owner) gin_trgm_ops, lower(description) gin_trgm_ops)",
    operator_class: "gin_trgm_ops",
};

const DOWN_POSTGRES: [&str; 1] = ["DROP INDEX IF EXISTS api_token_text_search_idx"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        if !is_postgres(manager) {
            run(connection, &DROP).await?;
            return run(connection, &SQLITE).await;
        }
        INDEX.create(connection).await?;
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
