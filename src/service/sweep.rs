//! Housekeeping: what nothing needs any more is erased. No rule waits for it; a token expires on time without.

use super::{Error, Service};

impl Service {
    /// Erases the salts of rotations whose overlap is over (R6), audit events beyond the retention, and what every replica has
    /// heard of long since.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sweep(&self) -> Result<(), Error> {
        let now = self.now();
        self.store.erase_stale_salts(now).await?;
        self.store.forget_changes().await?;
        if let Some(minutes) = self.policy.audit_retention_minutes {
            self.store.forget_events(now.minus_minutes(minutes)).await?;
        }
        Ok(())
    }
}
