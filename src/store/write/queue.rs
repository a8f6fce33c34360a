//! The queue for the writing connection of SQLite.

use std::time::Duration;

use sea_orm::DbErr;
use tokio::sync::{mpsc, oneshot};

use crate::store::connect::pool::Pool;
use crate::store::file::database_file::DatabaseFile;

use super::after_commit::AfterCommit;
use super::group::{Group, begin};
use super::slot::{SlotRequest, Urgency, WriteSlot, gone};

/// How long an operation waits for a slot before it fails with UNAVAILABLE.
const SLOT_TIMEOUT: Duration = Duration::from_secs(10);

/// The queue for the writing connection.
#[derive(Clone, Debug)]
pub(in crate::store) struct WriteQueue {
    queue: mpsc::UnboundedSender<SlotRequest>,
}

impl WriteQueue {
    /// A queue for this pool of one connection. Its task ends when the last clone of the queue is dropped.
    pub(in crate::store) fn new(pool: Pool, after_commit: AfterCommit, file: DatabaseFile) -> Self {
        let (queue, requests) = mpsc::unbounded_channel();
        tokio::spawn(serve_queue(pool, requests, after_commit, file));
        Self { queue }
    }

    /// Waits for a slot. A request whose client is gone is skipped.
    pub(in crate::store) async fn next(&self, urgency: Urgency) -> Result<WriteSlot, DbErr> {
        let (sender, slot) = oneshot::channel();
        self.queue.send(SlotRequest { urgency, slot: sender }).map_err(|_| gone())?;
        match tokio::time::timeout(SLOT_TIMEOUT, slot).await {
            Ok(slot) => slot.map_err(|_| gone())?,
            Err(_) => Err(DbErr::ConnectionAcquire(sea_orm::ConnAcquireErr::Timeout)),
        }
    }
}

async fn serve_queue(
    pool: Pool,
    mut requests: mpsc::UnboundedReceiver<SlotRequest>,
    after_commit: AfterCommit,
    file: DatabaseFile,
) {
    while let Some(first) = requests.recv().await {
        let Some(first) = first.admitted(&file) else { continue };
        match begin(&pool).await {
            Ok(transaction) => {
                Group::new(transaction, after_commit.clone(), file.clone()).run(first, &mut requests).await;
            }
            Err(err) => {
                file.reserve().release_if_full(&err).await;
                // An error means that the client is gone.
                let _ = first.slot.send(Err(err));
            }
        }
    }
}
