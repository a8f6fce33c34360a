//! A connection that was upgraded to a WebSocket. A separate task serves it, but it keeps the permit of its connection and is closed
//! with it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

/// The state that the task of the connection and that of the WebSocket share.
#[derive(Debug, Default)]
pub(crate) struct Upgrade {
    has_begun: AtomicBool,
    /// Whether the client is authenticated.
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

    /// Waits until the WebSocket has ended, if there is one. Dropping this earlier ends the WebSocket.
    pub(crate) async fn ended(&self) {
        if self.has_begun() {
            let _closing = Closing(self);
            self.ended.notified().await;
        }
    }
}

/// Ends the WebSocket on drop.
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

    /// The client is authenticated.
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
