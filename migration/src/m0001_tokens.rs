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
    OverlapStarts,
    AllowedCidrBlocks,
    AllowedOrigins,
    OnReuse,
    Protected,
    Generation,
    PreviousGeneration,
    CreatedAt,
    CreatedBy,
    UpdatedAt,
    UpdatedBy,
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
    ReplacedAt,
    RetiresAt,
    OverlapMinutes,
    Salt,
    ReusedAt,
}

#[derive(DeriveIden)]
enum AuditEvent {
    Table,
    Id,
    At,
    Action,
    Result,
    Actor,
    TokenId,
    Generation,
    Address,
    UserAgent,
    RequestId,
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
        .col(required(text(backend, ApiToken::OverlapStarts)))
        .col(required(text(backend, ApiToken::AllowedCidrBlocks)))
        .col(required(text(backend, ApiToken::AllowedOrigins)))
        .col(required(text(backend, ApiToken::OnReuse)))
        .col(ColumnDef::new(ApiToken::Protected).boolean().not_null())
        // The generation of the current value. A rotation moves it with compare-and-set, so that one wins (R7).
        .col(number(ApiToken::Generation))
        // The one other generation that may still work, until its value's retires_at. That it is one column is R1: no third
        // value works, whatever any clock says.
        .col(ColumnDef::new(ApiToken::PreviousGeneration).big_integer())
        .col(required(moment(ApiToken::CreatedAt)))
        .col(text(backend, ApiToken::CreatedBy))
        .col(moment(ApiToken::UpdatedAt))
        .col(text(backend, ApiToken::UpdatedBy))
        .col(moment(ApiToken::LastUsedAt))
        .col(moment(ApiToken::RevokedAt))
        .check(Expr::col(ApiToken::Generation).gte(1))
        .check(Expr::col(ApiToken::PreviousGeneration).lt(Expr::col(ApiToken::Generation)))
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
        .col(moment(ApiTokenValue::ReplacedAt))
        // Null for the current value, and for a replaced one whose overlap begins at the first use of the new one.
        .col(moment(ApiTokenValue::RetiresAt))
        // The overlap, in minutes, that the rotation which issued this value left to the one before.
        .col(number(ApiTokenValue::OverlapMinutes))
        // What a repeated request derives the value from again, with the value and the key that only its caller has (R6).
        .col(ColumnDef::new(ApiTokenValue::Salt).blob())
        // When it was last presented although it no longer works, as far as that is recorded (R8).
        .col(moment(ApiTokenValue::ReusedAt))
        .primary_key(Index::create().col(ApiTokenValue::TokenId).col(ApiTokenValue::Generation))
        .foreign_key(
            ForeignKey::create()
                .name("api_token_value_token_id_fkey")
                .from(ApiTokenValue::Table, ApiTokenValue::TokenId)
                .to(ApiToken::Table, ApiToken::Id),
        )
        .check(Expr::expr(Func::cust("length").arg(Expr::col(ApiTokenValue::Hash))).eq(32))
        .check(Expr::col(ApiTokenValue::Generation).gte(1))
        .check(Expr::col(ApiTokenValue::ReplacedAt).is_not_null().or(Expr::col(ApiTokenValue::RetiresAt).is_null()))
        .take()
}

fn audit_event(backend: DbBackend) -> TableCreateStatement {
    Table::create()
        .table(AuditEvent::Table)
        .col(text(backend, AuditEvent::Id).not_null().primary_key().take())
        .col(required(moment(AuditEvent::At)))
        .col(required(text(backend, AuditEvent::Action)))
        // OK, or the code of the refusal.
        .col(required(text(backend, AuditEvent::Result)))
        // The token whose holder did it, SYSTEM for the operator at the command line, null if unknown.
        .col(text(backend, AuditEvent::Actor))
        // No foreign key: the log outlives what it speaks of.
        .col(text(backend, AuditEvent::TokenId))
        .col(ColumnDef::new(AuditEvent::Generation).big_integer())
        .col(text(backend, AuditEvent::Address))
        .col(text(backend, AuditEvent::UserAgent))
        .col(text(backend, AuditEvent::RequestId))
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
            .cond_where(Expr::col(ApiTokenValue::ReplacedAt).is_null())
            .unique()
            .take(),
        // The few values whose salt is still to be erased.
        Index::create()
            .name("api_token_value_salt_idx")
            .table(ApiTokenValue::Table)
            .col(ApiTokenValue::TokenId)
            .cond_where(Expr::col(ApiTokenValue::Salt).is_not_null())
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
        Index::create().name("audit_event_at_idx").table(AuditEvent::Table).col(AuditEvent::At).take(),
    ]
}
