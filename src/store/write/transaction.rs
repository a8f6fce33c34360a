//! The statements that change something. One transaction an operation; its audit event is written in the same one, and
//! whoever must know of it is told when it is durable.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sea_orm::{ConnectionTrait, DbBackend, DbErr, RuntimeErr, Statement};

use crate::domain::audit::AuditEvent;
use crate::domain::id::TokenId;

use crate::store::Error;
use crate::store::changes::notes::Notes;
use crate::store::connect::pool::PoolTransaction;

use super::durable::Durable;
use super::slot::Turn;

/// A transaction that may write. Nothing is kept unless [`Transaction::commit`] returns.
#[derive(Debug)]
pub struct Transaction {
    inner: Inner,
    notes: Mutex<Notes>,
}

#[derive(Debug)]
enum Inner {
    /// On PostgreSQL, a transaction of its own.
    Alone(PoolTransaction, Durable),
    /// On SQLite, a turn in one that is shared.
    InTurn(Turn),
}

impl Transaction {
    pub(in crate::store) fn alone(transaction: PoolTransaction, durable: Durable) -> Self {
        Self { inner: Inner::Alone(transaction, durable), notes: Mutex::default() }
    }

    pub(in crate::store) fn in_turn(turn: Turn) -> Self {
        Self { inner: Inner::InTurn(turn), notes: Mutex::default() }
    }

    /// Makes all of it durable; only then may it be told (R13). Whoever remembers what it changes, or waits for it, has been
    /// told when this returns.
    ///
    /// # Errors
    /// When the database fails. Whether the transaction took place is then not known.
    pub async fn commit(self) -> Result<(), Error> {
        let notes = self.notes.into_inner().unwrap_or_else(PoisonError::into_inner);
        match self.inner {
            Inner::InTurn(turn) => Ok(turn.end(Some(notes)).await?),
            Inner::Alone(transaction, durable) => {
                // In a task of its own: a client that goes away must not keep what is durable from being told.
                let committed = tokio::spawn(commit_and_tell(transaction, durable, notes));
                committed.await.map_err(|err| DbErr::Conn(RuntimeErr::Internal(err.to_string())))?
            }
        }
    }

    /// Ends it as the outcome of its operation says: commits, or undoes it. Either way the outcome is told only once the
    /// facts that it rests on are durable (R13): on SQLite even a refusal may rest on what an operation did that shares the
    /// transaction, and that could still be lost.
    ///
    /// # Errors
    /// The operation's own, or that of the database.
    pub async fn settle<T, E: From<Error>>(self, outcome: Result<T, E>) -> Result<T, E> {
        match (outcome.is_ok(), self.inner) {
            (true, inner) => Self { inner, notes: self.notes }.commit().await?,
            (false, Inner::InTurn(turn)) => turn.end(None).await.map_err(Error::from)?,
            // What is seen in a transaction of one's own is durable already; dropping it is enough.
            (false, Inner::Alone(..)) => {}
        }
        outcome
    }

    /// Lets whatever is remembered of a token be read anew once this transaction is durable, although it changes nothing of it.
    pub fn forget(&self, id: TokenId) {
        self.note(id);
    }

    /// Notes that this transaction changes what is known of a token.
    pub(in crate::store) fn note(&self, id: TokenId) {
        self.notes().token(id);
    }

    /// The audit events that this transaction appends, so far.
    pub fn events(&self) -> Vec<Arc<AuditEvent>> {
        self.notes().events().to_vec()
    }

    /// Notes that this transaction appends an event to the audit log.
    pub(in crate::store) fn note_event(&self, event: &AuditEvent) {
        self.notes().event(Arc::new(event.clone()));
    }

    /// What other replicas are to be told so far, for a statement of this transaction that tells it.
    pub(in crate::store) fn untold(&self) -> Option<String> {
        self.notes().take_untold()
    }

    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(in crate::store) fn connection(&self) -> &PoolTransaction {
        match &self.inner {
            Inner::Alone(transaction, _) => transaction,
            Inner::InTurn(turn) => turn.connection(),
        }
    }
}

/// Commits a transaction of its own and tells of it, other replicas by a row that is committed with it: last, so that it is as
/// young as can be when they see it.
async fn commit_and_tell(transaction: PoolTransaction, durable: Durable, mut notes: Notes) -> Result<(), Error> {
    if let Some(ids) = notes.take_untold() {
        tell(&transaction, ids).await?;
    }
    let committed = transaction.commit().await;
    durable.reached(&committed, [notes]);
    Ok(committed?)
}

/// Tells the other replicas, and this one's own ear, if and when this transaction commits.
async fn tell(transaction: &PoolTransaction, ids: String) -> Result<(), Error> {
    let sql = "INSERT INTO change (ids) VALUES ($1)";
    transaction.execute_raw(Statement::from_sql_and_values(DbBackend::Postgres, sql, [ids.into()])).await?;
    Ok(())
}
