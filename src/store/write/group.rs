//! Group commit on SQLite: operations that wait for the one writer together share one durable transaction.
//!
//! Waiting for the disk is what a commit costs, and it costs the same for one change and for fifty. So one task, which no
//! client can cancel, holds the writing connection. It gives the operations that wait their turns, in the order in which
//! they came, inside one transaction, and commits when nobody waits any more; a lone client waits for nobody.
//!
//! - Each operation has its own outcome. It works behind a savepoint, and one that fails, or whose client is gone, is undone
//!   as far as that and no further. The first needs none: there is nothing before it that undoing everything would undo.
//! - An operation sees what those before it in the group have done, although it is not durable yet. So none is told before
//!   the one COMMIT, and neither is a refusal that may rest on what it saw (R7, R13). If the COMMIT fails, all of them fail.
//! - A commit is acknowledged only if the database's files still have their names: [`crate::store::file::database_file`]. When the disk is full,
//!   only urgent operations get turns: [`crate::store::file::reserve`].
//! - The task alone begins, undoes and commits. What a client drops, at whatever instruction, is a turn, and the task takes
//!   that as a wish to undo it.

use std::sync::Arc;

use sea_orm::{ConnectionTrait, DbBackend, DbErr, SqliteTransactionMode, Statement, TransactionOptions};
use tokio::sync::{mpsc, oneshot};

use crate::store::changes::notes::Notes;
use crate::store::connect::pool::{Pool, PoolTransaction};
use crate::store::file::database_file::DatabaseFile;

use super::durable::Durable;
use super::slot::{Ended, Told, Turn, Waiting, gone};

/// How many turns a group has at most, so that its first does not wait for ever while others keep coming.
const MAX_TURNS: usize = 128;
/// A transaction that turns share.
pub(super) struct Group {
    transaction: Arc<PoolTransaction>,
    /// Whose answers wait for the commit.
    members: Vec<Told>,
    /// What is to be told of when it is durable.
    notes: Vec<Notes>,
    durable: Durable,
    file: DatabaseFile,
    /// Whether the running turn is behind a savepoint.
    guarded: bool,
}

/// Begins a transaction that holds the write lock from its start: one that reads first and writes later can lose its turn
/// to another process half way.
pub(in crate::store) async fn begin(pool: &Pool) -> Result<PoolTransaction, DbErr> {
    let options = TransactionOptions {
        sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
        ..TransactionOptions::default()
    };
    pool.begin_with_options(options).await
}

impl Group {
    pub(super) fn new(transaction: PoolTransaction, durable: Durable, file: DatabaseFile) -> Self {
        let transaction = Arc::new(transaction);
        Self { transaction, members: Vec::new(), notes: Vec::new(), durable, file, guarded: false }
    }

    pub(super) async fn run(mut self, first: Waiting, queue: &mut mpsc::UnboundedReceiver<Waiting>) {
        let mut next = Some(first);
        let mut turns = 0;
        while let Some(waiting) = next.take() {
            turns += 1;
            let ended = self.turn(waiting).await;
            let (kept, told) = ended.map_or((None, None), |ended| (ended.kept, Some(ended.told)));
            let undo = kept.is_none();
            if undo && !self.guarded {
                // Nothing else is in the transaction, so nothing that was seen in it can still be lost.
                return tell(told, &self.roll_back().await);
            }
            self.members.extend(told);
            self.notes.extend(kept);
            if undo && let Err(err) = self.execute("ROLLBACK TO turn").await {
                return self.fail(err).await;
            }
            if turns < MAX_TURNS {
                next = still_waiting(queue, &self.file);
            }
            if next.is_some()
                && let Err(err) = self.guard(undo).await
            {
                // Whoever was next is told by what it waits on being dropped.
                return self.fail(err).await;
            }
        }
        self.commit().await;
    }

    /// Gives a turn and waits until it is over: how it was ended, unless it was dropped.
    async fn turn(&self, waiting: Waiting) -> Option<Ended> {
        let (ended, end) = oneshot::channel();
        // Whoever is gone by now drops the turn unused.
        let _ = waiting.turn.send(Ok(Turn { transaction: self.transaction.clone(), ended }));
        end.await.ok()
    }

    /// Puts the next turn behind a savepoint. That of a turn that was undone is still there, and as good as new.
    async fn guard(&mut self, undone: bool) -> Result<(), DbErr> {
        match (self.guarded, undone) {
            (true, true) => {}
            (true, false) => self.execute("RELEASE turn; SAVEPOINT turn").await?,
            (false, _) => self.execute("SAVEPOINT turn").await?,
        }
        self.guarded = true;
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
            self.file.reserve().give_up_for(err).await;
        }
        // After the commit: a file that still has its name now had it when this was written.
        let outcome = outcome.and_then(|()| self.file.check());
        self.durable.reached(&outcome, self.notes);
        tell(self.members, &outcome);
    }

    /// Gives up on all of it. Dropping the transaction undoes it, but nobody will see whether that worked.
    async fn fail(self, err: DbErr) {
        self.file.reserve().give_up_for(&err).await;
        let failed = Err(err);
        self.durable.reached(&failed, self.notes);
        tell(self.members, &failed);
    }
}

/// The next who is admitted.
fn still_waiting(queue: &mut mpsc::UnboundedReceiver<Waiting>, file: &DatabaseFile) -> Option<Waiting> {
    std::iter::from_fn(|| queue.try_recv().ok()).find_map(|waiting| waiting.admitted(file))
}

fn tell(members: impl IntoIterator<Item = Told>, outcome: &Result<(), DbErr>) {
    for told in members {
        // Whoever is gone need not be told.
        let _ = told.send(outcome.clone());
    }
}
