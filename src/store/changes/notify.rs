//! Waking the listeners of all replicas on PostgreSQL, so that they poll at once.
//!
//! It only lowers latency: a listener that is not woken polls twice a second anyway. So it is kept out of the way of commits. A
//! transaction that notifies holds a lock of the whole server until it is on disk, which would serialize all such commits. The
//! `NOTIFY` is sent after the commit instead, with `synchronous_commit` off, and once for all commits of the meantime.

use std::time::Duration;

use sea_orm::ConnectionTrait;
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::store::connect::pool::Pool;

/// The channel of PostgreSQL on which replicas wake each other.
pub(in crate::store) const CHANNEL: &str = "rotakey";
/// One text, and so one transaction, which waits for no disk.
const NOTIFY: &str = "SELECT set_config('synchronous_commit', 'off', true); NOTIFY rotakey";
/// The pause between two notifications. More than twenty a second would not lower the latency noticeably.
const REST: Duration = Duration::from_millis(50);
/// How long one notification may take.
const PATIENCE: Duration = Duration::from_secs(3);

/// Requests a `NOTIFY`. The task that sends it ends when this is dropped.
#[derive(Debug)]
pub(in crate::store) struct Wake {
    requests: mpsc::Sender<()>,
}

impl Wake {
    pub(in crate::store) fn new(pool: Pool) -> Self {
        // Of capacity one: a request that is already waiting covers this one, too.
        let (requests, waiting) = mpsc::channel(1);
        tokio::spawn(wake(pool, waiting));
        Self { requests }
    }

    /// Requests a `NOTIFY`, soon. Call it after the commit, so that listeners find the change.
    pub(in crate::store) fn request(&self) {
        // An error means that a request is waiting already, or that the task has ended.
        let _ = self.requests.try_send(());
    }
}

async fn wake(pool: Pool, mut waiting: mpsc::Receiver<()>) {
    let mut pauses = interval(REST);
    pauses.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while waiting.recv().await.is_some() {
        match timeout(PATIENCE, pool.execute_unprepared(NOTIFY)).await {
            Ok(Ok(_)) => {}
            Ok(Err(cause)) => tracing::debug!(%cause, "other replicas could not be notified; they poll anyway"),
            Err(cause) => tracing::debug!(%cause, "other replicas could not be notified in time; they poll anyway"),
        }
        pauses.tick().await;
    }
}
