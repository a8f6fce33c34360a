//! The last count of the tokens, by status and by how soon they end.

use std::sync::{Mutex, PoisonError};

use tokio::sync::Notify;

use crate::domain::rule::lifecycle::Status;
use crate::domain::timestamp::Timestamp;
use crate::domain::token::TokenKind;
use crate::metrics::{Exposition, Family};

/// The last count, and whether another is wanted.
#[derive(Debug, Default)]
pub(crate) struct Statistics {
    /// Notified when the metrics are read.
    pub(super) wanted: Notify,
    latest: Mutex<Option<Tokens>>,
}

/// One count.
#[derive(Clone, Debug)]
pub(super) struct Tokens {
    pub(super) by_status: Vec<(Status, TokenKind, u64)>,
    pub(super) expiring: Vec<(&'static str, u64)>,
    pub(super) rotation_due: Vec<(&'static str, u64)>,
    pub(super) counted_at: Timestamp,
    pub(super) cache_bytes: u64,
}

impl Statistics {
    /// Keeps a new count.
    pub(super) fn keep(&self, tokens: Tokens) {
        *self.latest.lock().unwrap_or_else(PoisonError::into_inner) = Some(tokens);
    }

    /// Describes the last count, and asks for another.
    pub(super) fn describe(&self, exposition: &mut Exposition) {
        self.wanted.notify_one();
        let latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(Tokens { by_status, expiring, rotation_due, counted_at, cache_bytes }) = latest else { return };
        let mut tokens = Family::gauge(
            "rotakey_tokens",
            "API tokens by status and kind, as of rotakey_tokens_counted_timestamp_seconds. A token that has expired or fallen overdue moves within two minutes.",
        );
        for (status, kind, count) in by_status {
            tokens = tokens.sample([("status", status.as_str()), ("kind", kind.as_str())], count);
        }
        exposition.add(tokens);
        exposition.add(
            Family::gauge(
                "rotakey_tokens_expiring",
                "Tokens that work and expire within this time; counted up to 100000.",
            )
            .by("within", expiring),
        );
        exposition.add(
            Family::gauge(
                "rotakey_tokens_rotation_due",
                "Active tokens that fall overdue within this time unless they are rotated; counted up to 100000.",
            )
            .by("within", rotation_due),
        );
        exposition.add(
            Family::gauge(
                "rotakey_tokens_counted_timestamp_seconds",
                "When the tokens were counted, in Unix seconds: at most once a minute, and for at most 1 % of the time.",
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
