//! Writing the uses that were noted, from time to time.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use crate::service::judge::UseBuffer;
use crate::service::{Error, Service};

/// How often what was noted is written.
const WRITING_PERIOD: Duration = Duration::from_secs(20);

impl Service {
    /// Writes the uses that were noted. What cannot be written is kept for the next time.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn write_uses(&self) -> Result<(), Error> {
        loop {
            let batch = self.uses.batch();
            self.store.write_uses(&batch).await?;
            self.uses.forget(&batch);
            // Whoever uses tokens all the while must not keep this going for ever.
            if batch.len() < UseBuffer::BATCH {
                return Ok(());
            }
        }
    }

    /// Writes uses as they come. Runs for as long as the server does; [`Service::close`] writes the last ones.
    pub async fn keep_uses(self) {
        let mut ticks = interval(WRITING_PERIOD);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                () = self.uses.crowded.notified() => {}
            }
            if let Err(cause) = self.write_uses().await {
                tracing::warn!(%cause, "uses could not be written; retrying soon");
                // Not at once, however crowded it is.
                ticks.tick().await;
            }
        }
    }
}
