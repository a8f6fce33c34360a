//! Whether the overlap of a rotation ends in brown-outs. A version that does not know the column lets the previous value work throughout.

use sea_orm_migration::prelude::*;

use crate::statements::run;

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0031_brown_out_usable_from_m0011"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager.get_connection(), &["ALTER TABLE api_token_value ADD COLUMN brown_out BOOLEAN"]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager.get_connection(), &["ALTER TABLE api_token_value DROP COLUMN brown_out"]).await
    }
}
