//! The status that housekeeping last found, for indexes to begin with.
//!
//! Status follows from moments and the time, so no index can be ordered by it. No rule looks at this column: a listing reads
//! it as a hint where to look, asks the moments of every token that it finds there, and finds those that housekeeping has not
//! come to by partial indexes.
//!
//! Nothing here takes long, because nobody can read a token meanwhile. Indexes that others replace go here, too, as dropping
//! one takes the same lock.

use sea_orm_migration::prelude::*;

use crate::statements::{is_postgres, run};

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0004_swept_status"
    }
}

const DROPPED: [&str; 2] = ["DROP INDEX api_token_name_idx", "DROP INDEX api_token_owner_idx"];

const DOWN: [&str; 3] = [
    "ALTER TABLE api_token DROP COLUMN swept_status",
    "CREATE INDEX api_token_name_idx ON api_token (name, id)",
    "CREATE INDEX api_token_owner_idx ON api_token (owner, id)",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let collation = if is_postgres(manager) { "COLLATE \"C\"" } else { "" };
        let status =
            format!("ALTER TABLE api_token ADD COLUMN swept_status TEXT {collation} DEFAULT 'ACTIVE' NOT NULL");
        run(manager.get_connection(), &[&status]).await?;
        run(manager.get_connection(), &DROPPED).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager.get_connection(), &DOWN).await
    }
}
