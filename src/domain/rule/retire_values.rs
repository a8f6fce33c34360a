//! The rules of `retire-values`, which retires every value that was issued before a given time. It is for when an older backup was
//! restored: values that have been replaced since then work again. A value that has leaked may be retired in the same way.
//!
//! A token always has one current value (R1). So a current value is retired by a rotation whose new value is *withheld*: it is not
//! shown to anyone. The token has a usable value again once it is rotated by its id.

use super::lifecycle;
use super::rotation::Rotation;
use crate::domain::timestamp::Timestamp;
use crate::domain::token::Token;

/// Which values of a token are retired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retiring {
    /// The generation of the previous value, if it works and is retired.
    pub previous: Option<u32>,
    /// The rotation that replaces the current value by a withheld one, if it is retired.
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

/// Which values of this token are retired; `None` if no value that works was issued before that time.
pub fn retire_issued_before(token: &Token, moment: Timestamp, now: Timestamp) -> Option<Retiring> {
    if lifecycle::status(token, now).is_final() {
        return None;
    }
    let previous = token.previous.as_deref().filter(|_| lifecycle::overlap_lasts(token, now));
    let previous = previous.filter(|value| value.created_at < moment).map(|value| value.generation);
    let current = token.current.created_at < moment && !lifecycle::is_withheld(token);
    let current = current.then(|| withholding(token, now));
    (previous.is_some() || current.is_some()).then_some(Retiring { previous, current })
}

/// The rotation that retires the current value, and withholds the new one.
pub(super) fn withholding(token: &Token, now: Timestamp) -> Rotation {
    Rotation {
        from_generation: token.current.generation,
        generation: token.current.generation.saturating_add(1),
        previous: None,
        recovers: false,
        overlap_minutes: 0,
        brown_out: false,
        rotate_by: token.settings.rotate_by(now),
    }
}
