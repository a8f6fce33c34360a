//! A moment, in whole milliseconds since 1970-01-01T00:00:00Z.
//!
//! A type of its own because all of Rotakey agrees on one resolution: what is stored, compared and shown is the same
//! number, so no boundary moves by a fraction of a millisecond on its way through a database or a client.

use std::fmt;
use std::num::NonZeroU64;

use jiff::fmt::{rfc2822, temporal::DateTimePrinter};

const MILLIS_PER_SECOND: i64 = 1_000;
const MILLIS_PER_MINUTE: i64 = 60 * MILLIS_PER_SECOND;

/// A moment in UTC with millisecond resolution. Prints as RFC 3339 with three decimals: `2026-01-31T12:00:00.000Z`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
// One more than the milliseconds, so that none is zero and a moment that may be missing takes no more room than one that is
// there: a remembered token has seven of those.
pub struct Timestamp(NonZeroU64);

/// The text is not an RFC 3339 date and time with an offset.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an RFC 3339 date and time with an offset, such as 2030-01-31T12:00:00Z")]
pub struct MalformedTimestamp;

impl Timestamp {
    /// The earliest moment that can be held: the Unix epoch.
    pub const MIN: Self = Self(NonZeroU64::MIN);
    /// The latest moment that can be held and printed, at the end of the year 9999.
    pub const MAX: Self = Self(NonZeroU64::MIN.saturating_add(253_402_207_200_000));

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
        let printed = rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&self.as_jiff());
        printed.unwrap_or_default()
    }

    fn as_jiff(self) -> jiff::Timestamp {
        jiff::Timestamp::from_millisecond(self.unix_millis()).unwrap_or(jiff::Timestamp::UNIX_EPOCH)
    }

    /// Reads an RFC 3339 date and time (section 5.6). Fractions below a millisecond are cut off.
    ///
    /// # Errors
    /// [`MalformedTimestamp`] for anything else, and for moments before [`Timestamp::MIN`].
    pub fn parse(text: &str) -> Result<Self, MalformedTimestamp> {
        // The library reads much of ISO 8601, which RFC 3339 leaves out.
        if !has_form(text) {
            return Err(MalformedTimestamp);
        }
        let parsed = match text.parse::<jiff::Timestamp>() {
            Ok(parsed) => parsed,
            // The last hours of the year 9999, which many write for "never", are past the end of time.
            Err(_) if text.starts_with("9999-12-31T") => jiff::Timestamp::MAX,
            Err(_) => return Err(MalformedTimestamp),
        };
        let millis = parsed.as_millisecond();
        if millis < Self::MIN.unix_millis() { Err(MalformedTimestamp) } else { Ok(Self::from_unix_millis(millis)) }
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

    /// Whole seconds from `self` until `later`, rounded up; 0 where `later` is not later.
    pub fn seconds_until(self, later: Self) -> u32 {
        let millis = later.unix_millis().saturating_sub(self.unix_millis()).max(0);
        let seconds = millis.saturating_add(MILLIS_PER_SECOND - 1) / MILLIS_PER_SECOND;
        u32::try_from(seconds).unwrap_or(u32::MAX)
    }
}

/// Whether the text has the form `2030-01-31T12:00:00[.000](Z|+00:00)`.
fn has_form(text: &str) -> bool {
    const DATE_AND_TIME: &str = "dddd-dd-ddTdd:dd:dd";
    const OFFSET: &str = "dd:dd";
    let fits = |text: &str, form: &str| {
        let one = |(letter, form): (u8, u8)| match form {
            b'd' => letter.is_ascii_digit(),
            _ => letter.eq_ignore_ascii_case(&form),
        };
        text.len() == form.len() && text.bytes().zip(form.bytes()).all(one)
    };
    let Some((start, rest)) = text.split_at_checked(DATE_AND_TIME.len()) else { return false };
    let offset_at = rest.find(['Z', 'z', '+', '-']).unwrap_or(rest.len());
    let (fraction, offset) = rest.split_at(offset_at);
    let fraction = fraction
        .strip_prefix('.')
        .map_or(fraction.is_empty(), |digits| !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit()));
    let zone =
        offset.eq_ignore_ascii_case("Z") || offset.strip_prefix(['+', '-']).is_some_and(|rest| fits(rest, OFFSET));
    fits(start, DATE_AND_TIME) && fraction && zone
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&DateTimePrinter::new().precision(Some(3)).timestamp_to_string(&self.as_jiff()))
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_utc_with_milliseconds() {
        assert_eq!(Timestamp::from_unix_millis(1_767_225_600_007).to_string(), "2026-01-01T00:00:00.007Z");
        assert_eq!(Timestamp::MAX.to_string(), "9999-12-30T22:00:00.000Z");
        assert_eq!(Timestamp::MIN.to_string(), "1970-01-01T00:00:00.000Z");
    }

    #[test]
    fn prints_http_dates_in_whole_seconds() {
        let at = Timestamp::from_unix_millis(1_767_225_600_999);
        assert_eq!(at.http_date(), "Thu, 01 Jan 2026 00:00:00 GMT");
        assert_eq!(at.unix_seconds(), 1_767_225_600);
        assert_eq!(Timestamp::MAX.http_date(), "Thu, 30 Dec 9999 22:00:00 GMT");
    }

    #[test]
    fn reads_rfc_3339_and_nothing_else() {
        let read = |text| Timestamp::parse(text).map(Timestamp::unix_millis);
        assert_eq!(read("2026-01-01T00:00:00.007Z"), Ok(1_767_225_600_007));
        assert_eq!(read("2026-01-01T01:00:00.0079999+01:00"), Ok(1_767_225_600_007));
        assert_eq!(read("9999-12-31T23:59:59.999Z"), Ok(Timestamp::MAX.unix_millis()));
        for text in [
            "",
            "tomorrow",
            "20300101T000000Z",
            "2030-01-01T00Z",
            "2030-01-01T00:00:00,5Z",
            "2030-01-01T00:00:00.Z",
            "+002030-01-01T00:00:00Z",
            "2030-01-01T00:00:00+01:00:30",
            "2030-01-01T00:00:00+0100",
            "2030-01-01 00:00:00Z",
            "2030-02-30T00:00:00Z",
            "2026-01-01",
            "2026-01-01T00:00:00",
            "2026-01-01T00:00:00Z[UTC]",
            "1969-12-31T23:59:59Z",
        ] {
            assert_eq!(read(text), Err(MalformedTimestamp), "{text}");
        }
    }

    #[test]
    fn seconds_until_rounds_up_and_never_goes_below_zero() {
        let now = Timestamp::from_unix_millis(10_000);
        for (later, seconds) in [(9_999, 0), (10_000, 0), (10_001, 1), (11_000, 1), (11_001, 2)] {
            assert_eq!(now.seconds_until(Timestamp::from_unix_millis(later)), seconds, "{later}");
        }
    }

    #[test]
    fn moving_past_the_end_of_time_stops_there() {
        assert_eq!(Timestamp::MAX.plus_minutes(u32::MAX), Timestamp::MAX);
        assert_eq!(Timestamp::MIN.plus_minutes(1), Timestamp::from_unix_millis(60_000));
        assert_eq!(Timestamp::MIN.plus_seconds(1), Timestamp::from_unix_millis(1_000));
    }
}
