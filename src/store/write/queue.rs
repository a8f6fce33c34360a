//! The queue for the writing connection of SQLite.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sea_orm::DbErr;
use tokio::sync::{mpsc, oneshot};

use crate::store::changes::change_set::ChangeSet;
use crate::store::changes::epochs::Publication;
use crate::store::conditional_write::chain::Chain;
use crate::store::connect::pool::Pool;
use crate::store::file::database_file::DatabaseFile;

use crate::traces;

use super::after_commit::AfterCommit;
use super::group::{Group, begin};
use super::requests::Requests;
use super::slot::{ChainRequest, Requested, Urgency, WriteRequest, WriteSlot, gone};

/// How long an operation waits for its turn before it fails with UNAVAILABLE.
const SLOT_TIMEOUT: Duration = Duration::from_secs(10);

/// The queue for the writing connection.
#[derive(Clone, Debug)]
pub(in crate::store) struct WriteQueue {
    queue: mpsc::UnboundedSender<WriteRequest>,
}

impl WriteQueue {
    /// A queue for this pool of one connection. Its task ends when the last clone of the queue is dropped.
    pub(in crate::store) fn new(pool: Pool, after_commit: AfterCommit, file: DatabaseFile) -> Self {
        let (queue, sent) = mpsc::unbounded_channel();
        let requests = Requests::new(sent, file.clone());
        tokio::spawn(serve_queue(pool, requests, after_commit, file));
        Self { queue }
    }

    /// Waits for a slot. A request whose client is gone is skipped.
    pub(in crate::store) async fn next(&self, urgency: Urgency) -> Result<WriteSlot, DbErr> {
        let (sender, slot) = oneshot::channel();
        self.send(urgency, Requested::Slot(sender))?;
        let span = traces::database("sqlite", "BEGIN");
        span.end(match tokio::time::timeout(SLOT_TIMEOUT, slot).await {
            Ok(slot) => slot.unwrap_or_else(|_| Err(gone())),
            Err(_) => Err(timed_out()),
        })
    }

    /// Executes a chain as the whole of an operation, and waits until it is durable; `None` if it was rolled back because a link has
    /// not written its row, in this chain or in one that was executed with it.
    pub(in crate::store) async fn write(
        &self,
        chain: Chain,
        changes: ChangeSet,
        urgency: Urgency,
    ) -> Result<Option<Publication>, DbErr> {
        let (acknowledgement, mut outcome) = oneshot::channel();
        let started = Arc::new(AtomicBool::new(false));
        let request = ChainRequest { chain, changes, started: started.clone(), acknowledgement };
        self.send(urgency, Requested::Chain(request))?;
        let outcome = match tokio::time::timeout(SLOT_TIMEOUT, &mut outcome).await {
            Ok(outcome) => outcome,
            // Only the time in the queue is limited.
            Err(_) if started.load(Ordering::Acquire) => outcome.await,
            Err(_) => return Err(timed_out()),
        };
        outcome.map_err(|_| gone())?
    }

    fn send(&self, urgency: Urgency, kind: Requested) -> Result<(), DbErr> {
        self.queue.send(WriteRequest { urgency, kind }).map_err(|_| gone())
    }
}

async fn serve_queue(pool: Pool, mut requests: Requests, after_commit: AfterCommit, file: DatabaseFile) {
    while let Some(first) = requests.wait().await {
        match begin(&pool).await {
            Ok(transaction) => {
                // It can take a while to get the write lock, and meanwhile the client may have gone.
                let first = Some(first).filter(|first| !first.is_abandoned()).or_else(|| requests.next());
                if let Some(first) = first {
                    Group::new(transaction, after_commit.clone(), file.clone()).run(first, &mut requests).await;
                } else {
                    // An error does not matter: nothing was written.
                    let _ = transaction.rollback().await;
                }
            }
            Err(err) => {
                file.reserve().release_if_full(&err).await;
                first.fail(err);
            }
        }
    }
}

fn timed_out() -> DbErr {
    DbErr::ConnectionAcquire(sea_orm::ConnAcquireErr::Timeout)
}
