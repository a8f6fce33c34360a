//! Indexes by which every filter of the audit log is read in order.
//!
//! On PostgreSQL every change waits meanwhile, because it adds an event; reading goes on.

use sea_orm_migration::prelude::*;

use crate::statements::run;

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0009_event_indexes"
    }
}

const UP: [&str; 3] = [
    "CREATE INDEX audit_event_action_idx ON audit_event (action, id)",
    "CREATE INDEX audit_event_token_idx ON audit_event (token_id, action, id) WHERE token_id IS NOT NULL",
    "CREATE INDEX audit_event_actor_idx ON audit_event (actor, action, id) WHERE actor IS NOT NULL",
];

const DOWN: [&str; 3] =
    ["DROP INDEX audit_event_action_idx", "DROP INDEX audit_event_token_idx", "DROP INDEX audit_event_actor_idx"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager.get_connection(), &UP).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager.get_connection(), &DOWN).await
    }
}
