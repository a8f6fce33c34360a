//! Dates and times as RFC 3339 writes them (section 5.6), read to the millisecond.
//!
//! Separate from the moments that are kept, because a text may be well written and still be outside of what can be kept. The
//! library that knows the calendar reads much of ISO 8601, which RFC 3339 leaves out, takes second 60 for second 59, and ends a
//! fraction after nine digits; so only days and hours are left to it.

use jiff::civil::{self, DateTime};

const MILLIS_PER_SECOND: i64 = 1_000;
const MILLIS_PER_MINUTE: i64 = 60 * MILLIS_PER_SECOND;
const DATE_AND_TIME: &str = "dddd-dd-ddTdd:dd:dd";

/// What all moments are counted from.
pub(super) const EPOCH: DateTime = civil::datetime(1970, 1, 1, 0, 0, 0, 0);

/// A date and time as it is written. There is such a day, and such an hour.
pub(super) struct Written {
    /// But for a leap second, which is second 0 here.
    local: DateTime,
    is_leap_second: bool,
    millis: i64,
    offset_minutes: i64,
}

/// Reads `2030-01-31T12:00:00[.000](Z|+00:00)`.
pub(super) fn read(text: &str) -> Option<Written> {
    let (start, rest) = text.split_at_checked(DATE_AND_TIME.len()).filter(|(start, _)| fits(start, DATE_AND_TIME))?;
    let (fraction, offset) = rest.split_at_checked(rest.find(['Z', 'z', '+', '-'])?)?;
    let two = |at: usize| start.get(at..at + 2)?.parse::<i8>().ok();
    let year = start.get(..4)?.parse().ok()?;
    let (second, is_leap_second) = match two(17)? {
        60 => (0, true),
        second => (second, false),
    };
    Some(Written {
        local: DateTime::new(year, two(5)?, two(8)?, two(11)?, two(14)?, second, 0).ok()?,
        is_leap_second,
        millis: millis(fraction)?,
        offset_minutes: offset_minutes(offset)?,
    })
}

impl Written {
    /// Milliseconds since the Unix epoch, which leave leap seconds out; `None` for one.
    pub(super) fn unix_millis(&self) -> Option<i64> {
        let seconds = (!self.is_leap_second).then(|| self.local.duration_since(EPOCH).as_secs())?;
        Some(seconds * MILLIS_PER_SECOND + self.millis - self.offset_minutes * MILLIS_PER_MINUTE)
    }
}

/// The milliseconds of a fraction, which is nothing, or a point and digits.
fn millis(fraction: &str) -> Option<i64> {
    let Some(digits) = fraction.strip_prefix('.') else { return fraction.is_empty().then_some(0) };
    let good = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
    good.then_some(digits).and_then(|digits| format!("{digits:0<3.3}").parse().ok())
}

/// How far local time is ahead of UTC.
fn offset_minutes(offset: &str) -> Option<i64> {
    if offset.eq_ignore_ascii_case("Z") {
        return Some(0);
    }
    let (is_behind, rest) = match offset.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, offset.strip_prefix('+')?),
    };
    let (hours, minutes) = Some(rest).filter(|rest| fits(rest, "dd:dd"))?.split_once(':')?;
    let (hours, minutes): (i64, i64) = (hours.parse().ok()?, minutes.parse().ok()?);
    let magnitude = (hours < 24 && minutes < 60).then_some(hours * 60 + minutes)?;
    Some(if is_behind { -magnitude } else { magnitude })
}

/// Whether the text has this form, in which `d` is a digit.
fn fits(text: &str, form: &str) -> bool {
    let one = |(letter, form): (u8, u8)| match form {
        b'd' => letter.is_ascii_digit(),
        _ => letter.eq_ignore_ascii_case(&form),
    };
    text.len() == form.len() && text.bytes().zip(form.bytes()).all(one)
}
