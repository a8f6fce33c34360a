//! Changes that replicas on PostgreSQL have yet to hear of. On SQLite there is no such table: a process that shares the file
//! notices by other means that another has written to it.
//!
//! The transaction that changes something adds a row, and every replica reads the rows that were committed since it last
//! looked. A row is kept for some minutes and then deleted.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0002_change"
    }
}

/// Unlogged, so that to tell costs no log and no wait for the disk. Nothing is lost by that: the table is emptied when the server
/// has crashed or another takes its place, and by that every replica loses contact and forgets all that it remembered.
///
/// `seq` is taken while the rows of the changed token are locked, so the changes to one token come in the order of their
/// commits. `xid` tells by which snapshots the row is seen, which no moment could: transactions do not commit in the order in
/// which they began. Types and functions of transactions are those of PostgreSQL 13.
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
