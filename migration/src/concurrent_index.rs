//! Indexes that take long to build on PostgreSQL, while tokens are created and rotated.
//!
//! `CREATE INDEX` blocks changes to its table until it is built. `CREATE INDEX CONCURRENTLY` does not, but runs in no transaction, and leaves
//! an invalid index behind if it fails. So it runs before its step, whose transaction then finds the index, or builds it if the
//! table is empty.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{ConnectionTrait, DbBackend, Statement};

use crate::m0025_text_search;

/// An index to build before its step.
#[derive(Debug)]
pub struct ConcurrentIndex {
    /// The name of the step.
    pub(crate) step: &'static str,
    pub(crate) table: &'static str,
    pub(crate) name: &'static str,
    /// The rest of its definition.
    pub(crate) columns: &'static str,
    /// The operator class that it needs, which an extension brings.
    pub(crate) operator_class: &'static str,
}

/// What there is of an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IndexState {
    /// Its extension is missing.
    Unsupported,
    /// The index does not exist.
    Missing,
    /// It is being built, or building it failed.
    Invalid,
    /// It is built.
    Valid,
}

/// The index to build before this step.
#[must_use]
pub fn index_before(step: &str) -> Option<&'static ConcurrentIndex> {
    [&m0025_text_search::INDEX].into_iter().find(|index| index.step == step)
}

impl ConcurrentIndex {
    /// Its table.
    #[must_use]
    pub fn table(&self) -> &'static str {
        self.table
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The statement that builds it while its table is changed, outside of a transaction.
    #[must_use]
    pub fn create_concurrently(&self) -> String {
        format!("CREATE INDEX CONCURRENTLY {} ON {} {}", self.name, self.table, self.columns)
    }

    /// What there is of it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn state(&self, connection: &impl ConnectionTrait) -> Result<IndexState, DbErr> {
        let sql = format!(
            "SELECT EXISTS (SELECT FROM pg_opclass WHERE opcname = '{}' AND pg_opclass_is_visible(oid)),
             (SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('{}'))",
            self.operator_class, self.name
        );
        let row = connection.query_one_raw(Statement::from_string(DbBackend::Postgres, sql)).await?;
        let Some(row) = row else { return Ok(IndexState::Missing) };
        Ok(match (row.try_get_by_index(0)?, row.try_get_by_index(1)?) {
            (false, None) => IndexState::Unsupported,
            (true, None) => IndexState::Missing,
            (_, Some(false)) => IndexState::Invalid,
            (_, Some(true)) => IndexState::Valid,
        })
    }

    /// Keeps others from building it until this transaction ends; fails at once if one does. Waiting for the lock would take a snapshot, for
    /// which that build would wait in turn.
    ///
    /// # Errors
    /// When the database fails, or the table is locked.
    pub async fn lock_table(&self, transaction: &impl ConnectionTrait) -> Result<(), DbErr> {
        let lock = format!("LOCK TABLE {} IN SHARE UPDATE EXCLUSIVE MODE NOWAIT", self.table);
        transaction.execute_unprepared(&lock).await.map(drop)
    }

    /// Removes what a failed build left behind, in a transaction in which nobody else builds it; returns what there is now.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn remove_invalid(&self, transaction: &impl ConnectionTrait) -> Result<IndexState, DbErr> {
        match self.state(transaction).await? {
            IndexState::Invalid => {
                transaction.execute_unprepared(&format!("DROP INDEX {}", self.name)).await?;
                self.state(transaction).await
            }
            state => Ok(state),
        }
    }

    /// Builds it in the transaction of its step, unless it was built before.
    pub(crate) async fn create(&self, transaction: &impl ConnectionTrait) -> Result<(), DbErr> {
        if self.remove_invalid(transaction).await? == IndexState::Missing {
            let create = format!("CREATE INDEX {} ON {} {}", self.name, self.table, self.columns);
            transaction.execute_unprepared(&create).await?;
        }
        Ok(())
    }
}
