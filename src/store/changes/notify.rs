//! Notifies the listeners of all replicas on PostgreSQL, so that they poll at once.
//!
//! This only lowers latency: a listener that is not notified polls twice a second anyway. So it is kept out of the way of commits.
//! A transaction that notifies holds a lock of the whole server until it is on disk, which would serialise all such commits. So the
//! `NOTIFY` is sent after the commit, with `synchronous_commit` off, and one covers all commits since the last.

use std::time::Duration;

use sea_orm::ConnectionTrait;
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::store::connect::pool::Pool;

/// The PostgreSQL channel on which replicas notify each other.
pub(in crate::store) const CHANNEL: &str = "rotakey";
/// Both statements in one text, and so in one transaction, which does not wait for the disk.
const NOTIFY: &str = "SELECT set_config('synchronous_commit', 'off', true); NOTIFY rotakey";
/// The least time between two notifications. More than twenty a second would not lower the latency noticeably.
const MIN_INTERVAL: Duration = Duration::from_millis(50);
/// How long one notification may take.
const NOTIFY_TIMEOUT: Duration = Duration::from_secs(3);

/// Requests a `NOTIFY`. Dropping it ends the task that sends them.
#[derive(Debug)]
pub(in crate::store) struct Notifier {
    requests: mpsc::Sender<()>,
}

impl Notifier {
    pub(in crate::store) fn new(pool: Pool) -> Self {
        // Capacity one: a request that is already waiting also covers this one.
        let (requests, pending) = mpsc::channel(1);
        tokio::spawn(send_notifications(pool, pending));
        Self { requests }
    }

    /// Requests a `NOTIFY`, to be sent soon. Call it after the commit, so that listeners find the change.
    pub(in crate::store) fn request(&self) {
        // An error means that a request is already waiting, or that the task has ended.
        let _ = self.requests.try_send(());
    }
}

async fn send_notifications(pool: Pool, mut pending: mpsc::Receiver<()>) {
    let mut pauses = interval(MIN_INTERVAL);
    pauses.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while pending.recv().await.is_some() {
        match timeout(NOTIFY_TIMEOUT, pool.execute_unprepared(NOTIFY)).await {
            Ok(Ok(_)) => {}
            Ok(Err(cause)) => {
                tracing::debug!(name: "replicas_not_notified", %cause, "other replicas could not be notified; they poll anyway")
            }
            Err(cause) => {
                tracing::debug!(name: "replicas_not_notified", %cause, "other replicas could not be notified in time; they poll anyway")
            }
        }
        pauses.tick().await;
    }
}
