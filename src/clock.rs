//! The clocks of the host, which are injected. With `entropy`, this is the only source of non-determinism.

use std::sync::Arc;
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

/// The clocks of a host.
pub trait Clock: Send + Sync {
    /// The wall clock: milliseconds since 1970-01-01T00:00:00Z. It may be wrong, and it steps when it is set.
    fn now_unix_millis(&self) -> i64;

    /// The wall clock in nanoseconds, for the times of spans.
    fn now_unix_nanos(&self) -> u64 {
        u64::try_from(self.now_unix_millis()).unwrap_or_default().saturating_mul(1_000_000)
    }

    /// The monotonic clock: milliseconds since a moment that stays the same while the process runs. It never steps, and it counts
    /// the time for which the host was suspended.
    fn monotonic_millis(&self) -> i64;

    /// Whether to use the database's clock instead of the wall clock (R17). Only a clock that is right by definition returns
    /// `false`, such as one that a test sets.
    fn follows_database(&self) -> bool {
        true
    }
}

/// A clock that several rooms share.
pub type SharedClock = Arc<dyn Clock>;

/// The clock of the machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the wall clock")]
    fn now_unix_millis(&self) -> i64 {
        jiff::Timestamp::now().as_millisecond()
    }

    #[expect(clippy::disallowed_methods, reason = "the one place that reads the wall clock")]
    fn now_unix_nanos(&self) -> u64 {
        u64::try_from(jiff::Timestamp::now().as_nanosecond()).unwrap_or_default()
    }

    fn monotonic_millis(&self) -> i64 {
        // Every POSIX system has the second clock, so this cannot fail.
        let since = clock_gettime(MONOTONIC).or_else(|_| clock_gettime(ClockId::CLOCK_MONOTONIC));
        let since = since.map(Duration::from).unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    }
}

/// On Linux, `CLOCK_MONOTONIC` stops while the host is suspended, so the cache would still be trusted afterwards.
#[cfg(any(target_os = "linux", target_os = "android"))]
const MONOTONIC: ClockId = ClockId::CLOCK_BOOTTIME;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const MONOTONIC: ClockId = ClockId::CLOCK_MONOTONIC;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_monotonic_clock_runs() {
        let before = SystemClock.monotonic_millis();
        assert!(before > 0);
        while SystemClock.monotonic_millis() == before {}
        assert!(SystemClock.monotonic_millis() > before);
    }
}
