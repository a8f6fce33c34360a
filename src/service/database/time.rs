//! The time that the rules use: the database's clock, extrapolated by this host's monotonic clock (R17).
//!
//! All replicas on one database share its clock. So the wall clock of a host may be wrong, or be set while the server runs, and
//! nothing changes. The difference between the database's clock and the monotonic clock is measured with every poll. The answer
//! says what the database's clock was at some time between the request and the answer, which gives a lower and an upper bound of
//! the difference. If the current difference is within the bounds, it is kept, and otherwise moved to the nearer bound. So a slow
//! answer, with wide bounds, changes nothing, a quick one corrects the difference, and the time does not jitter. Replicas agree to
//! within a round trip.
//!
//! If the database's own clock steps, or a server with another clock takes over, all replicas follow within a second, and deadlines
//! move with that clock. Only the ten seconds of R5, which are a duration, are kept in spite of it. While contact is lost, the
//! difference stays the same.
//!
//! On SQLite the database's clock is the wall clock of the host. It is what all processes on one file share, and it survives a
//! restart. It is followed in the same way.

use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};

use crate::clock::SharedClock;
use crate::domain::rule::conflict_guard::CONFLICT_GUARD_SECONDS;
use crate::domain::timestamp::Timestamp;
use crate::store::{self, Store};

/// From which difference between this host's wall clock and the database's, or from which step of that clock, there is a log line.
const NOTEWORTHY_MILLIS: i64 = 1_000;
/// How long after a step of the clock it is uncertain whether a rotation was more than ten seconds ago (R5): that long, plus the
/// time until every other replica has noticed.
const UNCERTAIN_MILLIS: i64 = CONFLICT_GUARD_SECONDS as i64 * 1_000 + 5_000;
/// By how much a timestamp may be rounded. The difference is of two clocks, so without this it would change with every poll.
const ROUNDING_MILLIS: i64 = 1;

/// The clock of the service.
pub(crate) struct Time {
    clock: SharedClock,
    /// The database's clock minus the monotonic one.
    difference_millis: AtomicI64,
    /// When the database's clock was last set, by the monotonic clock; the least number if it was not.
    set_at: AtomicI64,
    /// Until when, by the monotonic clock, durations are uncertain because the database's clock was set.
    uncertain_until: AtomicI64,
    /// The wall clock minus the database's, as it was last logged.
    logged_millis: AtomicI64,
}

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Time").field(&self.difference_millis).finish()
    }
}

impl Time {
    /// Measures for the first time.
    ///
    /// # Errors
    /// When the database does not answer. It is better to fail than to use a wrong time.
    pub(crate) async fn of(store: &Store, clock: SharedClock) -> Result<Self, store::Error> {
        let asked_at = clock.monotonic_millis();
        let database_time = if clock.follows_database() { store.time().await? } else { None };
        Ok(Self::measured(clock, asked_at, database_time))
    }

    fn measured(clock: SharedClock, asked_at: i64, database_time: Option<Timestamp>) -> Self {
        let time = Self {
            clock,
            difference_millis: AtomicI64::new(0),
            set_at: AtomicI64::new(i64::MIN),
            uncertain_until: AtomicI64::new(i64::MIN),
            logged_millis: AtomicI64::new(0),
        };
        let bounds = time.bounds(asked_at, database_time);
        time.difference_millis.store(bounds.middle(), Ordering::Relaxed);
        time.compare_with_wall_clock();
        time
    }

    /// The current time.
    pub(crate) fn now(&self) -> Timestamp {
        self.at(self.clock.monotonic_millis())
    }

    /// The time at this reading of the monotonic clock.
    pub(crate) fn at(&self, monotonic_millis: i64) -> Timestamp {
        let difference = self.difference_millis.load(Ordering::Relaxed);
        Timestamp::from_unix_millis(monotonic_millis.saturating_add(difference))
    }

    /// This host's monotonic clock. Read it before you ask the database for its time.
    pub(crate) fn monotonic_millis(&self) -> i64 {
        self.clock.monotonic_millis()
    }

