//! When housekeeping is to look at a current value again: when its rotation period ends, and nothing once that is seen.
//!
//! Nothing here takes long, because nobody can read a value meanwhile. It is apart from the column of `api_token`, because
//! a transaction that reads both tables may lock them in either order.

use sea_orm_migration::prelude::*;

use crate::statements::{is_postgres, run};

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0005_overdue_at"
    }
}

const COLUMN: &str = "ALTER TABLE api_token_value ADD COLUMN overdue_at BIGINT";
/// What a replica of an older version still writes is looked at.
const DEFAULT: &str = "ALTER TABLE api_token_value ALTER COLUMN overdue_at SET DEFAULT 0";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let statements: &[&str] = if is_postgres(manager) { &[COLUMN, DEFAULT] } else { &[COLUMN] };
        run(manager.get_connection(), statements).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager.get_connection(), &["ALTER TABLE api_token_value DROP COLUMN overdue_at"]).await
    }
}
