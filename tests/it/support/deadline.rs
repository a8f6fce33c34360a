//! No test may hang: a guarantee that does not hold must fail its test, not stop the run.

use std::time::Duration;

use tokio::time::timeout;

/// Far longer than any answer takes on a busy machine.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// Waits for this, and panics if it does not come in time.
pub async fn soon<T>(awaited: impl Future<Output = T>) -> T {
    timeout(DEADLINE, awaited).await.unwrap_or_else(|_| panic!("nothing came within {DEADLINE:?}"))
}