    /// Measures the difference again, from an answer of the database that has just arrived. `database_time` is `None` if the
    /// database uses this host's wall clock.
    pub(crate) fn measure(&self, asked_at: i64, database_time: Option<Timestamp>) {
        if !self.clock.follows_database() {
            return;
        }
        // There is no race: only the task that keeps contact writes it.
        let before = self.difference_millis.load(Ordering::Relaxed);
        let measured = self.bounds(asked_at, database_time).nearest(before);
        self.difference_millis.store(measured, Ordering::Relaxed);
        let step_millis = measured.saturating_sub(before);
        if step_millis.saturating_abs() > NOTEWORTHY_MILLIS {
            let set_at = self.clock.monotonic_millis();
            self.set_at.store(set_at, Ordering::Relaxed);
            let until = set_at.saturating_add(UNCERTAIN_MILLIS);
            self.uncertain_until.store(until, Ordering::Relaxed);
            tracing::warn!(name: "database_clock_set", step_millis, "the database's clock was set; deadlines move with it");
        }
        self.compare_with_wall_clock();
    }

    /// For how many more seconds it is uncertain how long ago a rotation was, because the database's clock was set; nearly always
    /// 0.
    pub(crate) fn uncertain_seconds(&self) -> u32 {
        let left = self.uncertain_until.load(Ordering::Relaxed).saturating_sub(self.clock.monotonic_millis());
        u32::try_from(left).map_or(0, |millis| millis.div_ceil(1_000))
    }

    /// When the database's clock was last set, as far as this process has noticed. How long ago something was before that is not known.
    pub(crate) fn set_at(&self) -> Option<Timestamp> {
        let set_at = self.set_at.load(Ordering::Relaxed);
        (set_at != i64::MIN).then(|| self.at(set_at))
    }

    /// By how much the wall clock of this host is ahead of the database's.
    pub(crate) fn ahead_millis(&self) -> i64 {
        self.clock.now_unix_millis().saturating_sub(self.now().unix_millis())
    }

    fn bounds(&self, asked_at: i64, database_time: Option<Timestamp>) -> Bounds {
        let database_time = database_time.map_or_else(|| self.clock.now_unix_millis(), Timestamp::unix_millis);
        Bounds::of(asked_at, self.clock.monotonic_millis(), database_time)
    }

    /// Logs each change once: that the wall clock of this host is wrong, or right again.
    fn compare_with_wall_clock(&self) {
        let ahead_millis = self.ahead_millis();
        let logged = self.logged_millis.load(Ordering::Relaxed);
        if ahead_millis.saturating_sub(logged).saturating_abs() <= NOTEWORTHY_MILLIS {
            return;
        }
        self.logged_millis.store(ahead_millis, Ordering::Relaxed);
        if ahead_millis.saturating_abs() > NOTEWORTHY_MILLIS {
            tracing::warn!(name: "host_clock_differs", ahead_millis, "this host's clock differs from the database's; the database's is used");
        } else {
            tracing::info!(name: "host_clock_agrees", ahead_millis, "this host's clock agrees with the database's again");
        }
    }
}

/// The bounds, by one answer, of the database's clock minus the monotonic clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Bounds {
    least: i64,
    most: i64,
}

impl Bounds {
    /// From the monotonic time of the request and of the answer, and the database's time in between.
    fn of(asked_at: i64, answered_at: i64, database_time: i64) -> Self {
        let least = database_time.saturating_sub(answered_at).saturating_sub(ROUNDING_MILLIS);
        let most = database_time.saturating_sub(asked_at).saturating_add(ROUNDING_MILLIS);
        // Holds even if the monotonic clock ran backwards.
        Self { least, most: most.max(least) }
    }

    /// The difference if request and answer took equally long.
    fn middle(self) -> i64 {
        self.least.midpoint(self.most)
    }

