//! When a digest is sent: at the end of each hour, day or week, by UTC, so that no change of clocks makes a period longer or shorter.

use crate::domain::invalid_input::InvalidInput;
use crate::domain::text::names;
use crate::domain::timestamp::Timestamp;

/// The last minute of a day.
pub const MAX_MINUTE_OF_DAY: u32 = 24 * 60 - 1;
/// When a digest is sent if nobody says: at 08:00 UTC.
pub const DEFAULT_MINUTE_OF_DAY: u32 = 8 * 60;

const MINUTES_PER_HOUR: i64 = 60;
const MINUTES_PER_DAY: i64 = 24 * MINUTES_PER_HOUR;
/// The first Monday after the Unix epoch, which was a Thursday.
const FIRST_MONDAY: i64 = 4 * MINUTES_PER_DAY;
const MILLIS_PER_MINUTE: i64 = 60_000;

/// How often a digest is sent, at most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MailDigestFrequency {
    /// Once an hour.
    Hourly,
    /// Once a day.
    #[default]
    Daily,
    /// Once a week, on Mondays.
    Weekly,
}

names! {
    MailDigestFrequency {
        Hourly => "HOURLY",
        Daily => "DAILY",
        Weekly => "WEEKLY",
    }
}

/// When a digest is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// How often.
    pub frequency: MailDigestFrequency,
    /// At which minute of the day, by UTC; hourly, at this minute of each hour.
    pub minute_of_day: u32,
}

impl Default for Schedule {
    fn default() -> Self {
        Self { frequency: MailDigestFrequency::default(), minute_of_day: DEFAULT_MINUTE_OF_DAY }
    }
}

impl Schedule {
    /// The length of a period, and the end of the first one, in minutes since the Unix epoch.
    fn period_and_first(self) -> (i64, i64) {
        let minute = i64::from(self.minute_of_day);
        match self.frequency {
            MailDigestFrequency::Hourly => (MINUTES_PER_HOUR, minute % MINUTES_PER_HOUR),
            MailDigestFrequency::Daily => (MINUTES_PER_DAY, minute),
            MailDigestFrequency::Weekly => (7 * MINUTES_PER_DAY, FIRST_MONDAY + minute),
        }
    }

    /// The last end of a period that is not later than this moment.
    pub fn last_until(self, moment: Timestamp) -> Timestamp {
        let (period, first) = self.period_and_first();
        let (period, first) = (period * MILLIS_PER_MINUTE, first * MILLIS_PER_MINUTE);
        let periods = (moment.unix_millis() - first).div_euclid(period);
        Timestamp::from_unix_millis(first + periods * period)
    }

    /// The first end of a period that is later than this moment.
    pub fn next_after(self, moment: Timestamp) -> Timestamp {
        let (period, first) = self.period_and_first();
        let (period, first) = (period * MILLIS_PER_MINUTE, first * MILLIS_PER_MINUTE);
        let periods = (moment.unix_millis() - first).div_euclid(period) + 1;
        Timestamp::from_unix_millis(first + periods * period)
    }

    /// The end of the period after one that ended at `ended`, and was dealt with now. If periods have ended since, it is the last of them, so
    /// that what has been written meanwhile is sent at once, and in one mail. It is never later than the end of the period that it is now.
    pub fn after(self, ended: Timestamp, now: Timestamp) -> Timestamp {
        if now < ended { ended.min(self.next_after(now)) } else { self.next_after(ended).max(self.last_until(now)) }
    }
}

/// The minute of a day.
///
/// # Errors
/// When a day has no such minute.
pub(super) fn minute_of_day(asked: i32) -> Result<u32, InvalidInput> {
    u32::try_from(asked).ok().filter(|minute| *minute <= MAX_MINUTE_OF_DAY).ok_or_else(|| {
        let message = format!("The minuteOfDay must be from 0 to {MAX_MINUTE_OF_DAY}: minutes after midnight, by UTC.");
        InvalidInput::new("minuteOfDay", message)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    #[test]
    fn a_period_ends_at_its_minute_by_utc_and_a_week_on_monday() {
        use MailDigestFrequency::{Daily, Hourly, Weekly};
        for (frequency, minute_of_day, moment, last, next) in [
            (Hourly, 15, "2026-01-31T12:14:59.999Z", "2026-01-31T11:15:00Z", "2026-01-31T12:15:00Z"),
            (Hourly, 15, "2026-01-31T12:15:00Z", "2026-01-31T12:15:00Z", "2026-01-31T13:15:00Z"),
            (Hourly, 495, "2026-01-31T12:15:00.001Z", "2026-01-31T12:15:00Z", "2026-01-31T13:15:00Z"),
            (Daily, 480, "2026-01-31T07:59:59.999Z", "2026-01-30T08:00:00Z", "2026-01-31T08:00:00Z"),
            (Daily, 480, "2026-01-31T08:00:00Z", "2026-01-31T08:00:00Z", "2026-02-01T08:00:00Z"),
            (Daily, 0, "2026-12-31T23:59:59.999Z", "2026-12-31T00:00:00Z", "2027-01-01T00:00:00Z"),
            // 2 February 2026 is a Monday.
            (Weekly, 480, "2026-02-02T07:59:59.999Z", "2026-01-26T08:00:00Z", "2026-02-02T08:00:00Z"),
            (Weekly, 480, "2026-02-02T08:00:00Z", "2026-02-02T08:00:00Z", "2026-02-09T08:00:00Z"),
        ] {
            let schedule = Schedule { frequency, minute_of_day };
            assert_eq!(schedule.last_until(at(moment)), at(last), "{frequency:?} {moment}");
            assert_eq!(schedule.next_after(at(moment)), at(next), "{frequency:?} {moment}");
        }
    }

    #[test]
    fn periods_that_ended_during_an_outage_are_one_mail_and_a_mail_ahead_of_time_ends_none() {
        let daily = Schedule::default();
        let ended = at("2026-01-31T08:00:00Z");
        for (now, next) in [
            ("2026-01-31T07:00:00Z", "2026-01-31T08:00:00Z"),
            ("2026-01-31T08:00:00Z", "2026-02-01T08:00:00Z"),
            ("2026-02-01T07:59:59.999Z", "2026-02-01T08:00:00Z"),
            ("2026-02-01T08:00:00Z", "2026-02-01T08:00:00Z"),
            ("2026-02-03T20:00:00Z", "2026-02-03T08:00:00Z"),
            // The clock that wrote the end was ahead.
            ("2026-01-03T20:00:00Z", "2026-01-04T08:00:00Z"),
        ] {
            assert_eq!(daily.after(ended, at(now)), at(next), "{now}");
        }
    }

    #[test]
    fn a_minute_of_a_day_is_in_it() {
        for (asked, good) in [(-1, false), (0, true), (1_439, true), (1_440, false)] {
            assert_eq!(minute_of_day(asked).is_ok(), good, "{asked}");
        }
    }

    proptest! {
        #[test]
        fn the_ends_around_a_moment_are_a_period_apart(millis in 31_536_000_000_i64..250_000_000_000_000, minute_of_day in 0_u32..1_440, which in 0_usize..3) {
            let schedule = Schedule { frequency: MailDigestFrequency::ALL[which], minute_of_day };
            let moment = Timestamp::from_unix_millis(millis);
            let (last, next) = (schedule.last_until(moment), schedule.next_after(moment));
            prop_assert!(last <= moment && moment < next);
            prop_assert_eq!(next.unix_millis() - last.unix_millis(), schedule.period_and_first().0 * MILLIS_PER_MINUTE);
            prop_assert_eq!(schedule.next_after(last), next);
        }
    }
}
