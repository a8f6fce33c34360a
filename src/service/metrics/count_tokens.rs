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

/// How long to wait after a count that begun at this time.
fn rest(begun: Instant) -> Duration {
    PERIOD.max(begun.elapsed().saturating_mul(REST))
}

impl Service {
    /// Counts the tokens whenever the metrics or `tokenCounts` are read, but not too often. Runs for as long as the server does.
    pub async fn keep_statistics(self) {
        let mut has_failed = false;
        loop {
            self.statistics.wanted.notified().await;
            let begun = Instant::now();
            let counted = self.count_tokens(begun).await;
            match &counted {
                Err(cause) if !has_failed => tracing::warn!(
                    name: "tokens_not_counted",
                    cause = %cause.cause(),
                    "some tokens could not be counted; the metrics keep the last numbers of them, or have none"
                ),
                Err(cause) => {
                    tracing::debug!(name: "tokens_not_counted", cause = %cause.cause(), "some tokens could not be counted again")
                }
                Ok(()) if has_failed => {
                    tracing::info!(name: "tokens_counted_again", "all tokens could be counted again")
                }
                Ok(()) => {}
            }
            has_failed = counted.is_err();
            let rest = rest(begun);
            interval_at(Instant::now() + rest, rest).tick().await;
        }
    }

    /// Counts all that can be counted: a statement that fails, such as one that takes too long, spoils no other number.
    async fn count_tokens(&self, begun: Instant) -> Result<(), Error> {
        let now = self.now();
        let (mut failure, mut counted) = (None, Vec::new());
        for status in Status::ALL {
            for kind in TokenKind::ALL {
                match self.count_tokens_with(*status, *kind).await {
                    Ok(count) => {
                        counted.push(((*status, *kind), count));
                        self.statistics.keep(|tokens| tokens.by_status.set((*status, *kind), count));
                    }
                    Err(cause) => failure = Some(cause),
                }
            }
        }
        if failure.is_none() && self.statistics.take_wanted_counts() {
            match self.count_by_owner(now, counted).await {
                Ok(counts) => self.statistics.keep_counts(counts, Instant::now() + rest(begun)),
                Err(cause) => failure = Some(cause),
            }
        }
        for (within, minutes) in SOON {
            let until = now.plus_minutes(minutes);
            match self.store.count_expiring(now, until, MAX_SOON).await {
                Ok(count) => self.statistics.keep(|tokens| tokens.expiring.set(within, count)),
                Err(cause) => failure = Some(cause.into()),
            }
            match self.store.count_rotation_due(now, until, MAX_SOON).await {
                Ok(count) => self.statistics.keep(|tokens| tokens.rotation_due.set(within, count)),
                Err(cause) => failure = Some(cause.into()),
            }
        }
        if let Some(cause) = failure {
            return Err(cause);
        }
        let cache_bytes = self.cache.bytes();
        self.statistics.keep(|tokens| tokens.counted = Some((now, cache_bytes)));
        Ok(())
    }

    async fn count_tokens_with(&self, status: Status, kind: TokenKind) -> Result<u64, Error> {
        let (mut count, mut after) = (0, None);
        loop {
            let (more, last) = self.store.count_tokens(status, kind, after, SLICE).await?;
            count += more;
            if more < u64::from(SLICE) {
                return Ok(count);
            }
            after = last;
        }
    }
}