    fn nearest(self, difference: i64) -> i64 {
        difference.clamp(self.least, self.most)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crate::clock::Clock;

    use super::*;

    /// The clocks of a host, as the test sets them: the wall clock and the monotonic one.
    struct Host([AtomicI64; 2]);

    impl Clock for Host {
        fn now_unix_millis(&self) -> i64 {
            self.0[0].load(Ordering::SeqCst)
        }

        fn monotonic_millis(&self) -> i64 {
            self.0[1].load(Ordering::SeqCst)
        }
    }

    impl Host {
        fn pass(&self, millis: i64) {
            for clock in &self.0 {
                clock.fetch_add(millis, Ordering::SeqCst);
            }
        }

        fn set_wall_clock(&self, millis: i64) {
            self.0[0].store(millis, Ordering::SeqCst);
        }
    }

    const START: i64 = 1_000_000_000;

    /// A host that has been up for a minute, and whose wall clock is wrong by an hour.
    fn host() -> Arc<Host> {
        Arc::new(Host([AtomicI64::new(START - 3_600_000), AtomicI64::new(60_000)]))
    }

    fn at(millis: i64) -> Option<Timestamp> {
        Some(Timestamp::from_unix_millis(millis))
    }

    #[test]
    fn the_time_is_the_databases_and_half_the_round_trip_is_taken_off() {
        let host = host();
        let asked_at = host.monotonic_millis();
        host.pass(40);
        let time = Time::measured(host.clone(), asked_at, at(START + 20));
        assert_eq!(time.now().unix_millis(), START + 40);
        host.pass(1_000);
        assert_eq!(time.now().unix_millis(), START + 1_040);
        for wall in [0, START, START + 3_600_000] {
            host.set_wall_clock(wall);
            assert_eq!(time.now().unix_millis(), START + 1_040);
        }
    }

    #[test]
    fn an_answer_within_the_bounds_changes_nothing() {
        let host = host();
        let time = Time::measured(host.clone(), host.monotonic_millis(), at(START));
        for (round_trip, said_after) in [(0, 0), (10, 0), (10, 10), (3_000, 0), (3_000, 3_000)] {
            let (asked_at, before) = (host.monotonic_millis(), time.now().unix_millis());
            host.pass(round_trip);
            time.measure(asked_at, at(before + said_after));
            assert_eq!(time.now().unix_millis(), before + round_trip, "{round_trip} {said_after}");
        }
    }

    #[test]
    fn a_quick_answer_corrects_what_a_slow_one_left_open() {
        let host = host();
        let asked_at = host.monotonic_millis();
        host.pass(3_000);
        // It was said just before it came, so half the round trip is too much.
        let time = Time::measured(host.clone(), asked_at, at(START + 3_000));
        assert_eq!(time.now().unix_millis(), START + 4_500);
        time.measure(host.monotonic_millis(), at(START + 3_000));
        assert!((time.now().unix_millis() - START - 3_000).abs() <= ROUNDING_MILLIS);
        assert!(time.uncertain_seconds() > 0, "which is as a step");
    }

    #[test]
    fn a_step_of_the_databases_clock_is_followed_and_makes_durations_uncertain() {
        for step in [-3_600_000, -11_000, -1_002, 1_002, 11_000, 3_600_000] {
            let host = host();
            let time = Time::measured(host.clone(), host.monotonic_millis(), at(START));
            assert_eq!(time.uncertain_seconds(), 0);
            time.measure(host.monotonic_millis(), at(START + step));
            assert!((time.now().unix_millis() - START - step).abs() <= ROUNDING_MILLIS, "{step}");
            for (passes, seconds) in [(0, 15), (1, 15), (4_999, 10), (9_999, 1), (1, 0), (1, 0)] {
                host.pass(passes);
                assert_eq!(time.uncertain_seconds(), seconds, "{step}");
            }
        }
    }

    #[test]
    fn a_database_without_a_clock_goes_by_that_of_its_host() {
        let host = host();
        let time = Time::measured(host.clone(), host.monotonic_millis(), None);
        assert_eq!(time.now().unix_millis(), START - 3_600_000);
        host.set_wall_clock(START);
        assert_eq!(time.now().unix_millis(), START - 3_600_000, "until the database is asked again");
        time.measure(host.monotonic_millis(), None);
        assert!((time.now().unix_millis() - START).abs() <= ROUNDING_MILLIS);
    }
}
