//! The right to use the writing connection of SQLite.

use std::sync::Arc;

use sea_orm::{DbErr, RuntimeErr};
use tokio::sync::oneshot;

use crate::store::changes::notes::Notes;
use crate::store::connect::pool::PoolTransaction;
use crate::store::file::database_file::DatabaseFile;

/// What tells an operation what became of it.
pub(super) type Told = oneshot::Sender<Result<(), DbErr>>;

/// Who waits for a turn.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) urgency: Urgency,
    pub(super) turn: oneshot::Sender<Result<Turn, DbErr>>,
}

/// Whether a change is written even when the disk is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum Urgency {
    /// It is refused until there is room again.
    Ordinary,
    /// It takes rights away, or verifying a value waits for it: it may use the reserve.
    Urgent,
}

/// The right to use the writing connection, until it is ended or dropped.
#[derive(Debug)]
pub(in crate::store) struct Turn {
    // Dropped before `ended` says so: the task then holds the transaction alone.
    pub(super) transaction: Arc<PoolTransaction>,
    pub(super) ended: oneshot::Sender<Ended>,
}

/// How a turn ends. One that is dropped is undone, and nobody needs to be told.
#[derive(Debug)]
pub(super) struct Ended {
    /// What the operation did, if that is to be kept.
    pub(super) kept: Option<Notes>,
    pub(super) told: Told,
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

impl Waiting {
    /// Itself, unless it has stopped waiting or is refused, which it is then told.
    pub(super) fn admitted(self, file: &DatabaseFile) -> Option<Self> {
        if self.urgency == Urgency::Ordinary && file.reserve().is_given_up() {
            let full = RuntimeErr::Internal("the disk is full, and what is left is for revocations".to_owned());
            // Whoever is gone need not be told.
            let _ = self.turn.send(Err(DbErr::Conn(full)));
            return None;
        }
        (!self.turn.is_closed()).then_some(self)
    }
}

/// The task has ended without a word, which it does when the whole process does.
pub(super) fn gone() -> DbErr {
    DbErr::Conn(RuntimeErr::Internal("the writing connection is gone".to_owned()))
}
