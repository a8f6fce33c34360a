//! What is requested of the writing connection of SQLite: a slot, which is the right of one operation to use it, or that a chain
//! of statements is executed.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use sea_orm::{DbErr, RuntimeErr};
use tokio::sync::oneshot;

use crate::store::changes::change_set::ChangeSet;
use crate::store::changes::epochs::Publication;
use crate::store::conditional_write::chain::Chain;
use crate::store::connect::pool::PoolTransaction;
use crate::store::file::database_file::DatabaseFile;

/// Reports the outcome of the commit to the operation that waits for it: what it published, or nothing if it was rolled back.
pub(super) type Acknowledgement = oneshot::Sender<Result<Option<Publication>, DbErr>>;

/// A request for the writing connection.
#[derive(Debug)]
pub(super) struct WriteRequest {
    pub(super) urgency: Urgency,
    pub(super) kind: Requested,
}

/// What is requested.
#[derive(Debug)]
pub(super) enum Requested {
    Slot(oneshot::Sender<Result<WriteSlot, DbErr>>),
    Chain(ChainRequest),
}

/// A chain to be executed, as the whole of an operation.
#[derive(Debug)]
pub(super) struct ChainRequest {
    pub(super) chain: Chain,
    /// What it changes if all of it is written.
    pub(super) changes: ChangeSet,
    /// Set when it leaves the queue.
    pub(super) started: Arc<AtomicBool>,
    pub(super) acknowledgement: Acknowledgement,
}

/// Whether a change is written even if the disk is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum Urgency {
    /// It is refused until there is space again.
    Ordinary,
    /// It takes rights away, or the verification of a value waits for it: it may use the reserve.
    Urgent,
}

/// The right to use the writing connection, until it is ended or dropped.
#[derive(Debug)]
pub(in crate::store) struct WriteSlot {
    // Dropped before `ended` is sent, so that the task then holds the only reference to the transaction.
    pub(super) transaction: Arc<PoolTransaction>,
    pub(super) ended: oneshot::Sender<Ended>,
}

/// How a slot ends. A slot that is dropped instead is rolled back, and nothing waits for its acknowledgement.
#[derive(Debug)]
pub(super) struct Ended {
    /// What the operation changed; `None` rolls it back.
    pub(super) kept: Option<ChangeSet>,
    pub(super) acknowledgement: Acknowledgement,
}

impl WriteSlot {
    pub(in crate::store) fn connection(&self) -> &PoolTransaction {
        &self.transaction
    }

    /// Ends the slot, and waits until what it wrote and read is durable.
    pub(in crate::store) async fn end(self, kept: Option<ChangeSet>) -> Result<(), DbErr> {
        let Self { transaction, ended } = self;
        drop(transaction);
        let (acknowledgement, outcome) = oneshot::channel();
        ended.send(Ended { kept, acknowledgement }).map_err(|_| gone())?;
        outcome.await.map_err(|_| gone())?.map(drop)
    }
}

impl Requested {
    /// Fails this request.
    pub(super) fn fail(self, err: DbErr) {
        // An error of sending means that the client is gone.
        match self {
            Self::Slot(slot) => drop(slot.send(Err(err))),
            Self::Chain(request) => drop(request.acknowledgement.send(Err(err))),
        }
    }

    pub(super) fn is_chain(&self) -> bool {
        matches!(self, Self::Chain(_))
    }

    /// Whether its client is gone.
    pub(super) fn is_abandoned(&self) -> bool {
        match self {
            Self::Slot(slot) => slot.is_closed(),
            Self::Chain(request) => request.acknowledgement.is_closed(),
        }
    }
}

impl WriteRequest {
    /// This request; `None` if its client is gone, or if it was refused because the disk is full.
    pub(super) fn admitted(self, file: &DatabaseFile) -> Option<Self> {
        if self.urgency == Urgency::Ordinary && file.reserve().is_released() {
            let full = RuntimeErr::Internal("the disk is full, and what is left is for revocations".to_owned());
            self.kind.fail(DbErr::Conn(full));
            return None;
        }
        (!self.kind.is_abandoned()).then_some(self)
    }
}

/// The error if the task has ended, which happens only when the whole process ends.
pub(super) fn gone() -> DbErr {
    DbErr::Conn(RuntimeErr::Internal("the writing connection is gone".to_owned()))
}
