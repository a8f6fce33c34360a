//! Moments at the ends of what can be kept, and every form in which they are written.

use proptest::prelude::*;

use super::*;

#[test]
fn prints_utc_with_milliseconds() {
    assert_eq!(Timestamp::from_unix_millis(1_767_225_600_007).to_string(), "2026-01-01T00:00:00.007Z");
    assert_eq!(Timestamp::MAX.to_string(), "9999-12-31T23:59:59.999Z");
    assert_eq!(Timestamp::MIN.to_string(), "1970-01-01T00:00:00.000Z");
}

#[test]
fn prints_http_dates_in_whole_seconds() {
    let at = Timestamp::from_unix_millis(1_767_225_600_999);
    assert_eq!(at.http_date(), "Thu, 01 Jan 2026 00:00:00 GMT");
    assert_eq!(at.unix_seconds(), 1_767_225_600);
    assert_eq!(Timestamp::MAX.http_date(), "Fri, 31 Dec 9999 23:59:59 GMT");
}

fn read(text: &str) -> Result<i64, MalformedTimestamp> {
    Timestamp::parse(text).map(Timestamp::unix_millis)
}

#[test]
fn reads_every_form_of_rfc_3339() {
    const NEW_YEAR: i64 = 1_767_225_600_000;
    for (text, expected) in [
        ("2026-01-01T00:00:00Z", NEW_YEAR),
        ("2026-01-01t00:00:00z", NEW_YEAR),
        ("2026-01-01T00:00:00.007Z", NEW_YEAR + 7),
        ("2026-01-01T00:00:00.5Z", NEW_YEAR + 500),
        ("2026-01-01T00:00:00.07Z", NEW_YEAR + 70),
        ("2026-01-01T01:00:00.0079999+01:00", NEW_YEAR + 7),
        ("2026-01-01T00:00:00.007999999999999999999999999999Z", NEW_YEAR + 7),
        ("2026-01-01T00:00:00.999999999999Z", NEW_YEAR + 999),
        ("2025-12-31T19:00:00-05:00", NEW_YEAR),
        ("2026-01-01T23:59:00+23:59", NEW_YEAR),
        ("2025-12-31T00:01:00-23:59", NEW_YEAR),
        ("2026-01-01T00:00:00-00:00", NEW_YEAR),
        ("2024-02-29T23:59:59.999Z", 1_709_251_199_999),
        ("1970-01-01T00:00:00Z", 0),
        ("1969-12-31T23:00:00-01:00", 0),
        ("9999-12-31T23:59:59Z", Timestamp::MAX.unix_millis() - 999),
        ("9999-12-31T23:59:59.999Z", Timestamp::MAX.unix_millis()),
        ("9999-12-31T22:59:59.9999-01:00", Timestamp::MAX.unix_millis()),
        ("9999-12-31T00:00:00+23:59", Timestamp::MAX.unix_millis() - 172_739_999),
    ] {
        assert_eq!(read(text), Ok(expected), "{text}");
    }
}

#[test]
fn what_cannot_be_kept_is_refused_and_never_moved() {
    use MalformedTimestamp::{Form, LeapSecond, OutOfRange};
    for (text, expected) in [
        ("2016-12-31T23:59:60Z", LeapSecond),
        ("2016-12-31T18:59:60.5-05:00", LeapSecond),
        ("2026-01-01T12:00:61Z", Form),
        ("1969-12-31T23:59:59.999Z", OutOfRange),
        ("1970-01-01T00:59:59+01:00", OutOfRange),
        ("0000-01-01T00:00:00Z", OutOfRange),
        ("0000-01-01T00:00:00+23:59", OutOfRange),
        ("9999-12-31T23:59:59.999-00:01", OutOfRange),
        ("9999-12-31T23:00:00-01:00", OutOfRange),
        ("9999-12-31T23:59:60Z", LeapSecond),
        ("9999-12-31T24:00:00Z", Form),
    ] {
        assert_eq!(read(text), Err(expected), "{text}");
    }
}

