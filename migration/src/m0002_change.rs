//! The table `change`, by which replicas on PostgreSQL learn of each other's commits. SQLite has no such table: a process that
//! shares the file notices in another way that it was written to.
//!
//! A transaction that changes something adds a row, and every replica polls for the rows that were committed since its last poll.
//! Rows are deleted after some minutes.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0002_change"
    }
}

/// Unlogged, so that announcing a change needs no write to the log and no wait for the disk. Nothing is lost: the table is emptied
/// when the server crashes or another takes over, and then every replica loses contact and drops its cache.
///
/// `seq` is assigned while the rows of the changed token are locked, so the changes to one token are in commit order. `xid` tells
/// which snapshots see the row. A time could not, because transactions do not commit in the order in which they began. The types
/// and functions need PostgreSQL 13.
const TABLE: &str = "CREATE UNLOGGED TABLE change (
    seq bigint GENERATED ALWAYS AS IDENTITY,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    ids text NOT NULL
)";

const INDEX: &str = "CREATE INDEX change_xid_idx ON change (xid)";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.get_database_backend() == DbBackend::Postgres {
            for sql in [TABLE, INDEX] {
                manager.get_connection().execute_unprepared(sql).await?;
            }
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.get_database_backend() == DbBackend::Postgres {
            manager.get_connection().execute_unprepared("DROP TABLE change").await?;
        }
        Ok(())
    }
}
