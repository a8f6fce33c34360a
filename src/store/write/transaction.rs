//! A transaction: one for each operation, including its audit event. Its changes are published once it is durable.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sea_orm::{ConnectionTrait, DbBackend, DbErr, RuntimeErr, Statement};
use tokio::task::JoinError;

use crate::domain::audit::AuditEvent;
use crate::domain::id::TokenId;

use crate::store::Error;
use crate::store::changes::change_set::ChangeSet;
use crate::store::connect::pool::PoolTransaction;

use crate::traces;

use super::after_commit::AfterCommit;
use super::slot::WriteSlot;

/// A transaction that may write. Nothing is kept unless [`Transaction::commit`] returns.
#[derive(Debug)]
pub struct Transaction {
    inner: Inner,
    changes: Mutex<ChangeSet>,
}

#[derive(Debug)]
enum Inner {
    /// On PostgreSQL, a database transaction.
    Alone(PoolTransaction, AfterCommit),
    /// On SQLite, a slot in a shared database transaction.
    InGroup(WriteSlot),
}

impl Transaction {
    pub(in crate::store) fn alone(transaction: PoolTransaction, after_commit: AfterCommit) -> Self {
        Self { inner: Inner::Alone(transaction, after_commit), changes: Mutex::default() }
    }

    pub(in crate::store) fn in_group(slot: WriteSlot) -> Self {
        Self { inner: Inner::InGroup(slot), changes: Mutex::default() }
    }

    /// Commits; only then may the operation be acknowledged (R13). When this returns, the changes are durable, and published to the
    /// caches and subscribers of this process.
    ///
    /// # Errors
    /// When the database fails. Then it is unknown whether the transaction took place.
    pub async fn commit(self) -> Result<(), Error> {
        let changes = self.changes.into_inner().unwrap_or_else(PoisonError::into_inner);
        match self.inner {
            Inner::InGroup(slot) => {
                let span = traces::database("sqlite", "COMMIT");
                Ok(span.end(slot.end(Some(changes)).await)?)
            }
            Inner::Alone(transaction, after_commit) => {
                let span = traces::database("postgresql", "COMMIT");
                // In a task, so that what is durable is published even if the client goes away.
                let committed = tokio::spawn(commit_and_publish(transaction, after_commit, changes));
                let gone = |err: JoinError| Err(DbErr::Conn(RuntimeErr::Internal(err.to_string())).into());
                span.end(committed.await.unwrap_or_else(gone))
            }
        }
    }

    /// Commits if the operation succeeded, and rolls back if not. Either way it returns only once everything that the outcome
    /// depends on is durable (R13): on SQLite even a refusal may depend on what another operation of the group wrote, which could
    /// still be lost.
    ///
    /// # Errors
    /// The operation's own, or that of the database.
    pub async fn finish<T, E: From<Error>>(self, outcome: Result<T, E>) -> Result<T, E> {
        match (outcome.is_ok(), self.inner) {
            (true, inner) => Self { inner, changes: self.changes }.commit().await?,
            (false, Inner::InGroup(slot)) => slot.end(None).await.map_err(Error::from)?,
            // All that it read is already durable, so dropping it is enough.
            (false, Inner::Alone(..)) => {}
        }
        outcome
    }

    /// Makes cached entries of a token stale once this transaction is durable, although it does not change the token.
    pub fn invalidate(&self, id: TokenId) {
        self.mark_changed(id);
    }

    /// Records that this transaction changes a token.
    pub(in crate::store) fn mark_changed(&self, id: TokenId) {
        self.changes().add_token(id);
    }

    /// The audit events that this transaction appends, so far.
    pub fn events(&self) -> Vec<Arc<AuditEvent>> {
        self.changes().events().to_vec()
    }

    /// Records that this transaction appends an event to the audit log.
    pub(in crate::store) fn add_event(&self, event: &AuditEvent) {
        self.changes().add_event(Arc::new(event.clone()));
    }

    /// Records that this transaction writes notices.
    pub(in crate::store) fn mark_notices_written(&self) {
        self.changes().writes_notices = true;
    }

    /// Takes the ids that are to be announced to other replicas so far, for a statement of this transaction that announces them.
    pub(in crate::store) fn unannounced(&self) -> Option<String> {
        self.changes().take_unannounced()
    }

    fn changes(&self) -> MutexGuard<'_, ChangeSet> {
        self.changes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(in crate::store) fn connection(&self) -> &PoolTransaction {
        match &self.inner {
            Inner::Alone(transaction, _) => transaction,
            Inner::InGroup(slot) => slot.connection(),
        }
    }
}

/// Commits and publishes. A row of `change`, committed with it, announces it to other replicas. The row is written last, so that it
/// is as young as possible when they see it.
async fn commit_and_publish(
    transaction: PoolTransaction,
    after_commit: AfterCommit,
    mut changes: ChangeSet,
) -> Result<(), Error> {
    if let Some(ids) = changes.take_unannounced() {
        announce(&transaction, ids).await?;
    }
    let committed = transaction.commit().await;
    if committed.is_ok() {
        after_commit.committed([changes]);
    } else {
        after_commit.uncertain([changes]);
    }
    Ok(committed?)
}

/// Announces these ids to all replicas, including this one, if and when the transaction commits.
async fn announce(transaction: &PoolTransaction, ids: String) -> Result<(), Error> {
    let sql = "INSERT INTO change (ids) VALUES ($1)";
    transaction.execute_raw(Statement::from_sql_and_values(DbBackend::Postgres, sql, [ids.into()])).await?;
    Ok(())
}
