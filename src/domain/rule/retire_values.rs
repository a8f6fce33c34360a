//! The operator's order to retire every value that was issued before a moment, because an older state of the database was
//! restored: values that had been rotated away since then work in it again.
//!
//! A token has one current value at all times (R1), so a current value is retired by a rotation whose value nobody is told: it is
//! *withheld*. The token stays what it is, and has a value again once somebody who may rotates it by its id.

use super::lifecycle::{self, Status};
use super::rotation::Rotation;
use crate::domain::timestamp::Timestamp;
use crate::domain::token::Token;

/// Which values of a token are retired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retiring {
    /// The generation of the previous value, if it works and was issued before the moment.
    pub previous: Option<u32>,
    /// What puts a withheld value into the place of the current one, if that was issued before the moment.
    pub current: Option<Rotation>,
}

/// The moment for [`retire_issued_before`] after a backup was restored whose last change was at `backup`, or earlier.
///
/// Every value that works in the backup may have been replaced or revoked between the backup and the restore, and nothing in the
/// backup says which were. So all of them are retired, whenever they were issued. A value that was issued after `backup` was not in
/// it: a server issued that value after the restore, and its holder goes on.
pub fn issued_by(backup: Timestamp) -> Timestamp {
    Timestamp::from_unix_millis(backup.unix_millis().saturating_add(1))
}

/// What the order comes to for a token; `None` where no value that works was issued before that moment.
pub fn retire_issued_before(token: &Token, moment: Timestamp, now: Timestamp) -> Option<Retiring> {
    match lifecycle::status(token, now) {
        // These are final: no value will ever work again.
        Status::Revoked | Status::Expired | Status::RotationOverdue => return None,
        Status::Active => {}
    }
    let previous = token.previous.as_deref().filter(|_| lifecycle::overlap_lasts(token, now));
    let previous = previous.filter(|value| value.created_at < moment).map(|value| value.generation);
    let current = token.current.created_at < moment && !lifecycle::is_withheld(token);
    let current = current.then(|| Rotation {
        from_generation: token.current.generation,
        generation: token.current.generation.saturating_add(1),
        previous: None,
        recovers: false,
        overlap_minutes: 0,
        rotate_by: token.settings.rotate_by(now),
    });
    (previous.is_some() || current.is_some()).then_some(Retiring { previous, current })
}
