//! A transaction: one for each operation, with its audit event in it. What it changes is published once it is durable.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sea_orm::{ConnectionTrait, DbBackend, DbErr, RuntimeErr, Statement};

use crate::domain::audit::AuditEvent;
use crate::domain::id::TokenId;

use crate::store::Error;
use crate::store::changes::change_set::Notes;
use crate::store::connect::pool::PoolTransaction;

use super::after_commit::Durable;
use super::slot::WriteSlot;

/// A transaction that may write. Nothing is kept unless [`Transaction::commit`] returns.
#[derive(Debug)]
pub struct Transaction {
    inner: Inner,
    notes: Mutex<Notes>,
}

#[derive(Debug)]
enum Inner {
    /// On PostgreSQL, a database transaction.
    Alone(PoolTransaction, Durable),
    /// On SQLite, a slot in one that is shared.
    InGroup(WriteSlot),
}

impl Transaction {
    pub(in crate::store) fn alone(transaction: PoolTransaction, durable: Durable) -> Self {
        Self { inner: Inner::Alone(transaction, durable), notes: Mutex::default() }
    }

    pub(in crate::store) fn in_group(slot: WriteSlot) -> Self {
        Self { inner: Inner::InGroup(slot), notes: Mutex::default() }
    }

    /// Makes it durable; only then may it be acknowledged (R13). When this returns, caches and subscribers of this process have
    /// been notified.
    ///
    /// # Errors
    /// When the database fails. Whether the transaction took place is then not known.
    pub async fn commit(self) -> Result<(), Error> {
        let notes = self.notes.into_inner().unwrap_or_else(PoisonError::into_inner);
        match self.inner {
            Inner::InGroup(slot) => Ok(slot.end(Some(notes)).await?),
            Inner::Alone(transaction, durable) => {
                // In a task: a client that is cancelled must not keep what is durable from being published.
                let committed = tokio::spawn(commit_and_publish(transaction, durable, notes));
                committed.await.map_err(|err| DbErr::Conn(RuntimeErr::Internal(err.to_string())))?
            }
        }
    }

    /// Commits if the outcome of the operation is a success, and rolls back if not. Either way it returns only once the facts that
    /// the outcome rests on are durable (R13): on SQLite even a refusal may rest on what another operation of the group wrote,
    /// which could still be lost.
    ///
    /// # Errors
    /// The operation's own, or that of the database.
    pub async fn finish<T, E: From<Error>>(self, outcome: Result<T, E>) -> Result<T, E> {
        match (outcome.is_ok(), self.inner) {
            (true, inner) => Self { inner, notes: self.notes }.commit().await?,
            (false, Inner::InGroup(slot)) => slot.end(None).await.map_err(Error::from)?,
            // All that it read is durable already; dropping it is enough.
            (false, Inner::Alone(..)) => {}
        }
        outcome
    }

    /// Makes cached entries of a token stale once this transaction is durable, although it does not change the token.
    pub fn forget(&self, id: TokenId) {
        self.note(id);
    }

    /// Notes that this transaction changes a token.
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

    /// What is to be announced to other replicas so far, for a statement of this transaction that does so.
    pub(in crate::store) fn unannounced(&self) -> Option<String> {
        self.notes().take_unannounced()
    }

    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(in crate::store) fn connection(&self) -> &PoolTransaction {
        match &self.inner {
            Inner::Alone(transaction, _) => transaction,
            Inner::InGroup(slot) => slot.connection(),
        }
    }
}

/// Commits and publishes. Other replicas learn of it by a row of `change` that is committed with it. The row is written last, so
/// that it is as young as possible when they see it.
async fn commit_and_publish(transaction: PoolTransaction, durable: Durable, mut notes: Notes) -> Result<(), Error> {
    if let Some(ids) = notes.take_unannounced() {
        announce(&transaction, ids).await?;
    }
    let committed = transaction.commit().await;
    durable.reached(&committed, [notes]);
    Ok(committed?)
}

/// Announces these ids to all replicas, this one included, if and when the transaction commits.
async fn announce(transaction: &PoolTransaction, ids: String) -> Result<(), Error> {
    let sql = "INSERT INTO change (ids) VALUES ($1)";
    transaction.execute_raw(Statement::from_sql_and_values(DbBackend::Postgres, sql, [ids.into()])).await?;
    Ok(())
}
