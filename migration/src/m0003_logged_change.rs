//! Makes the table `change` logged, so that it still works after a standby has taken over from the primary.
//!
//! The sequence of an unlogged table is unlogged, too, from PostgreSQL 15 on. On a standby that was promoted it may be
//! unusable ("bad magic number in sequence"), and every transaction that changes something then fails for good. Making the
//! table anew mends that, too. It costs no further wait for the disk: the transaction that adds a row waits for its commit
//! anyway.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0003_logged_change"
    }
}

/// Replicas of the previous version may go on meanwhile, so no row may be lost that one of them has yet to read.
///
/// The lock comes first, in a statement of its own: once it is held, all transactions that have added a row are over, and the
/// statements after it see those rows. They keep their `xid`, by which every replica finds those that it has not read, and
/// their order. A replica that asks meanwhile waits for the lock, and takes its snapshot after that.
///
/// Nothing here uses the old sequence, which may be unusable.
const STEPS: [&str; 6] = [
    "LOCK TABLE change IN ACCESS EXCLUSIVE MODE",
    "ALTER TABLE change RENAME TO unlogged_change",
    "CREATE TABLE change (
        seq bigint GENERATED ALWAYS AS IDENTITY,
        xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
        at timestamptz NOT NULL DEFAULT clock_timestamp(),
        ids text NOT NULL
    )",
    "INSERT INTO change (xid, at, ids) SELECT xid, at, ids FROM unlogged_change ORDER BY seq",
    "DROP TABLE unlogged_change",
    "CREATE INDEX change_xid_idx ON change (xid)",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.get_database_backend() == DbBackend::Postgres {
            for sql in STEPS {
                manager.get_connection().execute_unprepared(sql).await?;
            }
        }
        Ok(())
    }

    /// A logged table serves the previous version as well.
    async fn down(&self, _: &SchemaManager) -> Result<(), DbErr> {
        Ok(())
    }
}
