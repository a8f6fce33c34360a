//! Graceful shutdown in two steps: the server drains, then it closes. Event streams and WebSockets, which live longer than their
//! request, end when it closes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

/// The two steps of a shutdown. Clones share their state.
#[derive(Clone, Debug, Default)]
pub struct Shutdown(Arc<Steps>);

#[derive(Debug, Default)]
struct Steps {
    /// The state of `draining`, readable without its lock, because every response reads it.
    is_draining: AtomicBool,
    draining: CancellationToken,
    closing: CancellationToken,
    streams: TaskTracker,
}

impl Shutdown {
    /// Starts draining: requests are still served, but every response asks its client to reconnect elsewhere, and `/readyz` is 503.
    pub fn drain(&self) {
        self.0.is_draining.store(true, Ordering::Release);
        self.0.draining.cancel();
    }

    /// Closes: no more connections are accepted, and streams end.
    pub fn close(&self) {
        self.drain();
        self.0.closing.cancel();
        self.0.streams.close();
    }

    /// Waits until the server closes and the last stream has ended.
    pub async fn streams_ended(&self) {
        self.0.streams.wait().await;
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.0.is_draining.load(Ordering::Acquire)
    }

    /// Cancelled once the server drains. Every waiter gets a child token, because waiting on a shared one takes its lock.
    pub(crate) fn draining(&self) -> CancellationToken {
        self.0.draining.child_token()
    }

    /// Cancelled once the server closes. See [`Shutdown::draining`].
    pub(crate) fn closing(&self) -> CancellationToken {
        self.0.closing.child_token()
    }

    /// Counts a stream: [`Shutdown::streams_ended`] waits until this is dropped.
    pub(crate) fn track_stream(&self) -> TaskTrackerToken {
        self.0.streams.token()
    }
}
