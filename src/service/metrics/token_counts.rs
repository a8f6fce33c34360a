//! `tokenCounts`: how many tokens there are, by status, kind and owner, for a dashboard.
//!
//! They are counted in the background ([`Service::keep_statistics`]), and at most as often as that allows. A request asks for a count, and
//! gets the last one if it is no older than the pause between two. Otherwise it waits for the next, but not for long.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use crate::domain::invalid_input::InvalidInput;
use crate::domain::rule::authority::Authority;
use crate::domain::rule::lifecycle::Status;
use crate::domain::timestamp::Timestamp;
use crate::domain::token::{Permission, TokenKind};
use crate::service::{Caller, Error, Service};
use crate::store::OwnerPosition;

use super::statistics::TokenCounts;

/// How many owners are counted by themselves, those with the most tokens.
pub const MAX_OWNERS: u32 = 100;
/// How many of them are returned by default.
const DEFAULT_OWNERS: u32 = 10;
/// How many tokens one statement counts.
const SLICE: u32 = 20_000;
/// How long a request waits for a count.
const MAX_WAIT: Duration = Duration::from_secs(3);

/// The owners with the most tokens. Holds no more than [`MAX_OWNERS`] and the one that is being counted.
#[derive(Debug, Default)]
struct Owners {
    largest: Vec<(String, u64)>,
    counting: Option<(String, u64)>,
    total: u64,
}

impl Owners {
    /// Adds tokens of the next owner, or more of the last.
    fn add(&mut self, owner: String, count: u64) {
        self.total += count;
        match &mut self.counting {
            Some((known, known_count)) if *known == owner => *known_count += count,
            _ => {
                self.finish_one();
                self.counting = Some((owner, count));
            }
        }
    }

    fn finish_one(&mut self) {
        let Some((owner, count)) = self.counting.take() else { return };
        // Owners come in their order, so the earlier one stays before one that has as many tokens.
        let place = self.largest.partition_point(|(_, other)| *other >= count);
        self.largest.insert(place, (owner, count));
        self.largest.truncate(usize::try_from(MAX_OWNERS).unwrap_or(usize::MAX));
    }
}

impl Service {
    /// How many tokens there are, and of the so many owners that have the most. Needs `API_TOKEN_READ`, as a listing does.
    ///
    /// # Errors
    /// When the caller may not, the number of owners is invalid, or the tokens have not been counted in time.
    pub async fn token_counts(&self, caller: &Caller, owners: Option<i32>) -> Result<TokenCounts, Error> {
        let own = self.own_token(caller, self.now()).await?;
        Authority::of(&own).require(Permission::ApiTokenRead)?;
        let owners = owners.map_or(Some(DEFAULT_OWNERS), |owners| u32::try_from(owners).ok());
        let Some(owners) = owners.filter(|owners| *owners <= MAX_OWNERS) else {
            let message = format!("Ask for 0 to {MAX_OWNERS} owners; the default is {DEFAULT_OWNERS}.");
            return Err(InvalidInput::new("owners", message).into());
        };
        let deadline = Instant::now() + MAX_WAIT;
        let mut counted = self.statistics.want_counts();
        let latest = loop {
            let latest = counted.borrow_and_update().clone();
            let is_fresh = latest.as_ref().is_some_and(|(_, stale_at)| Instant::now() < *stale_at);
            if is_fresh || !matches!(timeout_at(deadline, counted.changed()).await, Ok(Ok(()))) {
                break latest;
            }
        };
        let (mut counts, _) = latest.ok_or(Error::NotCounted)?;
        let kept = counts.by_owner.len().min(usize::try_from(owners).unwrap_or(usize::MAX));
        counts.of_other_owners += counts.by_owner.drain(kept..).map(|(_, count)| count).sum::<u64>();
        Ok(counts)
    }

    /// Counts the tokens by owner, and keeps that with the numbers by status and kind that were counted just before.
    pub(super) async fn count_by_owner(
        &self,
        counted_at: Timestamp,
        by_status_and_kind: Vec<((Status, TokenKind), u64)>,
    ) -> Result<TokenCounts, Error> {
        let (mut owners, mut after) = (Owners::default(), Some(OwnerPosition::default()));
        while let Some(position) = after {
            let (counts, next) = self.store.count_by_owner(&position, SLICE).await?;
            counts.into_iter().for_each(|(owner, count)| owners.add(owner, count));
            after = next;
        }
        owners.finish_one();
        let all: u64 = by_status_and_kind.iter().map(|(_, count)| count).sum();
        let of_largest: u64 = owners.largest.iter().map(|(_, count)| count).sum();
        Ok(TokenCounts {
            counted_at,
            by_status_and_kind,
            by_owner: owners.largest,
            of_other_owners: owners.total - of_largest,
            // Tokens may have been created between the two counts.
            without_owner: all.saturating_sub(owners.total),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_owners_with_the_most_tokens_are_kept_and_those_in_two_slices_are_one() {
        let mut owners = Owners::default();
        for (owner, count) in [("a", 1), ("b", 2), ("b", 3), ("c", 5), ("d", 1)] {
            owners.add(owner.to_owned(), count);
        }
        for number in 0..MAX_OWNERS - 3 {
            owners.add(format!("e{number:03}"), 1);
        }
        owners.finish_one();
        assert_eq!(owners.total, 12 + u64::from(MAX_OWNERS - 3));
        let largest: Vec<_> = owners.largest.iter().map(|(owner, count)| (owner.as_str(), *count)).collect();
        assert_eq!(largest[..4], [("b", 5), ("c", 5), ("a", 1), ("d", 1)]);
        // One too many: the last of those with the fewest.
        assert_eq!((largest.len(), largest.last()), (100, Some(&("e095", 1))));
    }
}
