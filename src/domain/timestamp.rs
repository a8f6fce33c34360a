//! A timestamp, in whole milliseconds since 1970-01-01T00:00:00Z.
//!
//! All of Rotakey uses this resolution: the same number is stored, compared and shown, so no boundary moves by a fraction of a
//! millisecond on its way through a database or a client.

mod rfc3339;

use std::fmt;
use std::num::NonZeroU64;

use jiff::SignedDuration;
use jiff::civil::DateTime;
use jiff::fmt::temporal::DateTimePrinter;

use rfc3339::EPOCH;

const MILLIS_PER_SECOND: i64 = 1_000;
const MILLIS_PER_MINUTE: i64 = 60 * MILLIS_PER_SECOND;

/// A timestamp in UTC with millisecond resolution. Prints as RFC 3339 with three decimals: `2026-01-31T12:00:00.000Z`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
// One more than the milliseconds, so that it is never zero and an `Option` takes no extra memory: a cached token has seven of
// those.
pub struct Timestamp(NonZeroU64);

/// Why a text is not a timestamp: the end of a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MalformedTimestamp {
    /// It has another form, or names a day, an hour or an offset that there is not.
    #[error("not an RFC 3339 date and time with an offset, such as 2030-01-31T12:00:00Z")]
    Form,
    /// Second 60, for which a count of milliseconds has no room.
    #[error("a leap second, which is not supported; write second 59, or second 00 of the next minute")]
    LeapSecond,
    /// It lies before [`Timestamp::MIN`] or after [`Timestamp::MAX`].
    #[error("not in the years 1970 to 9999 of UTC")]
    OutOfRange,
}

impl Timestamp {
    /// The earliest moment that can be held: the Unix epoch.
    pub const MIN: Self = Self(NonZeroU64::MIN);
    /// The latest moment that can be held and printed, at the end of the year 9999.
    pub const MAX: Self = Self(NonZeroU64::MIN.saturating_add(253_402_300_799_999));

    /// From milliseconds since the Unix epoch, moved into `MIN..=MAX` where outside.
    pub fn from_unix_millis(millis: i64) -> Self {
        Self(NonZeroU64::MIN.saturating_add(millis.max(0).unsigned_abs())).min(Self::MAX)
    }

    /// Milliseconds since the Unix epoch.
    pub fn unix_millis(self) -> i64 {
        self.0.get().cast_signed() - 1
    }

    /// Whole seconds since the Unix epoch, rounded down.
    pub fn unix_seconds(self) -> i64 {
        self.unix_millis().div_euclid(MILLIS_PER_SECOND)
    }

    /// The moment as HTTP headers write it (RFC 9110, section 5.6.7): `Sat, 31 Jan 2026 12:00:00 GMT`.
    pub fn http_date(self) -> String {
        self.as_civil().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
    }

    // The library's own moments end a day earlier, so that each has a date in every time zone.
    fn as_civil(self) -> DateTime {
        EPOCH.checked_add(SignedDuration::from_millis(self.unix_millis())).unwrap_or(EPOCH)
    }

    /// Reads an RFC 3339 date and time with any number of digits of a fraction; those below a millisecond are cut off, so that
    /// a moment is never later than it was written.
    ///
    /// # Errors
    /// [`MalformedTimestamp`] for whatever else cannot be kept as it is written.
    pub fn parse(text: &str) -> Result<Self, MalformedTimestamp> {
        let written = rfc3339::read(text).ok_or(MalformedTimestamp::Form)?;
        let millis = written.unix_millis().ok_or(MalformedTimestamp::LeapSecond)?;
        let kept = Self::MIN.unix_millis()..=Self::MAX.unix_millis();
        if kept.contains(&millis) { Ok(Self::from_unix_millis(millis)) } else { Err(MalformedTimestamp::OutOfRange) }
    }

    /// This moment moved by whole minutes; stops at [`Timestamp::MAX`].
    #[must_use]
    pub fn plus_minutes(self, minutes: u32) -> Self {
        Self::from_unix_millis(self.unix_millis().saturating_add(i64::from(minutes).saturating_mul(MILLIS_PER_MINUTE)))
    }

    /// This moment moved by whole seconds; stops at [`Timestamp::MAX`].
    #[must_use]
    pub fn plus_seconds(self, seconds: u32) -> Self {
        Self::from_unix_millis(self.unix_millis().saturating_add(i64::from(seconds).saturating_mul(MILLIS_PER_SECOND)))
    }

    /// This moment moved by as long as it is from one moment to a later one; stops at [`Timestamp::MAX`].
    #[must_use]
    pub fn plus_span(self, from: Self, to: Self) -> Self {
        Self::from_unix_millis(
            self.unix_millis().saturating_add(to.unix_millis().saturating_sub(from.unix_millis()).max(0)),
        )
    }

    /// This moment moved back by whole minutes; stops at [`Timestamp::MIN`].
    #[must_use]
    pub fn minus_minutes(self, minutes: u32) -> Self {
        Self::from_unix_millis(self.unix_millis().saturating_sub(i64::from(minutes).saturating_mul(MILLIS_PER_MINUTE)))
    }

    /// This moment moved back by whole seconds; stops at [`Timestamp::MIN`].
    #[must_use]
    pub fn minus_seconds(self, seconds: u32) -> Self {
        Self::from_unix_millis(self.unix_millis().saturating_sub(i64::from(seconds).saturating_mul(MILLIS_PER_SECOND)))
    }

    /// Whole seconds from `self` until `later`, rounded down; 0 where `later` is not later.
    pub fn whole_seconds_until(self, later: Self) -> u32 {
        let millis = later.unix_millis().saturating_sub(self.unix_millis()).max(0);
        u32::try_from(millis / MILLIS_PER_SECOND).unwrap_or(u32::MAX)
    }

    /// Whole seconds from `self` until `later`, rounded up; 0 where `later` is not later.
    pub fn seconds_until(self, later: Self) -> u32 {
        let millis = later.unix_millis().saturating_sub(self.unix_millis()).max(0);
        let seconds = millis.saturating_add(MILLIS_PER_SECOND - 1) / MILLIS_PER_SECOND;
        u32::try_from(seconds).unwrap_or(u32::MAX)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&DateTimePrinter::new().precision(Some(3)).datetime_to_string(&self.as_civil()))?;
        f.write_str("Z")
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests;
