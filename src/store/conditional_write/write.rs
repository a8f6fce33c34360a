//! Executing a chain as a whole transaction.

use sea_orm::{DbErr, RuntimeErr};
use tokio::task::JoinError;

use crate::store::changes::change_set::ChangeSet;
use crate::store::changes::epochs::Publication;
use crate::store::connect::pool::Pool;
use crate::store::write::after_commit::AfterCommit;
use crate::store::write::slot::Urgency;
use crate::store::{Error, Store};
use crate::traces;

use super::chain::Chain;

impl Store {
    /// Writes a chain durably, and publishes its changes; `None` if a condition was not met, so that nothing was written. On SQLite,
    /// a chain that was executed together with such a one is not written either, so the caller must be able to decide under a lock.
    ///
    /// # Errors
    /// When the database fails. Then it is unknown whether the chain was written.
    pub(in crate::store) async fn write_conditionally(
        &self,
        chain: Chain,
        mut changes: ChangeSet,
        urgency: Urgency,
    ) -> Result<Option<Publication>, Error> {
        if let Some(queue) = &self.write_queue {
            let span = traces::database("sqlite", "WRITE");
            return Ok(span.end(queue.write(chain, changes, urgency).await)?);
        }
        let span = traces::database("postgresql", "WRITE");
        let chain = chain.announce(changes.take_unannounced());
        // In a task, so that what is durable is published even if the client goes away.
        let written = tokio::spawn(run_and_publish(self.write.clone(), self.after_commit.clone(), chain, changes));
        let gone = |err: JoinError| Err(DbErr::Conn(RuntimeErr::Internal(err.to_string())).into());
        span.end(written.await.unwrap_or_else(gone))
    }
}

/// Executes a chain that is a whole transaction, and publishes its changes.
async fn run_and_publish(
    pool: Pool,
    after_commit: AfterCommit,
    chain: Chain,
    changes: ChangeSet,
) -> Result<Option<Publication>, Error> {
    match chain.run(&pool).await {
        Ok(true) => Ok(after_commit.committed([changes]).pop()),
        Ok(false) => Ok(None),
        Err(err) => {
            after_commit.uncertain([changes]);
            Err(err.into())
        }
    }
}
