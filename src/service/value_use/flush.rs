//! Writing buffered uses periodically.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use crate::service::{Error, Service};

use super::buffer::Batch;

/// How often the buffer is looked at.
const PERIOD: Duration = Duration::from_secs(5);
/// After how many of these periods the buffered uses are written, unless the buffer is nearly full before. So they are at most a minute
/// behind in the database, and a user of a value costs a write or two a minute, however often it uses the value.
const PERIODS: u32 = 9;

impl Service {
    /// Writes the buffered uses. Those that cannot be written stay in the buffer.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn write_uses(&self) -> Result<(), Error> {
        // One after the other: what is being written must not be written a second time.
        let _turn = self.uses.turn().await;
        let mut batch = self.uses.batch(None);
        loop {
            if let Err(refused) = self.write_batch(&batch).await {
                if matches!(refused, Error::Unavailable(_)) {
                    return Err(refused);
                }
                self.write_one_by_one(&batch, refused).await?;
            }
            // A partial batch is the last one: uses that arrive all the time must not keep this loop running.
            if batch.is_partial() {
                break;
            }
            batch = self.uses.batch(Some(&batch));
        }
        self.uses.forget_users();
        Ok(())
    }

    /// Writes the entries of a batch one by one, after the database refused all of them together: one that it refuses every time must not
    /// keep the others in the buffer. If it refuses each of them, the cause is not in one of them.
    async fn write_one_by_one(&self, batch: &Batch, refused: Error) -> Result<(), Error> {
        let (mut any_written, mut failed) = (false, None);
        for (id, one) in batch.one_by_one() {
            match self.write_batch(&one).await {
                Ok(()) => any_written = true,
                Err(err @ Error::Unavailable(_)) => return Err(err),
                Err(err) => failed = failed.or(Some((id, err))),
            }
        }
        match failed {
            Some(_) if !any_written => return Err(refused),
            Some((id, err)) => tracing::warn!(
                name: "use_not_written", token_id = %id, cause = %err.cause(),
                "uses of a value could not be written, but others were; retrying soon"
            ),
            None => {}
        }
        Ok(())
    }

    async fn write_batch(&self, batch: &Batch) -> Result<(), Error> {
        self.store.write_uses(&batch.uses).await?;
        self.uses.remove_written(batch);
        Ok(())
    }

    /// Writes buffered uses periodically. Runs as long as the server; [`Service::close`] writes the last ones.
    pub async fn keep_uses(self) {
        let mut periods = interval(PERIOD);
        periods.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut passed = 0;
        loop {
            periods.tick().await;
            passed += 1;
            if passed < PERIODS && !self.uses.is_nearly_full() {
                continue;
            }
            passed = 0;
            let service = self.clone();
            // In a task, so that a write that has begun is finished even if the server stops: otherwise it would be written again.
            let written = tokio::spawn(async move { service.write_uses().await });
            if let Ok(Err(err)) = written.await {
                tracing::warn!(name: "uses_not_written", cause = %err.cause(), "uses could not be written; retrying soon");
            }
        }
    }
}
