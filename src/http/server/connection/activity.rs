//! The counters of one connection, from which idle and stalled connections are recognised.
//!
//! Requests only increment counters, because a timer for each would cost more than judging a value. `OpenConnections` reads them
//! periodically.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::task::Context;

use futures_util::task::AtomicWaker;
use tokio::sync::Notify;

use super::memory::{Budget, Purpose};
use super::upgrade::Upgrade;

/// How many bytes of responses may be unsent on a connection. While there are more, its next requests wait (backpressure).
const MAX_UNSENT: usize = 1024 * 1024;

/// The counters of one connection.
#[derive(Debug, Default)]
pub(crate) struct Activity {
    /// Requests that began, plus chunks of their bodies that arrived.
    progress: AtomicU64,
    /// Requests that are being answered.
    answering: AtomicU32,
    /// Those of them that wait for the rest of their body.
    awaiting: AtomicU32,
    /// Responses of unknown length, which are event streams.
    streams: AtomicU32,
    /// Bytes that were written to the socket.
    written: AtomicU64,
    /// Responses that are no longer held in memory.
    sent: AtomicU64,
    /// Whether the send buffer of the socket is full.
    blocked: AtomicBool,
    /// Whether the connection uses HTTP/2.
    multiplexed: AtomicBool,
    /// Whether the client has closed its sending side, and the task that waits for it.
    half_closed: AtomicBool,
    on_half_close: AtomicWaker,
    /// Bytes of responses that are not sent yet.
    unsent: AtomicUsize,
    /// Bytes of request bodies that are incomplete.
    received: AtomicUsize,
    room: Notify,
    upgrade: Arc<Upgrade>,
    budget: Arc<Budget>,
}

/// The counters at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Snapshot {
    pub(crate) progress: u64,
    pub(crate) written: u64,
    pub(crate) sent: u64,
    /// Whether a request is being handled that does not wait for its client.
    pub(crate) is_working: bool,
    pub(crate) awaits_body: bool,
    pub(crate) unsent: bool,
    pub(crate) streams: bool,
    /// Whether it was upgraded to a WebSocket, and whether its client is authenticated.
    pub(crate) is_socket: bool,
    pub(crate) is_authenticated_socket: bool,
}

impl Activity {
    /// The counters of a connection whose bytes count towards this budget.
    pub(crate) fn new(budget: Arc<Budget>) -> Self {
        Self { budget, ..Self::default() }
    }

    /// A request arrived, or a chunk of its body.
    pub(crate) fn record_progress(&self) {
        self.progress.fetch_add(1, Ordering::Relaxed);
    }

    /// A request arrived over HTTP/2.
    pub(crate) fn set_multiplexed(&self) {
        if !self.is_multiplexed() {
            self.multiplexed.store(true, Ordering::Relaxed);
        }
    }

    pub(crate) fn is_multiplexed(&self) -> bool {
        self.multiplexed.load(Ordering::Relaxed)
    }

    /// Whether so many bytes are unsent that no further request may be handled.
    pub(crate) fn is_full(&self) -> bool {
        self.unsent.load(Ordering::Relaxed) >= MAX_UNSENT
    }

    /// Waits until [`Activity::is_full`] is false.
    pub(crate) async fn until_not_full(&self) {
        while self.is_full() {
            let mut notified = std::pin::pin!(self.room.notified());
            notified.as_mut().enable();
            // It may have changed before this was registered.
            if self.is_full() {
                notified.await;
            }
        }
    }

    /// This many bytes were written to the socket.
    pub(crate) fn record_written(&self, bytes: usize) {
        self.written.fetch_add(bytes as u64, Ordering::Relaxed);
        if self.blocked.load(Ordering::Relaxed) {
            self.blocked.store(false, Ordering::Relaxed);
        }
    }

    /// The socket accepted no bytes.
    pub(crate) fn set_blocked(&self) {
        self.blocked.store(true, Ordering::Relaxed);
    }

    /// A response is no longer held in memory.
    pub(crate) fn record_sent(&self) {
        self.sent.fetch_add(1, Ordering::Relaxed);
        if !self.is_full() {
            self.room.notify_waiters();
        }
    }

    /// The client has closed its sending side.
    pub(crate) fn set_half_closed(&self) {
        self.half_closed.store(true, Ordering::Release);
        self.on_half_close.wake();
    }

    /// Whether the client has closed its sending side. If not, the task is woken when it does.
    pub(crate) fn is_half_closed(&self, context: &Context<'_>) -> bool {
        self.on_half_close.register(context.waker());
        self.half_closed.load(Ordering::Acquire)
    }

    /// Whether there are responses of unknown length.
    pub(crate) fn has_streams(&self) -> bool {
        self.streams.load(Ordering::Relaxed) > 0
    }

    /// The state of the connection as a WebSocket.
    pub(crate) fn upgrade(&self) -> &Arc<Upgrade> {
        &self.upgrade
    }

    pub(crate) fn budget(&self) -> &Budget {
        &self.budget
    }

    pub(crate) fn held(&self, purpose: Purpose) -> &AtomicUsize {
        match purpose {
            Purpose::Answer => &self.unsent,
            Purpose::Body => &self.received,
        }
    }

    /// How many bytes are held in memory for the connection.
    pub(crate) fn held_bytes(&self) -> usize {
        self.unsent.load(Ordering::Relaxed) + self.received.load(Ordering::Relaxed)
    }

    pub(crate) fn set_awaits_body(&self, awaits: bool) {
        if awaits {
            self.awaiting.fetch_add(1, Ordering::Relaxed);
        } else {
            self.awaiting.fetch_sub(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        let awaiting = self.awaiting.load(Ordering::Relaxed);
        Snapshot {
            progress: self.progress.load(Ordering::Relaxed),
            written: self.written.load(Ordering::Relaxed),
            sent: self.sent.load(Ordering::Relaxed),
            is_working: self.answering.load(Ordering::Relaxed) > awaiting,
            awaits_body: awaiting > 0,
            unsent: self.unsent.load(Ordering::Relaxed) > 0 || self.blocked.load(Ordering::Relaxed),
            streams: self.has_streams(),
            is_socket: self.upgrade.has_begun(),
            is_authenticated_socket: self.upgrade.is_authenticated(),
        }
    }
}

/// A request in flight, until this is dropped.
pub(crate) struct InFlight(Arc<Activity>);

impl InFlight {
    pub(crate) fn new(activity: Arc<Activity>) -> Self {
        activity.answering.fetch_add(1, Ordering::Relaxed);
        Self(activity)
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.answering.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A response of unknown length, until this is dropped.
pub(crate) struct Streaming(pub(crate) Arc<Activity>);

impl Streaming {
    pub(crate) fn new(activity: Arc<Activity>) -> Self {
        activity.streams.fetch_add(1, Ordering::Relaxed);
        Self(activity)
    }
}

impl Drop for Streaming {
    fn drop(&mut self) {
        self.0.streams.fetch_sub(1, Ordering::Relaxed);
    }
}
