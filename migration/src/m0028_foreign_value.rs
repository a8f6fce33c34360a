//! Values that were issued elsewhere and imported: the name of their format, and the SHA-256 of what was imported with the value, by
//! which a repeated import is recognised. Both are null for values of ours.
//!
//! Nothing here takes long, because no value can be read meanwhile. A version that does not know the columns refuses a foreign value
//! before it asks the database, since it has no checksum.

use sea_orm_migration::prelude::*;

use crate::statements::{is_postgres, run};

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0028_foreign_value_usable_from_m0011"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let (text, bytes) = if is_postgres(manager) { ("TEXT COLLATE \"C\"", "BYTEA") } else { ("TEXT", "BLOB") };
        for (column, kind) in [("format", text), ("import_fingerprint", bytes)] {
            let add = format!("ALTER TABLE api_token_value ADD COLUMN {column} {kind}");
            run(manager.get_connection(), &[&add]).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in ["format", "import_fingerprint"] {
            run(manager.get_connection(), &[&format!("ALTER TABLE api_token_value DROP COLUMN {column}")]).await?;
        }
        Ok(())
    }
}
