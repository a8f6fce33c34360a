//! What happens to a token when one of its values is reported to have leaked. A version that does not know the column takes no such reports.

use sea_orm_migration::prelude::*;

use crate::statements::{is_postgres, run};

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0035_on_leak_usable_from_m0011"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let collation = if is_postgres(manager) { " COLLATE \"C\"" } else { "" };
        let add = format!("ALTER TABLE api_token ADD COLUMN on_leak TEXT{collation} DEFAULT 'ALERT' NOT NULL");
        run(manager.get_connection(), &[&add]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager.get_connection(), &["ALTER TABLE api_token DROP COLUMN on_leak"]).await
    }
}
