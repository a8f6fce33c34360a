//! Durations of settings.

/// A duration in whole minutes, at least one.
pub(super) fn minutes_of(text: &str) -> Result<u32, ()> {
    let seconds = humantime::parse_duration(text).map_err(|_| ())?.as_secs();
    let minutes = u32::try_from(seconds / 60).map_err(|_| ())?;
    if seconds % 60 == 0 && minutes > 0 { Ok(minutes) } else { Err(()) }
}
