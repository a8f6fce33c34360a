//! When each value was last used and how often, and by which users.
//!
//! A user is one row, to which replicas add what they have counted. Its key is the user itself, so an empty text means "unknown": NULL
//! would be distinct from itself. No foreign key: a use may be written after its value was deleted, and housekeeping deletes rows by their
//! age.
//!
//! Nothing here takes long, because nobody can read a value meanwhile.

use sea_orm_migration::prelude::*;

use crate::statements::{is_postgres, run};

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0012_value_use_usable_from_m0011"
    }
}

const COLUMNS: [&str; 2] = [
    "ALTER TABLE api_token_value ADD COLUMN last_used_at BIGINT",
    "ALTER TABLE api_token_value ADD COLUMN use_count BIGINT DEFAULT 0 NOT NULL",
];

// By the hour and not by `last_seen_at`, which changes with every write: a change of an indexed column writes all indexes of the row.
const INDEX: &str = "CREATE INDEX api_token_value_user_seen_idx ON api_token_value_user (last_seen_hour)";

const DOWN: [&str; 3] = [
    "DROP TABLE api_token_value_user",
    "ALTER TABLE api_token_value DROP COLUMN use_count",
    "ALTER TABLE api_token_value DROP COLUMN last_used_at",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let (collation, storage) = if is_postgres(manager) { ("COLLATE \"C\"", "") } else { ("", "WITHOUT ROWID") };
        let users = format!(
            "CREATE TABLE api_token_value_user (
                 token_id TEXT {collation} NOT NULL,
                 generation BIGINT NOT NULL,
                 address TEXT {collation} NOT NULL,
                 user_agent TEXT {collation} NOT NULL,
                 first_seen_at BIGINT NOT NULL,
                 last_seen_at BIGINT NOT NULL,
                 last_seen_hour BIGINT NOT NULL,
                 use_count BIGINT NOT NULL,
                 PRIMARY KEY (token_id, generation, address, user_agent)
             ) {storage}"
        );
        run(manager.get_connection(), &COLUMNS).await?;
        run(manager.get_connection(), &[users.as_str(), INDEX]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager.get_connection(), &DOWN).await
    }
}
