//! Writing buffered uses periodically.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use crate::service::{Error, Service};

use super::buffer::UseBuffer;

/// How often buffered uses are written.
const WRITING_PERIOD: Duration = Duration::from_secs(20);

impl Service {
    /// Writes the buffered uses. Those that cannot be written stay in the buffer.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn write_uses(&self) -> Result<(), Error> {
        loop {
            let batch = self.uses.batch();
            self.store.write_uses(&batch).await?;
            self.uses.remove_written(&batch);
            // A partial batch is the last one: uses that arrive all the time must not keep this loop running.
            if batch.len() < UseBuffer::BATCH {
                return Ok(());
            }
        }
    }

    /// Writes buffered uses periodically. Runs as long as the server; [`Service::close`] writes the last ones.
    pub async fn keep_uses(self) {
        let mut ticks = interval(WRITING_PERIOD);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                () = self.uses.nearly_full.notified() => {}
            }
            if let Err(cause) = self.write_uses().await {
                tracing::warn!(name: "uses_not_written", %cause, "uses could not be written; retrying soon");
                // Wait, even if the buffer is full.
                ticks.tick().await;
            }
        }
    }
}
