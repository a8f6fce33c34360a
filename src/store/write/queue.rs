//! The queue for the writing connection of SQLite.

use std::time::Duration;

use sea_orm::DbErr;
use tokio::sync::{mpsc, oneshot};

use crate::store::connect::pool::Pool;
use crate::store::file::database_file::DatabaseFile;

use super::durable::Durable;
use super::group::{Group, begin};
use super::slot::{Turn, Urgency, Waiting, gone};

/// After how long whoever waits for a turn is told that the database is unavailable.
const TURN_TIMEOUT: Duration = Duration::from_secs(10);

/// The queue for the writing connection.
#[derive(Clone, Debug)]
pub(in crate::store) struct Turns {
    queue: mpsc::UnboundedSender<Waiting>,
}

impl Turns {
    /// A queue for this pool of one connection. It ends when nobody can wait in it any more.
    pub(in crate::store) fn new(pool: Pool, durable: Durable, file: DatabaseFile) -> Self {
        let (queue, waiting) = mpsc::unbounded_channel();
        tokio::spawn(take_turns(pool, waiting, durable, file));
        Self { queue }
    }

    /// Waits for a turn. Whoever stops waiting is passed over.
    pub(in crate::store) async fn next(&self, urgency: Urgency) -> Result<Turn, DbErr> {
        let (waiting, turn) = oneshot::channel();
        self.queue.send(Waiting { urgency, turn: waiting }).map_err(|_| gone())?;
        match tokio::time::timeout(TURN_TIMEOUT, turn).await {
            Ok(turn) => turn.map_err(|_| gone())?,
            Err(_) => Err(DbErr::ConnectionAcquire(sea_orm::ConnAcquireErr::Timeout)),
        }
    }
}

async fn take_turns(pool: Pool, mut waiting: mpsc::UnboundedReceiver<Waiting>, durable: Durable, file: DatabaseFile) {
    while let Some(first) = waiting.recv().await {
        let Some(first) = first.admitted(&file) else { continue };
        match begin(&pool).await {
            Ok(transaction) => {
                Group::new(transaction, durable.clone(), file.clone()).run(first, &mut waiting).await;
            }
            Err(err) => {
                file.reserve().give_up_for(&err).await;
                // Whoever is gone need not be told.
                let _ = first.turn.send(Err(err));
            }
        }
    }
}
