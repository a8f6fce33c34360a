//! Indexes by which housekeeping finds the values that have been retired for long, and the retired ones without a date.

use sea_orm_migration::prelude::*;

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0005_retired_values"
    }
}

#[derive(DeriveIden)]
enum ApiTokenValue {
    Table,
    TokenId,
    ReplacedAt,
    RetiresAt,
}

const RETIRES_AT: &str = "api_token_value_retires_at_idx";
const UNDATED: &str = "api_token_value_undated_idx";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let (replaced_at, retires_at) =
            (|| Expr::col(ApiTokenValue::ReplacedAt), || Expr::col(ApiTokenValue::RetiresAt));
        manager
            .create_index(
                Index::create()
                    .name(RETIRES_AT)
                    .table(ApiTokenValue::Table)
                    .col(ApiTokenValue::RetiresAt)
                    .cond_where(retires_at().is_not_null())
                    .take(),
            )
            .await?;
        // Those whose overlap begins with the first use of the next value, and those whose overlap was ended at once.
        manager
            .create_index(
                Index::create()
                    .name(UNDATED)
                    .table(ApiTokenValue::Table)
                    .col(ApiTokenValue::TokenId)
                    .cond_where(replaced_at().is_not_null().and(retires_at().is_null()))
                    .take(),
            )
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for name in [RETIRES_AT, UNDATED] {
            manager.drop_index(Index::drop().name(name).table(ApiTokenValue::Table).to_owned()).await?;
        }
        Ok(())
    }
}
