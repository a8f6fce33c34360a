//! Group commit on SQLite: operations that wait for the one writer share one durable transaction.
//!
//! A commit costs a wait for the disk, which is the same for one change and for fifty. So one task, which no client can cancel,
//! owns the writing connection. It serves waiting operations in the order of their requests, all within one transaction, and commits
//! when no operation is waiting. So a single client never waits for others. An operation that reads and decides gets a slot. One
//! that is a single chain of statements is executed here, together with others of the same statements, because handing something
//! to the thread of the connection and back costs more than most statements.
//!
//! - Each operation has its own outcome. It runs behind a savepoint. If it fails, or its client is gone, it is rolled back to the
//!   savepoint. The first needs none: a rollback of the whole transaction undoes nothing else. Chains that follow each other share
//!   a savepoint, which costs a hand-over, and with the index of names a write. If one of them cannot be written, or is refused by
//!   the database, none is written, and each of their operations decides under a lock instead.
//! - An operation reads what earlier ones of the group wrote, which is not durable yet. So nothing is acknowledged before the
//!   COMMIT, not even a refusal: it may depend on what was read (R7, R13). If the COMMIT fails, all operations in it fail.
//! - A commit is acknowledged only if the database files still have their names ([`crate::store::file::database_file`]). While
//!   the disk is full, only urgent operations get slots ([`crate::store::file::reserve`]).
//! - Only the task begins, rolls back and commits. A client that is cancelled drops its slot, and the task rolls it back.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use sea_orm::{ConnectionTrait, DbBackend, DbErr, SqliteTransactionMode, Statement, TransactionOptions};
use tokio::sync::oneshot;

use crate::store::Error;
use crate::store::changes::change_set::ChangeSet;
use crate::store::conditional_write::chain::Chain;
use crate::store::connect::pool::{Pool, PoolTransaction};
use crate::store::file::database_file::DatabaseFile;

use super::after_commit::AfterCommit;
use super::requests::Requests;
use super::slot::{Acknowledgement, ChainRequest, Ended, Requested, WriteSlot, gone};

/// The most operations of one group, so that under a steady load its first one is still acknowledged soon.
const MAX_OPERATIONS: usize = 128;

/// A transaction that several operations share.
pub(super) struct Group {
    transaction: Arc<PoolTransaction>,
    /// The operations that wait for the commit, in order.
    waiting: Vec<Waiting>,
    after_commit: AfterCommit,
    file: DatabaseFile,
    /// Whether the current operation is behind a savepoint.
    has_savepoint: bool,
    /// How many of the waiting operations are before that savepoint. Those after it are chains that share it.
    protected: usize,
}

