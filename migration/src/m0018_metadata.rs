//! The operator's key/value pairs on a token, as an object of JSON; null for none. And a table of all pairs, in which the tokens that
//! have one are looked up, in the order of their ids.
//!
//! The pairs of a token are read with its row, without a second table. Triggers keep the table of pairs equal to the rows, whichever
//! version writes them.
//!
//! Nothing here takes long, because no token can be read meanwhile.

use sea_orm_migration::prelude::*;

use crate::statements::{is_postgres, run};

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0018_metadata_usable_from_m0011"
    }
}

const COLUMN: &str = "ALTER TABLE api_token ADD COLUMN metadata TEXT";

const SQLITE: [&str; 4] = [
    "CREATE TABLE api_token_metadata (
         key TEXT NOT NULL, value TEXT NOT NULL, token_id TEXT NOT NULL, PRIMARY KEY (key, value, token_id)
     ) WITHOUT ROWID",
    "CREATE TRIGGER api_token_metadata_added AFTER INSERT ON api_token WHEN new.metadata IS NOT NULL BEGIN
         INSERT INTO api_token_metadata (key, value, token_id)
         SELECT pair.key, pair.value, new.id FROM json_each(new.metadata) AS pair;
     END",
    "CREATE TRIGGER api_token_metadata_changed AFTER UPDATE OF metadata ON api_token WHEN new.metadata IS NOT old.metadata BEGIN
         DELETE FROM api_token_metadata
         WHERE (key, value, token_id) IN (SELECT pair.key, pair.value, old.id FROM json_each(old.metadata) AS pair);
         INSERT INTO api_token_metadata (key, value, token_id)
         SELECT pair.key, pair.value, new.id FROM json_each(new.metadata) AS pair;
     END",
    "CREATE TRIGGER api_token_metadata_removed AFTER DELETE ON api_token WHEN old.metadata IS NOT NULL BEGIN
         DELETE FROM api_token_metadata
         WHERE (key, value, token_id) IN (SELECT pair.key, pair.value, old.id FROM json_each(old.metadata) AS pair);
     END",
];

const POSTGRES: [&str; 5] = [
    "CREATE TABLE api_token_metadata (
         key TEXT COLLATE \"C\" NOT NULL, value TEXT COLLATE \"C\" NOT NULL, token_id TEXT COLLATE \"C\" NOT NULL,
         PRIMARY KEY (key, value, token_id)
     )",
    "CREATE FUNCTION api_token_metadata_keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
         IF TG_OP <> 'INSERT' THEN
             DELETE FROM api_token_metadata AS kept USING json_each_text(OLD.metadata::json) AS pair
             WHERE kept.key = pair.key AND kept.value = pair.value AND kept.token_id = OLD.id;
         END IF;
         IF TG_OP <> 'DELETE' THEN
             INSERT INTO api_token_metadata (key, value, token_id)
             SELECT pair.key, pair.value, NEW.id FROM json_each_text(NEW.metadata::json) AS pair;
         END IF;
         RETURN NULL;
     END $$",
    "CREATE TRIGGER api_token_metadata_added AFTER INSERT ON api_token FOR EACH ROW
         WHEN (NEW.metadata IS NOT NULL) EXECUTE FUNCTION api_token_metadata_keep()",
    "CREATE TRIGGER api_token_metadata_changed AFTER UPDATE OF metadata ON api_token FOR EACH ROW
         WHEN (NEW.metadata IS DISTINCT FROM OLD.metadata) EXECUTE FUNCTION api_token_metadata_keep()",
    "CREATE TRIGGER api_token_metadata_removed AFTER DELETE ON api_token FOR EACH ROW
         WHEN (OLD.metadata IS NOT NULL) EXECUTE FUNCTION api_token_metadata_keep()",
];

const TRIGGERS: [&str; 3] = ["api_token_metadata_added", "api_token_metadata_changed", "api_token_metadata_removed"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let rest: &[&str] = if is_postgres(manager) { &POSTGRES } else { &SQLITE };
        run(manager.get_connection(), &[COLUMN]).await?;
        run(manager.get_connection(), rest).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = if is_postgres(manager) { " ON api_token" } else { "" };
        for trigger in TRIGGERS {
            run(manager.get_connection(), &[&format!("DROP TRIGGER {trigger}{table}")]).await?;
        }
        if is_postgres(manager) {
            run(manager.get_connection(), &["DROP FUNCTION api_token_metadata_keep()"]).await?;
        }
        let rest = ["DROP TABLE api_token_metadata", "ALTER TABLE api_token DROP COLUMN metadata"];
        run(manager.get_connection(), &rest).await
    }
}
