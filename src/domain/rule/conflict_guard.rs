//! The guard against races of one client: for some seconds after a rotation, another is refused, and a reuse is no sign of a theft
//! (R5, R7, R8).

use super::lifecycle::is_withheld;
use crate::domain::refusal::Refusal;
use crate::domain::timestamp::Timestamp;
use crate::domain::token::Token;

/// How long after a rotation the previous value cannot rotate again, in seconds (R5), so that racing workers of one client do not
/// cancel each other's values.
pub const CONFLICT_GUARD_SECONDS: u32 = 10;

/// Whether the reuse of a retired value may come from a lost race, and so is no sign of a theft (R5, R8).
pub fn reuse_may_be_a_race(token: &Token, now: Timestamp) -> bool {
    now < token.current.created_at.plus_seconds(CONFLICT_GUARD_SECONDS)
}

/// Refuses a rotation that comes so soon after another, whose value has not been used, that the two probably race (R5, R7).
pub(super) fn guard(token: &Token, now: Timestamp) -> Result<(), Refusal> {
    let guard_ends = token.current.created_at.plus_seconds(CONFLICT_GUARD_SECONDS);
    let fresh = token.current.generation > 1 && token.current.first_used_at.is_none();
    // A withheld value was not shown to anyone, so there is no race.
    if fresh && !is_withheld(token) && now < guard_ends {
        // Limited, in case this clock is behind the one that was used for the rotation.
        let retry_after_seconds = now.seconds_until(guard_ends).min(CONFLICT_GUARD_SECONDS);
        return Err(Refusal::RotationConflict { retry_after_seconds });
    }
    Ok(())
}
