//! Deleting what told of changes long ago.

use sea_orm::{ConnectionTrait, DbBackend, Statement};

use crate::store::{Error, Store};

/// Any constant of ours: of replicas that delete old rows at the same time, one does.
const SWEEP_LOCK: i64 = 0x726f_7461_6b65_7902;

impl Store {
    /// Deletes what was told of changes ten minutes ago, by the database's clock, and heard by everybody who is in contact; how
    /// much that was. On SQLite there is nothing to delete.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_changes(&self) -> Result<u64, Error> {
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
