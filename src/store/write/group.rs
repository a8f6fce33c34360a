//! Group commit on SQLite: operations that wait for the one writer share one durable transaction.
//!
//! A commit costs a wait for the disk, which is the same for one change and for fifty. So one task, which no client can cancel,
//! owns the writing connection. It gives slots to waiting operations in the order of their requests, all within one transaction,
//! and commits when no operation is waiting. So a single client never waits for others.
//!
//! - Each operation has its own outcome. It runs behind a savepoint. If it fails, or its client is gone, it is rolled back to the
//!   savepoint. The first needs none: a rollback of the whole transaction undoes nothing else.
//! - An operation reads what earlier ones of the group wrote, which is not durable yet. So nothing is acknowledged before the
//!   COMMIT, not even a refusal: it may depend on what was read (R7, R13). If the COMMIT fails, all operations in it fail.
//! - A commit is acknowledged only if the database files still have their names ([`crate::store::file::database_file`]). While
//!   the disk is full, only urgent operations get slots ([`crate::store::file::reserve`]).
//! - Only the task begins, rolls back and commits. A client that is cancelled drops its slot, and the task rolls it back.

use std::sync::Arc;

use sea_orm::{ConnectionTrait, DbBackend, DbErr, SqliteTransactionMode, Statement, TransactionOptions};
use tokio::sync::{mpsc, oneshot};

use crate::store::changes::change_set::ChangeSet;
use crate::store::connect::pool::{Pool, PoolTransaction};
use crate::store::file::database_file::DatabaseFile;

use super::after_commit::AfterCommit;
use super::slot::{Acknowledgement, Ended, SlotRequest, WriteSlot, gone};

/// The most slots of one group, so that under a steady load its first operation is still acknowledged soon.
const MAX_SLOTS: usize = 128;

/// A transaction that several slots share.
pub(super) struct Group {
    transaction: Arc<PoolTransaction>,
    /// The acknowledgements of the operations that wait for the commit.
    acknowledgements: Vec<Acknowledgement>,
    /// The changes to publish once they are durable.
    changes: Vec<ChangeSet>,
    after_commit: AfterCommit,
    file: DatabaseFile,
    /// Whether the current slot is behind a savepoint.
    has_savepoint: bool,
}

/// Begins a transaction that holds the write lock from its start. A deferred one would fail with BUSY if another process wrote
/// between its first read and its first write.
pub(in crate::store) async fn begin(pool: &Pool) -> Result<PoolTransaction, DbErr> {
    let options = TransactionOptions {
        sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
        ..TransactionOptions::default()
    };
    pool.begin_with_options(options).await
}

impl Group {
    pub(super) fn new(transaction: PoolTransaction, after_commit: AfterCommit, file: DatabaseFile) -> Self {
        let transaction = Arc::new(transaction);
        Self {
            transaction,
            acknowledgements: Vec::new(),
            changes: Vec::new(),
            after_commit,
            file,
            has_savepoint: false,
        }
    }

    pub(super) async fn run(mut self, first: SlotRequest, queue: &mut mpsc::UnboundedReceiver<SlotRequest>) {
        let mut next = Some(first);
        let mut slots = 0;
        while let Some(request) = next.take() {
            slots += 1;
            let ended = self.give_slot(request).await;
            let (kept, acknowledgement) = ended.map_or((None, None), |ended| (ended.kept, Some(ended.acknowledgement)));
            let undo = kept.is_none();
            if undo && !self.has_savepoint {
                // Nothing else is in the transaction, so all that it read is durable.
                return acknowledge(acknowledgement, &self.roll_back().await);
            }
            self.acknowledgements.extend(acknowledgement);
            self.changes.extend(kept);
            if undo && let Err(err) = self.execute("ROLLBACK TO slot").await {
                return self.fail(err).await;
            }
            if slots < MAX_SLOTS {
                next = next_request(queue, &self.file);
            }
            if next.is_some()
                && let Err(err) = self.set_savepoint(undo).await
            {
                // This drops the next request, so that it fails, too.
                return self.fail(err).await;
            }
        }
        self.commit().await;
    }

    /// Gives a slot and waits until it ends; `None` if it was dropped.
    async fn give_slot(&self, request: SlotRequest) -> Option<Ended> {
        let (ended, end) = oneshot::channel();
        // If the client is gone, sending drops the slot.
        let _ = request.slot.send(Ok(WriteSlot { transaction: self.transaction.clone(), ended }));
        end.await.ok()
    }

    /// Puts the next slot behind a savepoint. A savepoint can be used again after a rollback to it.
    async fn set_savepoint(&mut self, undone: bool) -> Result<(), DbErr> {
        match (self.has_savepoint, undone) {
            (true, true) => {}
            (true, false) => self.execute("RELEASE slot; SAVEPOINT slot").await?,
            (false, _) => self.execute("SAVEPOINT slot").await?,
        }
        self.has_savepoint = true;
        Ok(())
    }

    async fn execute(&self, sql: &str) -> Result<(), DbErr> {
        self.transaction.execute_raw(Statement::from_string(DbBackend::Sqlite, sql)).await?;
        Ok(())
    }

    async fn roll_back(self) -> Result<(), DbErr> {
        Arc::into_inner(self.transaction).ok_or_else(gone)?.rollback().await
    }

    async fn commit(self) {
        let outcome = match Arc::into_inner(self.transaction) {
            Some(transaction) => transaction.commit().await,
            None => Err(gone()),
        };
        if let Err(err) = &outcome {
            self.file.reserve().release_if_full(err).await;
        }
        // After the commit: a file that still has its name had it when the commit was written.
        let outcome = outcome.and_then(|()| self.file.check());
        self.after_commit.run(&outcome, self.changes);
        acknowledge(self.acknowledgements, &outcome);
    }

    /// Fails the whole group. Dropping the transaction rolls it back, but it is unknown whether that worked.
    async fn fail(self, err: DbErr) {
        self.file.reserve().release_if_full(&err).await;
        let failed = Err(err);
        self.after_commit.run(&failed, self.changes);
        acknowledge(self.acknowledgements, &failed);
    }
}

/// The next request that is admitted.
fn next_request(queue: &mut mpsc::UnboundedReceiver<SlotRequest>, file: &DatabaseFile) -> Option<SlotRequest> {
    std::iter::from_fn(|| queue.try_recv().ok()).find_map(|request| request.admitted(file))
}

fn acknowledge(acknowledgements: impl IntoIterator<Item = Acknowledgement>, outcome: &Result<(), DbErr>) {
    for acknowledgement in acknowledgements {
        // An error means that the client is gone.
        let _ = acknowledgement.send(outcome.clone());
    }
}
