//! Drops the indexes of the audit log that others have replaced. They served until now; nobody can read the log while one is
//! dropped, so this is a step of its own.

use sea_orm_migration::prelude::*;

use crate::statements::run;

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0011_old_event_indexes"
    }
}

const UP: [&str; 2] = [
    "DROP INDEX audit_event_token_id_idx",
    // The moment of an event is in its id, which sorts by it.
    "DROP INDEX audit_event_at_idx",
];

const DOWN: [&str; 2] = [
    "CREATE INDEX audit_event_token_id_idx ON audit_event (token_id, id)",
    "CREATE INDEX audit_event_at_idx ON audit_event (at)",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager.get_connection(), &UP).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager.get_connection(), &DOWN).await
    }
}
