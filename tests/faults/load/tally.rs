//! What a client counted.

use std::time::Duration;

#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Rotations whose answer arrived.
    pub rotations: u64,
    /// Calls that got no answer, or one that says that something failed.
    pub failed: u64,
    /// Those of them that were rotations and may have been carried out.
    pub unknown: u64,
    /// From a lost answer to the next rotation that was answered, for the only worker of a token.
    pub recoveries_with_key: Vec<Duration>,
    pub recoveries_without: Vec<Duration>,
    /// Clients that were left without a value that works, with the refusal that they got.
    pub locked_out: Vec<String>,
}

impl Tally {
    pub fn add(&mut self, other: Self) {
        let Self { rotations, failed, unknown, recoveries_with_key, recoveries_without, locked_out } = other;
        self.rotations += rotations;
        self.failed += failed;
        self.unknown += unknown;
        self.recoveries_with_key.extend(recoveries_with_key);
        self.recoveries_without.extend(recoveries_without);
        self.locked_out.extend(locked_out);
    }
}

/// The time that this share of all times does not exceed, in milliseconds.
pub fn percentile_millis(times: &[Duration], percent: usize) -> String {
    let mut times = times.to_vec();
    times.sort();
    let index = (times.len() * percent).div_ceil(100).saturating_sub(1);
    times.get(index).map_or_else(|| "none".to_owned(), |time| format!("{:.0} ms", time.as_secs_f64() * 1_000.0))
}

/// `p50 / max`, in seconds.
pub fn median_and_longest(times: &[Duration]) -> String {
    let mut times = times.to_vec();
    times.sort();
    match (times.get(times.len() / 2), times.last()) {
        (Some(median), Some(longest)) => format!("{:.2} s / {:.2} s", median.as_secs_f64(), longest.as_secs_f64()),
        _ => "none".to_owned(),
    }
}
