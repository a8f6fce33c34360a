//! What all endpoints share: connections, shutdown, bad input, and an unavailable database.

mod bad_input;
mod graceful_shutdown;
mod idle_connections;
mod unavailable;
mod unread_answers;

use tokio::time::{Duration, advance, pause, resume};

/// How often connections are looked at, and a little more.
const PERIOD: Duration = Duration::from_secs(16);

/// Lets this many periods pass.
async fn pass(periods: u32) {
    for _ in 0..periods {
        pause();
        advance(PERIOD).await;
        resume();
        // Every tick is to be seen.
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
    }
}
