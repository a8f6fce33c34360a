//! A clock that stands still until a test moves it.

use std::sync::atomic::{AtomicI64, Ordering};

use rotakey::clock::{Clock, SystemClock};

/// 2026-01-01T00:00:00.000Z.
pub const START: i64 = 1_767_225_600_000;
pub const SECOND: i64 = 1_000;
pub const MINUTE: i64 = 60 * SECOND;

pub struct ManualClock(AtomicI64);

impl ManualClock {
    pub fn new() -> Self {
        Self(AtomicI64::new(START))
    }

    pub fn advance(&self, millis: i64) {
        self.0.fetch_add(millis, Ordering::SeqCst);
    }

    pub fn set(&self, offset_millis: i64) {
        self.0.store(START + offset_millis, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now_unix_millis(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }

    fn monotonic_millis(&self) -> i64 {
        self.now_unix_millis()
    }

    fn follows_database(&self) -> bool {
        false
    }
}

/// The clock of a host that is wrong, and that a test may set while the server runs. What goes by it follows the database.
#[derive(Default)]
pub struct WrongClock(AtomicI64);

impl WrongClock {
    pub fn ahead(millis: i64) -> Self {
        Self(AtomicI64::new(millis))
    }

    pub fn step(&self, millis: i64) {
        self.0.fetch_add(millis, Ordering::SeqCst);
    }
}

impl Clock for WrongClock {
    fn now_unix_millis(&self) -> i64 {
        SystemClock.now_unix_millis() + self.0.load(Ordering::SeqCst)
    }

    fn monotonic_millis(&self) -> i64 {
        SystemClock.monotonic_millis()
    }
}
