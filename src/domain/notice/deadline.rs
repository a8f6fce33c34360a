//! Deadlines that are announced ahead (R16): which token gets which notice, and when.

use super::kind::NoticeKind;
use super::message::Notice;
use crate::domain::id::NoticeId;
use crate::domain::rule::lifecycle::{Status, status};
use crate::domain::timestamp::Timestamp;
use crate::domain::token::{Token, ValueFacts};

const MILLIS_PER_MINUTE: i64 = 60_000;
/// A previous value that has not been used for longer is not announced, unless its token says that silence takes longer.
const IN_USE_MINUTES: u32 = 24 * 60;

/// A deadline, and how long ahead it is announced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deadline {
    /// A token expires in so many minutes.
    Expiry(u32),
    /// So much of a rotation period has passed.
    Rotation(Passed),
    /// The overlap of a previous value that is in use ends in so many minutes.
    OverlapEnd(u32),
    /// A token has not been used for so many minutes.
    Unused(u32),
}

/// The part of a rotation period that has passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passed {
    /// A half.
    Half,
    /// Three quarters.
    ThreeQuarters,
    /// Nine tenths.
    NineTenths,
}

impl Passed {
    /// All parts after which a rotation is announced.
    pub const ALL: [Self; 3] = [Self::Half, Self::ThreeQuarters, Self::NineTenths];

    /// What is left of each minute of the period, in milliseconds.
    pub const fn millis_left_per_minute(self) -> i64 {
        match self {
            Self::Half => 30_000,
            Self::ThreeQuarters => 15_000,
            Self::NineTenths => 6_000,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Half => "1/2",
            Self::ThreeQuarters => "3/4",
            Self::NineTenths => "9/10",
        }
    }
}

impl Deadline {
    /// What the notice is.
    pub const fn kind(self) -> NoticeKind {
        match self {
            Self::Expiry(_) => NoticeKind::Expiring,
            Self::Rotation(_) => NoticeKind::RotationDue,
            Self::OverlapEnd(_) => NoticeKind::OverlapEnding,
            Self::Unused(_) => NoticeKind::Unused,
        }
    }

    /// Its name in the database, which never changes.
    pub fn name(self) -> String {
        let kind = self.kind().as_str();
        match self {
            Self::Expiry(minutes) | Self::OverlapEnd(minutes) | Self::Unused(minutes) => format!("{kind}:{minutes}"),
            Self::Rotation(passed) => format!("{kind}:{}", passed.name()),
        }
    }

    /// When it is announced of a token, as the token is; `None` if it is not.
    pub fn announced_at(self, token: &Token) -> Option<Timestamp> {
        match self {
            // Whoever creates a token that lives for a shorter time knows that.
            Self::Expiry(minutes) => {
                let at = token.settings.expires_at?.minus_minutes(minutes);
                (token.created_at < at).then_some(at)
            }
            Self::Rotation(passed) => {
                let minutes = i64::from(token.settings.rotation_period_minutes?);
                let by = token.rotate_by()?;
                // It expires before the rotation is due.
                let expires = token.settings.expires_at.is_some_and(|expires_at| expires_at <= by);
                let left = minutes.saturating_mul(passed.millis_left_per_minute());
                let passed = (minutes * MILLIS_PER_MINUTE).saturating_sub(left);
                let at = token.current.created_at.unix_millis().saturating_add(passed);
                (!expires).then_some(Timestamp::from_unix_millis(at))
            }
            Self::OverlapEnd(minutes) => {
                let retires_at = token.previous.as_ref()?.retires_at?;
                (minutes < token.current.overlap_minutes).then_some(retires_at.minus_minutes(minutes))
            }
            Self::Unused(minutes) => Some(token.last_used_at.unwrap_or(token.created_at).plus_minutes(minutes)),
        }
    }

    /// Whether a token that was found in this part of time, as it was written then, is announced in it.
    pub fn is_due(self, token: &Token, (from, to): (Timestamp, Timestamp)) -> bool {
        self.announced_at(token).is_some_and(|at| match self {
            // It was found by a use that may not be the last one.
            Self::Unused(_) => at <= to,
            Self::Expiry(_) | Self::Rotation(_) | Self::OverlapEnd(_) => from <= at && at <= to,
        })
    }

    /// The notice, if it makes sense now, which is after its time: the token still has a future, a previous value is in use, and one that is
    /// unused could have been used.
    pub fn notice(self, token: &Token, id: NoticeId, now: Timestamp) -> Option<Notice> {
        let status = status(token, now);
        if status.is_final() {
            return None;
        }
        let notice = Notice::about(token, id, self.kind(), now);
        match self {
            Self::Expiry(_) => Some(Notice { deadline: token.settings.expires_at, ..notice }),
            Self::Rotation(_) => {
                Some(Notice { deadline: token.rotate_by(), generation: Some(token.current.generation), ..notice })
            }
            Self::OverlapEnd(_) => {
                let previous = token.previous.as_deref().filter(|value| value.retires_at.is_some_and(|at| now < at))?;
                let last_used_at = last_use(previous).filter(|at| is_in_use(token, previous, *at, now))?;
                Some(Notice {
                    deadline: previous.retires_at,
                    generation: Some(previous.generation),
                    last_used_at: Some(last_used_at),
                    ..notice
                })
            }
            Self::Unused(_) if status == Status::Active => Some(Notice { last_used_at: token.last_used_at, ..notice }),
            Self::Unused(_) => None,
        }
    }
}

/// The last use of a value, also if it was the first.
fn last_use(value: &ValueFacts) -> Option<Timestamp> {
    value.last_used_at.max(value.first_used_at)
}

/// Whether a previous value is in use: since it was replaced, and lately.
fn is_in_use(token: &Token, previous: &ValueFacts, last_used_at: Timestamp, now: Timestamp) -> bool {
    let lately = now.minus_minutes(token.settings.silent_minutes.max(IN_USE_MINUTES));
    previous.replaced_at.is_some_and(|replaced_at| replaced_at <= last_used_at) && lately <= last_used_at
}

#[cfg(test)]
mod tests;
