//! Tokens, their values, and the audit log.
//!
//! The lasting identity and the replaceable secret are two tables: a rotation adds a value and never touches the identity.
//! Moments are whole milliseconds since the Unix epoch in a BIGINT, so that both databases store, compare and index the
//! very number that the rules decide on. Lists are space-separated, as RFC 6749 section 3.3 writes scopes.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0001_tokens"
    }
}

#[derive(DeriveIden)]
enum ApiToken {
    Table,
    Id,
    Name,
    Description,
    Owner,
    Kind,
    Permissions,
    Scopes,
    ExpiresAt,
    RotationPeriodMinutes,
    OverlapMinutes,
    Generation,
    CreatedAt,
    CreatedBy,
    LastUsedAt,
    RevokedAt,
}

#[derive(DeriveIden)]
enum ApiTokenValue {
    Table,
    TokenId,
    Generation,
    Hash,
    Hint,
    CreatedAt,
    CreatedBy,
    FirstUsedAt,
    RetiresAt,
}

#[derive(DeriveIden)]
enum AuditEvent {
    Table,
    Id,
    At,
    Action,
    Actor,
    TokenId,
    Generation,
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let backend = manager.get_database_backend();
        manager.create_table(api_token(backend)).await?;
        manager.create_table(api_token_value(backend)).await?;
        manager.create_table(audit_event(backend)).await?;
        for index in indexes() {
            manager.create_index(index).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table(AuditEvent::Table).to_owned()).await?;
        manager.drop_table(Table::drop().table(ApiTokenValue::Table).to_owned()).await?;
        manager.drop_table(Table::drop().table(ApiToken::Table).to_owned()).await
    }
}

/// A text column that sorts by code point on both databases: SQLite does so by default, PostgreSQL by its "C" collation.
fn text(backend: DbBackend, column: impl IntoIden) -> ColumnDef {
    let mut definition = ColumnDef::new(column);
    definition.text();
    if backend == DbBackend::Postgres {
        definition.extra("COLLATE \"C\"");
    }
    definition
}

fn required(mut definition: ColumnDef) -> ColumnDef {
    definition.not_null().take()
}

fn moment(column: impl IntoIden) -> ColumnDef {
    ColumnDef::new(column).big_integer().take()
}

fn number(column: impl IntoIden) -> ColumnDef {
    ColumnDef::new(column).big_integer().not_null().take()
}

fn api_token(backend: DbBackend) -> TableCreateStatement {
    Table::create()
        .table(ApiToken::Table)
        .col(text(backend, ApiToken::Id).not_null().primary_key().take())
        .col(required(text(backend, ApiToken::Name)))
        .col(text(backend, ApiToken::Description))
        .col(text(backend, ApiToken::Owner))
        .col(required(text(backend, ApiToken::Kind)))
        .col(required(text(backend, ApiToken::Permissions)))
        .col(required(text(backend, ApiToken::Scopes)))
        .col(moment(ApiToken::ExpiresAt))
        .col(ColumnDef::new(ApiToken::RotationPeriodMinutes).big_integer())
        .col(number(ApiToken::OverlapMinutes))
        // The generation of the current value. A rotation moves it with compare-and-set, so that one wins (R7).
        .col(number(ApiToken::Generation))
        .col(required(moment(ApiToken::CreatedAt)))
        .col(text(backend, ApiToken::CreatedBy))
        .col(moment(ApiToken::LastUsedAt))
        .col(moment(ApiToken::RevokedAt))
        .check(Expr::col(ApiToken::Generation).gte(1))
        .check(Expr::col(ApiToken::OverlapMinutes).gte(0))
        .check(Expr::col(ApiToken::RotationPeriodMinutes).gte(1))
        .take()
}

fn api_token_value(backend: DbBackend) -> TableCreateStatement {
    Table::create()
        .table(ApiTokenValue::Table)
        .col(required(text(backend, ApiTokenValue::TokenId)))
        .col(number(ApiTokenValue::Generation))
        // SHA-256 of the value. A plain fast hash is enough: a value is 256 random bits, so nobody can guess it from here.
        .col(ColumnDef::new(ApiTokenValue::Hash).blob().not_null())
        .col(required(text(backend, ApiTokenValue::Hint)))
        .col(required(moment(ApiTokenValue::CreatedAt)))
        .col(text(backend, ApiTokenValue::CreatedBy))
        .col(moment(ApiTokenValue::FirstUsedAt))
        // Null for the current value, which nothing has replaced yet.
        .col(moment(ApiTokenValue::RetiresAt))
        .primary_key(Index::create().col(ApiTokenValue::TokenId).col(ApiTokenValue::Generation))
        .foreign_key(
            ForeignKey::create()
                .name("api_token_value_token_id_fkey")
                .from(ApiTokenValue::Table, ApiTokenValue::TokenId)
                .to(ApiToken::Table, ApiToken::Id),
        )
        .check(Expr::expr(Func::cust("length").arg(Expr::col(ApiTokenValue::Hash))).eq(32))
        .check(Expr::col(ApiTokenValue::Generation).gte(1))
        .take()
}

fn audit_event(backend: DbBackend) -> TableCreateStatement {
    Table::create()
        .table(AuditEvent::Table)
        .col(text(backend, AuditEvent::Id).not_null().primary_key().take())
        .col(required(moment(AuditEvent::At)))
        .col(required(text(backend, AuditEvent::Action)))
        // The token whose holder did it; null for the operator at the command line.
        .col(text(backend, AuditEvent::Actor))
        // No foreign key: the log outlives what it speaks of.
        .col(required(text(backend, AuditEvent::TokenId)))
        .col(number(AuditEvent::Generation))
        .take()
}

fn indexes() -> Vec<IndexCreateStatement> {
    vec![
        Index::create()
            .name("api_token_value_hash_key")
            .table(ApiTokenValue::Table)
            .col(ApiTokenValue::Hash)
            .unique()
            .take(),
        // R1, held by the database itself: a token has one current value.
        Index::create()
            .name("api_token_value_current_key")
            .table(ApiTokenValue::Table)
            .col(ApiTokenValue::TokenId)
            .cond_where(Expr::col(ApiTokenValue::RetiresAt).is_null())
            .unique()
            .take(),
        Index::create().name("api_token_name_idx").table(ApiToken::Table).col(ApiToken::Name).col(ApiToken::Id).take(),
        Index::create()
            .name("api_token_owner_idx")
            .table(ApiToken::Table)
            .col(ApiToken::Owner)
            .col(ApiToken::Id)
            .take(),
        Index::create()
            .name("audit_event_token_id_idx")
            .table(AuditEvent::Table)
            .col(AuditEvent::TokenId)
            .col(AuditEvent::Id)
            .take(),
    ]
}