/// An operation that waits for the commit.
struct Waiting {
    acknowledgement: Acknowledgement,
    /// What it changed; `None` if it was rolled back.
    kept: Option<ChangeSet>,
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
        Self { transaction, waiting: Vec::new(), after_commit, file, has_savepoint: false, protected: 0 }
    }

    pub(super) async fn run(mut self, first: Requested, requests: &mut Requests) {
        let mut next = Some(first);
        let mut operations = 0;
        while let Some(request) = next.take() {
            let is_chain = request.is_chain();
            let ran = match request {
                Requested::Slot(slot) => {
                    operations += 1;
                    self.give_slot(slot).await
                }
                Requested::Chain(request) => {
                    let batch = requests.batch(request);
                    operations += batch.len();
                    self.execute_chains(batch).await
                }
            };
            let undo = match ran {
                Ok(kept) => !kept,
                Err(err) => return self.fail(err).await,
            };
            if undo && !self.has_savepoint {
                // Nothing else is in the transaction, so all that it read is durable.
                return self.roll_back().await;
            }
            if undo && let Err(err) = self.execute("ROLLBACK TO slot").await {
                return self.fail(err).await;
            }
            if operations < MAX_OPERATIONS {
                next = requests.next();
            }
            if let Some(request) = next.take() {
                let is_shared = is_chain && !undo && request.is_chain();
                if !is_shared && let Err(err) = self.set_savepoint(undo).await {
                    request.fail(err.clone());
                    return self.fail(err).await;
                }
                next = Some(request);
            }
        }
        self.commit().await;
    }

    /// Gives a slot and waits until it ends; returns whether to keep what was written.
    async fn give_slot(&mut self, slot: oneshot::Sender<Result<WriteSlot, DbErr>>) -> Result<bool, DbErr> {
        let (ended, end) = oneshot::channel();
        // If the client is gone, sending drops the slot.
        let _ = slot.send(Ok(WriteSlot { transaction: self.transaction.clone(), ended }));
        // An error means that the slot was dropped.
        let Ok(Ended { kept, acknowledgement }) = end.await else { return Ok(false) };
        let keep = kept.is_some();
        self.waiting.push(Waiting { acknowledgement, kept });
        Ok(keep)
    }

    /// Executes chains of the same statements; returns whether to keep what was written since the savepoint.
    async fn execute_chains(&mut self, batch: Vec<ChainRequest>) -> Result<bool, DbErr> {
        let mut chains = Vec::with_capacity(batch.len());
        for ChainRequest { chain, changes, started, acknowledgement } in batch {
            started.store(true, Ordering::Release);
            chains.push(chain);
            self.waiting.push(Waiting { acknowledgement, kept: Some(changes) });
        }
        let written = match Chain::run_all(chains, &*self.transaction).await {
            // The error does not say which chain was refused. Under a lock it is refused again, and fails alone.
            Err(err) if matches!(Error::from(err.clone()), Error::Refused(_)) => Ok(false),
            written => written,
        };
        if let Ok(false) = written {
            for Waiting { acknowledgement, .. } in self.waiting.drain(self.protected..) {
                // At once, because this answers no client: the operation is now decided under a lock. An error means that the client
                // is gone.
                let _ = acknowledgement.send(Ok(None));
            }
        }
        written
    }

    /// Puts the next operation behind a savepoint. A savepoint can be used again after a rollback to it.
    async fn set_savepoint(&mut self, undone: bool) -> Result<(), DbErr> {
        match (self.has_savepoint, undone) {
            (true, true) => {}
            (true, false) => self.execute("RELEASE slot; SAVEPOINT slot").await?,
            (false, _) => self.execute("SAVEPOINT slot").await?,
        }
        self.has_savepoint = true;
        self.protected = self.waiting.len();
        Ok(())
    }

    async fn execute(&self, sql: &str) -> Result<(), DbErr> {
        self.transaction.execute_raw(Statement::from_string(DbBackend::Sqlite, sql)).await?;
        Ok(())
    }

    /// Rolls everything back and reports the outcome of that.
    async fn roll_back(self) {
        let outcome = match Arc::into_inner(self.transaction) {
            Some(transaction) => transaction.rollback().await,
            None => Err(gone()),
        };
        for Waiting { acknowledgement, .. } in self.waiting {
            // An error means that the client is gone.
            let _ = acknowledgement.send(outcome.clone().map(|()| None));
        }
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
        match outcome.and_then(|()| self.file.check()) {
            Ok(()) => acknowledge(self.waiting, &self.after_commit),
            Err(err) => refuse(self.waiting, &self.after_commit, &err),
        }
    }

    /// Fails the whole group. Dropping the transaction rolls it back, but it is unknown whether that worked.
    async fn fail(self, err: DbErr) {
        self.file.reserve().release_if_full(&err).await;
        refuse(self.waiting, &self.after_commit, &err);
    }
}

/// Publishes what a durable group changed, then acknowledges its operations.
fn acknowledge(waiting: Vec<Waiting>, after_commit: &AfterCommit) {
    let (mut acknowledgements, mut changes) = (Vec::with_capacity(waiting.len()), Vec::with_capacity(waiting.len()));
    for Waiting { acknowledgement, kept } in waiting {
        acknowledgements.push((acknowledgement, kept.is_some()));
        changes.extend(kept);
    }
    let mut publications = after_commit.committed(changes).into_iter();
    for (acknowledgement, is_kept) in acknowledgements {
        let publication = if is_kept { publications.next() } else { None };
        // An error means that the client is gone.
        let _ = acknowledgement.send(Ok(publication));
    }
}

/// Publishes what a group may have changed, then reports the error to its operations.
fn refuse(waiting: Vec<Waiting>, after_commit: &AfterCommit, err: &DbErr) {
    let mut acknowledgements = Vec::with_capacity(waiting.len());
    after_commit.uncertain(waiting.into_iter().filter_map(|Waiting { acknowledgement, kept }| {
        acknowledgements.push(acknowledgement);
        kept
    }));
    for acknowledgement in acknowledgements {
        // An error means that the client is gone.
        let _ = acknowledgement.send(Err(err.clone()));
    }
}
