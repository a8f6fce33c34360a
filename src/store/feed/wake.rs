//! Waking, on PostgreSQL, the ears of all replicas, so that they look at once for what is told in the table.
//!
//! Nothing rests on it: an ear that is not woken looks twice a second anyway. So it is kept out of the way of the commits. A
//! transaction that notifies takes a lock of the whole server until it is on disk, and so makes all others that notify wait for
//! the disk one after the other. This is sent after the commit, on a connection that waits for no disk, and once for all that
//! was committed meanwhile.

use std::fmt;
use std::time::Duration;

use sea_orm::sqlx::postgres::{PgPool, PgPoolOptions};
use sea_orm::{DatabaseConnection, sqlx};
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval, timeout};

/// The channel of PostgreSQL on which replicas wake each other.
pub(super) const CHANNEL: &str = "rotakey";
const NOTIFY: &str = "NOTIFY rotakey";
/// How long to wait between one and the next: about twenty a second are as good as any number.
const REST: Duration = Duration::from_millis(50);
/// How long one may take.
const PATIENCE: Duration = Duration::from_secs(3);

/// Asks for ears to be woken. When it is dropped, nobody is any more.
pub(super) struct Wake {
    asked: mpsc::Sender<()>,
    pool: PgPool,
}

impl fmt::Debug for Wake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wake")
    }
}

impl Wake {
    /// Beside the connections of this pool, one of its own to the same database.
    pub(super) fn new(beside: &DatabaseConnection) -> Self {
        let options = beside.get_postgres_connection_pool().connect_options();
        let options = options.as_ref().clone().options([("synchronous_commit", "off")]);
        let pool = PgPoolOptions::new().max_connections(1).acquire_timeout(PATIENCE).connect_lazy_with(options);
        // One place: whoever asks while another still waits to be heard is covered by that one.
        let (asked, waiting) = mpsc::channel(1);
        tokio::spawn(wake(pool.clone(), waiting));
        Self { asked, pool }
    }

    /// Has the ears woken, soon. To be called after the commit, so that they find what it is about.
    pub(super) fn ask(&self) {
        // An error means that somebody has asked already, or that nobody is woken any more.
        let _ = self.asked.try_send(());
    }

    pub(super) async fn close(&self) {
        self.pool.close().await;
    }
}

async fn wake(pool: PgPool, mut waiting: mpsc::Receiver<()>) {
    let mut turns = interval(REST);
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while waiting.recv().await.is_some() && !pool.is_closed() {
        match timeout(PATIENCE, sqlx::Executor::execute(&pool, NOTIFY)).await {
            Ok(Ok(_)) => {}
            Ok(Err(cause)) => tracing::debug!(%cause, "other replicas were not woken; they look by themselves"),
            Err(cause) => tracing::debug!(%cause, "other replicas were not woken in time; they look by themselves"),
        }
        turns.tick().await;
    }
}
