//! On PostgreSQL, the index of texts takes the place and the name of the index of names, by which an older version looks for it.
//!
//! Nothing here takes long, because no token can be read meanwhile.

use sea_orm_migration::prelude::*;

use crate::statements::{is_postgres, run};

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0026_text_search_name_usable_from_m0011"
    }
}

const UP: [&str; 1] = ["DO $$ BEGIN
    IF to_regclass('api_token_text_search_idx') IS NOT NULL THEN
        DROP INDEX IF EXISTS api_token_name_search_idx;
        ALTER INDEX api_token_text_search_idx RENAME TO api_token_name_search_idx;
    END IF;
END $$"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if is_postgres(manager) { run(manager.get_connection(), &UP).await } else { Ok(()) }
    }

    // Names are found by the index of texts, too.
    async fn down(&self, _: &SchemaManager) -> Result<(), DbErr> {
        Ok(())
    }
}
