//! No test may hang: a guarantee that does not hold must fail its test, not stop the run.

use std::time::Duration;

use tokio::task::yield_now;
use tokio::time::timeout;

/// Far longer than any answer takes on a busy machine.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// Waits for this, and panics if it does not come in time.
#[track_caller]
pub fn soon<T>(awaited: impl Future<Output = T>) -> impl Future<Output = T> {
    let caller = std::panic::Location::caller();
    within(DEADLINE, format!("what {caller} waits for"), awaited)
}

/// Waits for this, and panics with what was awaited if it takes longer than the deadline.
pub async fn within<T>(deadline: Duration, what: impl std::fmt::Display, awaited: impl Future<Output = T>) -> T {
    timeout(deadline, awaited).await.unwrap_or_else(|_| panic!("{what} did not come within {deadline:?}"))
}

/// Asks again and again until this holds, and panics with what was awaited if it does not in time.
pub async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let asking = async {
        while !holds().await {
            yield_now().await;
        }
    };
    within(DEADLINE, what, asking).await;
}
