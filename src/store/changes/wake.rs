//! Waking, on PostgreSQL, the ears of all replicas, so that they look at once for what is told in the table.
//!
//! Nothing rests on it: an ear that is not woken looks twice a second anyway. So it is kept out of the way of the commits. A
//! transaction that notifies takes a lock of the whole server until it is on disk, and so makes all others that notify wait for
//! the disk one after the other. This is sent after the commit, on a connection that waits for no disk, and once for all that
//! was committed meanwhile.

use std::time::Duration;

use sea_orm::ConnectionTrait;
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::store::connect::pool::Pool;

/// The channel of PostgreSQL on which replicas wake each other.
pub(in crate::store) const CHANNEL: &str = "rotakey";
/// One text, and so one transaction, which waits for no disk.
const NOTIFY: &str = "SELECT set_config('synchronous_commit', 'off', true); NOTIFY rotakey";
/// How long to wait between one and the next: about twenty a second are as good as any number.
const REST: Duration = Duration::from_millis(50);
/// How long one may take.
const PATIENCE: Duration = Duration::from_secs(3);

/// Asks for ears to be woken. When it is dropped, nobody is any more.
#[derive(Debug)]
pub(in crate::store) struct Wake {
    asked: mpsc::Sender<()>,
}

impl Wake {
    pub(in crate::store) fn new(pool: Pool) -> Self {
        // One place: whoever asks while another still waits to be heard is covered by that one.
        let (asked, waiting) = mpsc::channel(1);
        tokio::spawn(wake(pool, waiting));
        Self { asked }
    }

    /// Has the ears woken, soon. To be called after the commit, so that they find what it is about.
    pub(in crate::store) fn ask(&self) {
        // An error means that somebody has asked already, or that nobody is woken any more.
        let _ = self.asked.try_send(());
    }
}

async fn wake(pool: Pool, mut waiting: mpsc::Receiver<()>) {
    let mut turns = interval(REST);
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while waiting.recv().await.is_some() {
        match timeout(PATIENCE, pool.execute_unprepared(NOTIFY)).await {
            Ok(Ok(_)) => {}
            Ok(Err(cause)) => tracing::debug!(%cause, "other replicas could not be notified; they poll anyway"),
            Err(cause) => tracing::debug!(%cause, "other replicas could not be notified in time; they poll anyway"),
        }
        turns.tick().await;
    }
}
