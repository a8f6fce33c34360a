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
use std::time::Duration;

use sea_orm::{ConnectionTrait, DbBackend, DbErr, RuntimeErr, SqliteTransactionMode, Statement, TransactionOptions};
use tokio::sync::{mpsc, oneshot};

use crate::store::changes::feed::Notes;
use crate::store::connect::pool::{Pool, PoolTransaction};
use crate::store::file::database_file::DatabaseFile;

use super::durable::Durable;

/// How many turns a group has at most, so that its first does not wait for ever while others keep coming.
const MAX_TURNS: usize = 128;
/// After how long whoever waits for a turn is told that the database is unavailable.
const TURN_TIMEOUT: Duration = Duration::from_secs(10);

/// What tells an operation what became of it.
type Told = oneshot::Sender<Result<(), DbErr>>;

/// Who waits for a turn.
#[derive(Debug)]
struct Waiting {
    urgency: Urgency,
    turn: oneshot::Sender<Result<Turn, DbErr>>,
}

/// Whether a change is written even when the disk is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum Urgency {
    /// It is refused until there is room again.
    Ordinary,
    /// It takes rights away, or verifying a value waits for it: it may use the reserve.
    Urgent,
}

/// The queue for the writing connection.
#[derive(Clone, Debug)]
pub(in crate::store) struct Turns {
    queue: mpsc::UnboundedSender<Waiting>,
}

/// The right to use the writing connection, until it is ended or dropped.
#[derive(Debug)]
pub(in crate::store) struct Turn {
    // Dropped before `ended` says so: the task then holds the transaction alone.
    transaction: Arc<PoolTransaction>,
    ended: oneshot::Sender<Ended>,
}

/// How a turn ends. One that is dropped is undone, and nobody needs to be told.
#[derive(Debug)]
struct Ended {
    /// What the operation did, if that is to be kept.
    kept: Option<Notes>,
    told: Told,
}

/// A transaction that turns share.
struct Group {
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

impl Turn {
    pub(in crate::store) fn connection(&self) -> &PoolTransaction {
        &self.transaction
    }

    /// Ends the turn and waits until what was done in it, and what was seen in it, is durable.
    pub(in crate::store) async fn end(self, kept: Option<Notes>) -> Result<(), DbErr> {
        let Self { transaction, ended } = self;
        drop(transaction);
        let (told, outcome) = oneshot::channel();
        ended.send(Ended { kept, told }).map_err(|_| gone())?;
        outcome.await.map_err(|_| gone())?
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
                file.reserve().give_up_for(&err);
                // Whoever is gone need not be told.
                let _ = first.turn.send(Err(err));
            }
        }
    }
}

impl Waiting {
    /// Itself, unless it has stopped waiting or is refused, which it is then told.
    fn admitted(self, file: &DatabaseFile) -> Option<Self> {
        if self.urgency == Urgency::Ordinary && file.reserve().is_given_up() {
            let full = RuntimeErr::Internal("the disk is full, and what is left is for revocations".to_owned());
            // Whoever is gone need not be told.
            let _ = self.turn.send(Err(DbErr::Conn(full)));
            return None;
        }
        (!self.turn.is_closed()).then_some(self)
    }
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
    fn new(transaction: PoolTransaction, durable: Durable, file: DatabaseFile) -> Self {
        let transaction = Arc::new(transaction);
        Self { transaction, members: Vec::new(), notes: Vec::new(), durable, file, guarded: false }
    }

    async fn run(mut self, first: Waiting, queue: &mut mpsc::UnboundedReceiver<Waiting>) {
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
                return self.fail(err);
            }
            if turns < MAX_TURNS {
                next = still_waiting(queue, &self.file);
            }
            if next.is_some()
                && let Err(err) = self.guard(undo).await
            {
                // Whoever was next is told by what it waits on being dropped.
                return self.fail(err);
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
            self.file.reserve().give_up_for(err);
        }
        // After the commit: a file that still has its name now had it when this was written.
        let outcome = outcome.and_then(|()| self.file.check());
        self.durable.reached(&outcome, self.notes);
        tell(self.members, &outcome);
    }

    /// Gives up on all of it. Dropping the transaction undoes it, but nobody will see whether that worked.
    fn fail(self, err: DbErr) {
        self.file.reserve().give_up_for(&err);
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

/// The task has ended without a word, which it does when the whole process does.
fn gone() -> DbErr {
    DbErr::Conn(RuntimeErr::Internal("the writing connection is gone".to_owned()))
}
