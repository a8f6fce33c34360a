//! Deleting old rows of the table `change`.

use sea_orm::{ConnectionTrait, DbBackend, Statement};

use crate::store::{Error, Store};

/// The key of an advisory lock: any constant. If several replicas delete at the same time, one of them does the work.
const SWEEP_LOCK: i64 = 0x726f_7461_6b65_7902;

impl Store {
    /// Deletes rows that are older than ten minutes by the database's clock; returns how many. Every replica in contact has polled
    /// them. On SQLite there are none.
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
