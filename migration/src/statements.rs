//! Steps that are lists of statements.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{ConnectionTrait, DbBackend};

/// Runs these one after the other.
pub(crate) async fn run(connection: &impl ConnectionTrait, statements: &[&str]) -> Result<(), DbErr> {
    for sql in statements {
        connection.execute_unprepared(sql).await?;
    }
    Ok(())
}

pub(crate) fn is_postgres(manager: &SchemaManager<'_>) -> bool {
    manager.get_database_backend() == DbBackend::Postgres
}

/// A step that runs the same statements on both databases.
pub(crate) struct Statements {
    pub(crate) name: &'static str,
    pub(crate) up: &'static [&'static str],
    pub(crate) down: &'static [&'static str],
}

impl MigrationName for Statements {
    fn name(&self) -> &str {
        self.name
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Statements {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager.get_connection(), self.up).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager.get_connection(), self.down).await
    }
}
