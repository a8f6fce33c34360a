//! A connection that has become a WebSocket: it is served by a task of its own, but keeps its place, and is closed with the connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

/// What the task of the connection and that of the WebSocket tell each other.
#[derive(Debug, Default)]
pub(crate) struct Upgrade {
    has_begun: AtomicBool,
    /// Whether the client has said who it is.
    is_authenticated: AtomicBool,
    ended: Notify,
    must_end: Notify,
}

impl Upgrade {
    pub(crate) fn has_begun(&self) -> bool {
        self.has_begun.load(Ordering::Relaxed)
    }

    pub(crate) fn is_authenticated(&self) -> bool {
        self.is_authenticated.load(Ordering::Relaxed)
    }

    /// Waits until the WebSocket has ended, if there is one. If this is dropped before, the WebSocket must end.
    pub(crate) async fn ended(&self) {
        if self.has_begun() {
            let _closing = Closing(self);
            self.ended.notified().await;
        }
    }
}

/// Ends the WebSocket when this is dropped.
struct Closing<'a>(&'a Upgrade);

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        self.0.must_end.notify_one();
    }
}

/// A WebSocket, until this is dropped.
pub(crate) struct Upgraded(Arc<Upgrade>);

impl Upgraded {
    pub(crate) fn of(upgrade: Arc<Upgrade>) -> Self {
        upgrade.has_begun.store(true, Ordering::Relaxed);
        Self(upgrade)
    }

    /// The client has said who it is.
    pub(crate) fn set_authenticated(&self) {
        self.0.is_authenticated.store(true, Ordering::Relaxed);
    }

    /// Waits until its connection is closed.
    pub(crate) async fn must_end(&self) {
        self.0.must_end.notified().await;
    }
}

impl Drop for Upgraded {
    fn drop(&mut self) {
        self.0.ended.notify_one();
    }
}
