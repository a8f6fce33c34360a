//! Limiting the work of one statement on SQLite, which has no statement timeout.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use sea_orm::sqlx;
use sea_orm::sqlx::sqlite::SqliteConnection;

/// How many instructions of SQLite's virtual machine a listing may take. SQLite runs tens of millions of them a second.
const MAX_STEPS: u32 = 100_000_000;
/// How many instructions run between two checks of that limit.
const STEPS_BETWEEN_CHECKS: u16 = 1_000;
const MAX_CHECKS: u32 = MAX_STEPS / STEPS_BETWEEN_CHECKS as u32;

/// How often the limit of a connection was checked since its statement began.
#[derive(Debug)]
pub(super) struct Steps(Arc<AtomicU32>);

impl Steps {
    /// Interrupts statements of this connection that take more steps. A long read keeps other listings waiting, and prevents
    /// checkpoints of the write-ahead log.
    pub(super) async fn limit(connection: &mut SqliteConnection) -> Result<Self, sqlx::Error> {
        let checks = Arc::new(AtomicU32::new(0));
        let counted = checks.clone();
        connection.lock_handle().await?.set_progress_handler(STEPS_BETWEEN_CHECKS.into(), move || {
            counted.fetch_add(1, Ordering::Relaxed) < MAX_CHECKS
        });
        Ok(Self(checks))
    }

    /// Counts from zero, for the next statement.
    pub(super) fn begin_count(&self) {
        self.0.store(0, Ordering::Relaxed);
    }
}
