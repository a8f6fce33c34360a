//! The use of values (R14): writing what was buffered, and reading it.

mod read;
pub(super) mod sort_keys;
mod write;

use crate::domain::timestamp::Timestamp;

const MILLIS_PER_HOUR: i64 = 3_600_000;

/// The hour of this time, which is indexed in place of the time itself.
pub(super) fn hour(at: Timestamp) -> i64 {
    at.unix_millis() / MILLIS_PER_HOUR
}
