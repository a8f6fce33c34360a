//! Deleting old rows of the table `change`.

use sea_orm::{ConnectionTrait, DbBackend, Statement};

use crate::store::{Error, Store};

/// The key of an advisory lock: any constant. Of replicas that delete at the same time, one does.
const SWEEP_LOCK: i64 = 0x726f_7461_6b65_7902;

impl Store {
    /// Deletes the rows that are ten minutes old by the database's clock, which every replica in contact has polled; returns how
    /// many. On SQLite there is nothing to delete.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delete_old_changes(&self) -> Result<u64, Error> {
        if self.write.get_database_backend() != DbBackend::Postgres {
            return Ok(0);
        }
        let sql = format!(
            "DELETE FROM change WHERE at < now() - interval '10 minutes' \
             AND (SELECT pg_try_advisory_xact_lock({SWEEP_LOCK}))"
        );
        Ok(self.write.execute_raw(Statement::from_string(DbBackend::Postgres, sql)).await?.rows_affected())
    }
}
