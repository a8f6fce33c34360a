//! Why something was done, as the caller says; null for most events.
//!
//! Nothing here takes long, because no event can be read or added meanwhile.

use sea_orm_migration::prelude::*;

use crate::statements::{is_postgres, run};

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0017_event_reason_usable_from_m0011"
    }
}

const COLUMNS: [&str; 2] = ["reason", "evidence_url"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let collation = if is_postgres(manager) { " COLLATE \"C\"" } else { "" };
        for column in COLUMNS {
            let add = format!("ALTER TABLE audit_event ADD COLUMN {column} TEXT{collation}");
            run(manager.get_connection(), &[&add]).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in COLUMNS {
            run(manager.get_connection(), &[&format!("ALTER TABLE audit_event DROP COLUMN {column}")]).await?;
        }
        Ok(())
    }
}
