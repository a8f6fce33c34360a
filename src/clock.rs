//! The time, as a value that is passed in. One of the two impurities of the system; the other is `entropy`.

use std::sync::Arc;

/// A source of the present moment.
pub trait Clock: Send + Sync {
    /// Milliseconds since 1970-01-01T00:00:00Z.
    fn now_unix_millis(&self) -> i64;
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
}