#[test]
fn other_texts_are_no_moments() {
    for text in [
        "",
        "tomorrow",
        "now",
        "0",
        "20300101T000000Z",
        "2030-01-01T00Z",
        "2030-01-01T00:00Z",
        "2030-01-01T00:00:00,5Z",
        "2030-01-01T00:00:00.Z",
        "2030-01-01T00:00:00. 5Z",
        "2030-01-01T00:00:00.５Z",
        "+002030-01-01T00:00:00Z",
        "-2030-01-01T00:00:00Z",
        "2030-1-01T00:00:00Z",
        "2030-01-01T00:00:00+01:00:30",
        "2030-01-01T00:00:00+0100",
        "2030-01-01T00:00:00+01",
        "2030-01-01T00:00:00+1:00",
        "2030-01-01T00:00:00\u{2212}01:00",
        "2030-01-01 00:00:00Z",
        "2026-01-01",
        "2026-01-01T00:00:00",
        "2026-01-01T00:00:00.5",
        "2026-01-01T00:00:00Z[UTC]",
        "2026-01-01T00:00:00ZZ",
        "2026-01-01T00:00:00Z01:00",
        "2026-01-01T00:00:00++01:00",
        "2026-01-01T00:00:00 Z",
        " 2026-01-01T00:00:00Z",
        "2026-01-01T00:00:00Z ",
        "2026-001T00:00:00Z",
        "2026-W01-1T00:00:00Z",
        "2030-00-01T00:00:00Z",
        "2030-13-01T00:00:00Z",
        "2030-01-00T00:00:00Z",
        "2030-01-32T00:00:00Z",
        "2030-02-30T00:00:00Z",
        "2030-02-29T00:00:00Z",
        "1900-02-29T00:00:00Z",
        "2030-04-31T00:00:00Z",
        "2030-01-01T24:00:00Z",
        "2030-01-01T00:60:00Z",
        "2030-01-01T00:00:99Z",
        "2030-01-01T00:00:00+24:00",
        "2030-01-01T00:00:00+25:00",
        "2030-01-01T00:00:00-23:60",
        "2030-01-01T00:00:00+00:99",
        "10000-01-01T00:00:00Z",
        "９999-01-01T00:00:00Z",
        "2030-01-01T00:00:00+é:00",
    ] {
        assert_eq!(read(text), Err(MalformedTimestamp::Form), "{text}");
    }
}

proptest! {
    #[test]
    fn what_is_printed_is_read_back(millis in 0..=Timestamp::MAX.unix_millis()) {
        let at = Timestamp::from_unix_millis(millis);
        prop_assert_eq!(Timestamp::parse(&at.to_string()), Ok(at));
        prop_assert_eq!(Timestamp::parse(&at.to_string().to_lowercase()), Ok(at));
        prop_assert!(at.http_date().ends_with(" GMT") && at.http_date().len() == 29);
    }

    #[test]
    fn an_offset_moves_a_moment_by_itself_and_a_fraction_never_on(
        seconds in 86_400..253_402_214_400_i64, fraction in "[0-9]{1,40}", offset in -1_439..=1_439_i64
    ) {
        let local = Timestamp::from_unix_millis(seconds * 1_000).to_string();
        let (sign, minutes) = if offset < 0 { ('-', -offset) } else { ('+', offset) };
        let text = format!("{}.{fraction}{sign}{:02}:{:02}", &local[..19], minutes / 60, minutes % 60);
        let kept: i64 = format!("{fraction:0<3}")[..3].parse().unwrap();
        prop_assert_eq!(read(&text), Ok(seconds * 1_000 - offset * 60_000 + kept));
    }

    #[test]
    fn any_text_is_read_or_refused(
        text in "[0-9TZtz:.+-]{0,40}|.{0,30}|[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-9]{2}:[0-9]{2}:[0-9]{2}.?[Z+-].{0,6}"
    ) {
        if let Ok(at) = Timestamp::parse(&text) {
            prop_assert!((Timestamp::MIN..=Timestamp::MAX).contains(&at));
        }
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
