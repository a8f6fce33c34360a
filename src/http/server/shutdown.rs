//! How the server stops, in two steps: it drains, then it closes. Event streams and WebSockets, which outlast their request,
//! end when it closes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

/// The two steps of stopping, shared by whoever orders them and everything that must follow.
#[derive(Clone, Debug, Default)]
pub struct Shutdown(Arc<Steps>);

#[derive(Debug, Default)]
struct Steps {
    /// The same as `draining`, which takes a lock to be asked: every answer asks.
    is_draining: AtomicBool,
    draining: CancellationToken,
    closing: CancellationToken,
    streams: TaskTracker,
}

impl Shutdown {
    /// From now on every answer asks its client to go elsewhere, and `/readyz` says 503. Requests are still served.
    pub fn drain(&self) {
        self.0.is_draining.store(true, Ordering::Release);
        self.0.draining.cancel();
    }

    /// From now on no connection is accepted, and streams end.
    pub fn close(&self) {
        self.drain();
        self.0.closing.cancel();
        self.0.streams.close();
    }

    /// Waits until it closes and the last stream has ended.
    pub async fn streams_ended(&self) {
        self.0.streams.wait().await;
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.0.is_draining.load(Ordering::Acquire)
    }

    /// Cancelled once the server drains. Every waiter gets a token of its own, because waiting on a shared one takes its lock.
    pub(crate) fn draining(&self) -> CancellationToken {
        self.0.draining.child_token()
    }

    /// As [`Shutdown::draining`], once the server closes.
    pub(crate) fn closing(&self) -> CancellationToken {
        self.0.closing.child_token()
    }

    /// Delays the end of [`Shutdown::streams_ended`] until it is dropped.
    pub(crate) fn track_stream(&self) -> TaskTrackerToken {
        self.0.streams.token()
    }
}
