//! Counting the tokens in the background, while the metrics are being scraped.
//!
//! Counting ten million tokens takes the database seconds. So it is done in slices, each short, at most once a minute, and for at
//! most a hundredth of the time: after a count that took two seconds, the next comes 200 seconds later. Without scrapes nothing is
//! counted.

use std::time::Duration;

use tokio::time::{Instant, interval_at};

use crate::domain::rule::lifecycle::Status;
use crate::domain::token::TokenKind;
use crate::service::{Error, Service};

use super::statistics::Tokens;

/// The least time between two counts.
const PERIOD: Duration = Duration::from_secs(60);
/// How many times as long as a count took the next one waits.
const REST: u32 = 100;
/// How many tokens one statement counts.
const SLICE: u32 = 20_000;
/// How many tokens that end soon are counted at most.
const MAX_SOON: u32 = 100_000;
/// What is soon: names, and minutes.
const SOON: [(&str, u32); 3] = [("1h", 60), ("1d", 24 * 60), ("7d", 7 * 24 * 60)];

impl Service {
    /// Counts the tokens whenever the metrics are read, but not too often. Runs for as long as the server does.
    pub async fn keep_statistics(self) {
        loop {
            self.statistics.wanted.notified().await;
            let begun = Instant::now();
            match self.count_tokens().await {
                Ok(tokens) => self.statistics.keep(tokens),
                Err(cause) => {
                    tracing::debug!(%cause, "the tokens could not be counted; the metrics keep the last count")
                }
            }
            let rest = PERIOD.max(begun.elapsed().saturating_mul(REST));
            interval_at(Instant::now() + rest, rest).tick().await;
        }
    }

    async fn count_tokens(&self) -> Result<Tokens, Error> {
        let now = self.now();
        let mut by_status = Vec::new();
        for status in Status::ALL {
            for kind in TokenKind::ALL {
                let (mut count, mut after) = (0, None);
                loop {
                    let (more, last) = self.store.count_tokens(*status, *kind, after, SLICE).await?;
                    count += more;
                    if more < u64::from(SLICE) {
                        break;
                    }
                    after = last;
                }
                by_status.push((*status, *kind, count));
            }
        }
        let (mut expiring, mut rotation_due) = (Vec::new(), Vec::new());
        for (within, minutes) in SOON {
            let until = now.plus_minutes(minutes);
            expiring.push((within, self.store.count_expiring(now, until, MAX_SOON).await?));
            rotation_due.push((within, self.store.count_rotation_due(now, until, MAX_SOON).await?));
        }
        Ok(Tokens { by_status, expiring, rotation_due, counted_at: now, cache_bytes: self.cache.bytes() })
    }
}
