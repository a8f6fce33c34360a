//! The sort keys of tokens: what they are ordered and filtered by in listings, apart from status, kind, owner and name.
//!
//! They are a table of their own, which housekeeping fills in the background, so that creating, rotating and using a token writes none of its
//! indexes. Until then a token is found by the index of the next step. `expires_at` and `rotate_by` are the greatest number if there is
//! no such time, and `last_used_at` is 0. While the rotation period lasts, `rotate_by` is null, because a rotation changes it: the value
//! has it as `overdue_at`. `previous_used_at` is when a value that had been replaced was last used. No foreign key: a token is never
//! deleted.
//!
//! Nothing here takes long, because no token can be read meanwhile.

use sea_orm_migration::prelude::*;

use crate::statements::{is_postgres, run};

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0021_sort_keys_usable_from_m0011"
    }
}

const COLUMN: &str = "ALTER TABLE api_token ADD COLUMN has_sort_keys BOOLEAN DEFAULT false NOT NULL";

const INDEXES: [&str; 5] = [
    "CREATE INDEX api_token_sort_key_created_by_idx ON api_token_sort_key (created_by, token_id) WHERE created_by IS NOT NULL",
    "CREATE INDEX api_token_sort_key_expires_at_idx ON api_token_sort_key (expires_at, token_id)",
    "CREATE INDEX api_token_sort_key_rotate_by_idx ON api_token_sort_key (rotate_by, token_id) WHERE rotate_by IS NOT NULL",
    "CREATE INDEX api_token_sort_key_last_used_at_idx ON api_token_sort_key (last_used_at, token_id)",
    "CREATE INDEX api_token_sort_key_previous_used_at_idx ON api_token_sort_key (previous_used_at) WHERE previous_used_at IS NOT NULL",
];

const DOWN: [&str; 2] = ["DROP TABLE api_token_sort_key", "ALTER TABLE api_token DROP COLUMN has_sort_keys"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let (collation, storage) = if is_postgres(manager) { ("COLLATE \"C\"", "") } else { ("", "WITHOUT ROWID") };
        let keys = format!(
            "CREATE TABLE api_token_sort_key (
                 token_id TEXT {collation} NOT NULL PRIMARY KEY,
                 created_by TEXT {collation},
                 expires_at BIGINT NOT NULL,
                 rotate_by BIGINT,
                 last_used_at BIGINT NOT NULL,
                 previous_used_at BIGINT
             ) {storage}"
        );
        run(manager.get_connection(), &[COLUMN, &keys]).await?;
        run(manager.get_connection(), &INDEXES).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager.get_connection(), &DOWN).await
    }
}
