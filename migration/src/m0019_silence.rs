//! When an overlap ends, and for how long a value must not have been used before it is cut off unforced.
//!
//! Nothing here takes long, because no token can be read meanwhile. Tokens of before have no such time: their values can be cut off as ever.
//! A version that does not know the columns must not accept a value that has retired because it was silent. The start of the overlap of such
//! a token has a suffix that such a version cannot read. It cuts off values of other tokens without looking at their use, as it always did.

use sea_orm_migration::prelude::*;

use crate::statements::{is_postgres, run};

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0019_silence_usable_from_m0011"
    }
}

const SILENT_MINUTES: &str = "ALTER TABLE api_token ADD COLUMN silent_minutes BIGINT DEFAULT 0 NOT NULL";

const DOWN: [&str; 2] =
    ["ALTER TABLE api_token DROP COLUMN overlap_ends", "ALTER TABLE api_token DROP COLUMN silent_minutes"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let collation = if is_postgres(manager) { " COLLATE \"C\"" } else { "" };
        let ends = format!("ALTER TABLE api_token ADD COLUMN overlap_ends TEXT{collation} DEFAULT 'ON_TIME' NOT NULL");
        run(manager.get_connection(), &[SILENT_MINUTES, &ends]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager.get_connection(), &DOWN).await
    }
}
