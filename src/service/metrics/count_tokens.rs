//! Counting the tokens in the background, while the metrics are being scraped or `tokenCounts` is asked for.
//!
//! Counting ten million tokens takes the database seconds. So it is done in slices, each short, at most once a minute, and for at
//! most a hundredth of the time: after a count that took two seconds, the next comes 200 seconds later. Each of the two has its own
//! pauses, so that scrapes do not delay the other. Without them nothing is counted.

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

/// Whose question a count answers.
#[derive(Clone, Copy, Debug)]
enum Reader {
    /// Who scrapes the metrics.
    Metrics,
    /// The callers of `tokenCounts`.
    Clients,
}

/// How long to wait after a count that begun at this time.
fn rest(begun: Instant) -> Duration {
    PERIOD.max(begun.elapsed().saturating_mul(REST))
}

impl Service {
    /// Counts the tokens whenever the metrics or `tokenCounts` are read, but not too often. Runs for as long as the server does.
    pub async fn keep_statistics(self) {
        tokio::join!(self.keep_counting(Reader::Metrics), self.keep_counting(Reader::Clients));
    }

    async fn keep_counting(&self, reader: Reader) {
        let mut has_failed = false;
        loop {
            let wanted = match reader {
                Reader::Metrics => &self.statistics.wanted,
                Reader::Clients => &self.statistics.wanted_counts,
            };
            wanted.notified().await;
            let begun = Instant::now();
            let counted = match reader {
                Reader::Metrics => self.count_for_metrics().await,
                Reader::Clients => self.count_for_clients(begun).await,
            };
            match &counted {
                Err(cause) if !has_failed => tracing::warn!(
                    name: "tokens_not_counted",
                    cause = %cause.cause(),
                    "some tokens could not be counted; the metrics, or tokenCounts, keep the last numbers of them, or have none"
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
    async fn count_for_metrics(&self) -> Result<(), Error> {
        let now = self.now();
        let mut failure = None;
        for status in Status::ALL {
            for kind in TokenKind::ALL {
                match self.count_tokens_with(*status, *kind).await {
                    Ok(count) => self.statistics.keep(|tokens| tokens.by_status.set((*status, *kind), count)),
                    Err(cause) => failure = Some(cause),
                }
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
        match self.count_campaigns().await {
            Ok(counts) => self.statistics.keep(|tokens| tokens.campaigns = Some(counts)),
            Err(cause) => failure = Some(cause),
        }
        if let Some(cause) = failure {
            return Err(cause);
        }
        let cache_bytes = self.cache.bytes();
        self.statistics.keep(|tokens| tokens.counted = Some((now, cache_bytes)));
        Ok(())
    }

    /// Counts the open campaigns, and their tokens that are not done.
    async fn count_campaigns(&self) -> Result<(u64, u64), Error> {
        let (mut open, mut left) = (0, 0);
        for id in self.store.open_campaigns().await? {
            open += 1;
            left += self.count_open_campaign(id).await?.left();
        }
        Ok((open, left))
    }

    /// Counts what `tokenCounts` returns.
    async fn count_for_clients(&self, begun: Instant) -> Result<(), Error> {
        let (now, mut counted) = (self.now(), Vec::new());
        for status in Status::ALL {
            for kind in TokenKind::ALL {
                counted.push(((*status, *kind), self.count_tokens_with(*status, *kind).await?));
            }
        }
        let counts = self.count_by_owner(now, counted).await?;
        self.statistics.keep_counts(counts, Instant::now() + rest(begun));
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
