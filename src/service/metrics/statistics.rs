//! The last count of the tokens, by status and by how soon they end.

use std::sync::{Mutex, PoisonError};

use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use crate::domain::rule::lifecycle::Status;
use crate::domain::timestamp::Timestamp;
use crate::domain::token::TokenKind;
use crate::metrics::{Exposition, Family};

/// The last count, and whether another is wanted.
#[derive(Debug, Default)]
pub(crate) struct Statistics {
    /// Notified when the metrics are read.
    pub(super) wanted: Notify,
    latest: Mutex<Tokens>,
    /// Notified when the tokens of each owner are to be counted, too.
    pub(super) wanted_counts: Notify,
    /// The last count with those of the owners, and when it is stale.
    counts: watch::Sender<Option<(TokenCounts, Instant)>>,
}

/// How many tokens there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenCounts {
    /// When they were counted.
    pub counted_at: Timestamp,
    /// By status and kind.
    pub by_status_and_kind: Vec<((Status, TokenKind), u64)>,
    /// Of the owners with the most tokens, most first, and then by owner.
    pub by_owner: Vec<(String, u64)>,
    /// Of all other owners together.
    pub of_other_owners: u64,
    /// Without an owner.
    pub without_owner: u64,
}

impl TokenCounts {
    /// All of them.
    pub fn total(&self) -> u64 {
        self.by_status_and_kind.iter().map(|(_, count)| count).sum()
    }

    /// With this status.
    pub fn of_status(&self, status: Status) -> u64 {
        self.by_status_and_kind.iter().filter(|((other, _), _)| *other == status).map(|(_, count)| count).sum()
    }

    /// Of this kind.
    pub fn of_kind(&self, kind: TokenKind) -> u64 {
        self.by_status_and_kind.iter().filter(|((_, other), _)| *other == kind).map(|(_, count)| count).sum()
    }
}

/// The latest number of each kind. A number that could not be counted again stays.
#[derive(Clone, Debug, Default)]
pub(super) struct Tokens {
    pub(super) by_status: Numbers<(Status, TokenKind)>,
    pub(super) expiring: Numbers<&'static str>,
    pub(super) rotation_due: Numbers<&'static str>,
    /// Open campaigns, and their tokens that are not done.
    pub(super) campaigns: Option<(u64, u64)>,
    /// When all numbers were counted, and the memory of the cache at that time.
    pub(super) counted: Option<(Timestamp, u64)>,
}

/// A number for each of these.
#[derive(Clone, Debug)]
pub(super) struct Numbers<K>(Vec<(K, u64)>);

impl<K> Default for Numbers<K> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<K: PartialEq> Numbers<K> {
    pub(super) fn set(&mut self, key: K, number: u64) {
        match self.0.iter_mut().find(|(known, _)| *known == key) {
            Some((_, known)) => *known = number,
            None => self.0.push((key, number)),
        }
    }
}

impl Statistics {
    /// Asks for a count with the owners, and returns where the last one is.
    pub(super) fn want_counts(&self) -> watch::Receiver<Option<(TokenCounts, Instant)>> {
        self.wanted_counts.notify_one();
        self.counts.subscribe()
    }

    /// Keeps what was counted, until then.
    pub(super) fn keep_counts(&self, counts: TokenCounts, stale_at: Instant) {
        self.counts.send_replace(Some((counts, stale_at)));
    }

    /// Keeps what was counted.
    pub(super) fn keep(&self, change: impl FnOnce(&mut Tokens)) {
        change(&mut self.latest.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Describes the last count, and asks for another.
    pub(super) fn describe(&self, exposition: &mut Exposition) {
        self.wanted.notify_one();
        let latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Tokens { by_status, expiring, rotation_due, campaigns, counted } = latest;
        let mut tokens = Family::gauge(
            "rotakey_tokens",
            "API tokens by status and kind, as of rotakey_tokens_counted_timestamp_seconds. A token that expires or becomes overdue is counted under its new status within two minutes.",
        );
        for ((status, kind), count) in by_status.0 {
            tokens = tokens.sample([("status", status.as_str()), ("kind", kind.as_str())], count);
        }
        exposition.add(tokens);
        exposition.add(
            Family::gauge(
                "rotakey_tokens_expiring",
                "Tokens that work and expire within this time; counted up to 100000.",
            )
            .by("within", expiring.0),
        );
        exposition.add(
            Family::gauge(
                "rotakey_tokens_rotation_due",
                "Active tokens that become overdue within this time unless they are rotated; counted up to 100000.",
            )
            .by("within", rotation_due.0),
        );
        let mut open = Family::gauge("rotakey_rotation_campaigns_open", "Rotation campaigns that have not ended.");
        let mut left = Family::gauge(
            "rotakey_rotation_campaign_tokens_left",
            "API tokens of open rotation campaigns of which a value works that was issued before the campaign.",
        );
        if let Some((campaigns, tokens)) = campaigns {
            (open, left) = (open.sample([], campaigns), left.sample([], tokens));
        }
        exposition.add(open);
        exposition.add(left);
        let Some((counted_at, cache_bytes)) = counted else { return };
        exposition.add(
            Family::gauge(
                "rotakey_tokens_counted_timestamp_seconds",
                "When all tokens were last counted, in Unix seconds: at most once a minute, and for at most 1 % of the time.",
            )
            .sample([], u64::try_from(counted_at.unix_millis() / 1_000).unwrap_or_default()),
        );
        exposition.add(
            Family::gauge(
                "rotakey_cache_bytes",
                "Memory of the cached values of tokens, measured when the tokens are counted.",
            )
            .sample([], cache_bytes),
        );
    }
}
