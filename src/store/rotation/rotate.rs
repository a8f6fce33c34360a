//! Carrying out a rotation: all that it writes goes to the database at once, and all of it or nothing is written (R7).
//!
//! There are two ways. In a transaction that has locked the token and read it, a rotation is decided on what was read. One that
//! was decided on what is known of the token by other means is written by itself, only if all that it rests on and that may
//! change is still so; on PostgreSQL that is one statement and its own transaction, so it costs one round trip.

use sea_orm::{ConnectionTrait, DbErr, RuntimeErr};

use crate::domain::audit::AuditEvent;
use crate::domain::id::TokenId;
use crate::domain::rule::rotation::Rotation;
use crate::domain::timestamp::Timestamp;
use crate::domain::token::{Token, ValueFacts};

use crate::store::changes::change_set::ChangeSet;
use crate::store::connect::pool::Pool;
use crate::store::write::after_commit::AfterCommit;
use crate::store::{Error, Store, Transaction, audit};

use super::chain::Chain;
use super::statement::Written;

/// Whether a rotation took place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotated {
    /// It did.
    Won,
    /// The facts that it was decided on are no longer true: another rotation, a revocation or a first use was quicker. The
    /// transaction must then not be committed.
    Lost,
}

impl Transaction {
    /// Carries out a rotation, if the facts it was decided on are still true (R7), and appends its event to the audit log.
    /// Where it is the first use of the value that it replaces, it writes that too (R5).
    ///
    /// # Errors
    /// When the database fails.
    pub async fn rotate(
        &self,
        id: TokenId,
        rotation: &Rotation,
        issued: &ValueFacts,
        first_used_at: Option<Timestamp>,
        event: &AuditEvent,
    ) -> Result<Rotated, Error> {
        let written = Written { id, rotation, issued, first_used_at, known: None };
        self.carry_out(id, written.chain(self.connection().get_database_backend()), event).await
    }

    async fn carry_out(&self, id: TokenId, chain: Chain, event: &AuditEvent) -> Result<Rotated, Error> {
        self.mark_changed(id);
        self.add_event(event);
        let unannounced = self.unannounced();
        Ok(chain.insert(audit::row(event)).announce(unannounced).run(self.connection()).await?.into())
    }
}

impl Store {
    /// Carries out a rotation of the current value by itself, and durably, if the token is still as it is known in all that
    /// bears on it (R7, R10, R12): its generation, whether it is revoked, whether the value has been used, its restrictions, and
    /// when its settings were changed. The other settings that count are fixed. Otherwise nothing is written.
    ///
    /// # Errors
    /// When the database fails. Whether the rotation took place is then not known.
    pub async fn rotate_optimistically(
        &self,
        known: &Token,
        rotation: &Rotation,
        issued: &ValueFacts,
        first_used_at: Option<Timestamp>,
        event: &AuditEvent,
    ) -> Result<Rotated, Error> {
        let written = Written { id: known.id, rotation, issued, first_used_at, known: Some(known) };
        let chain = written.chain(self.write.get_database_backend());
        if self.write_queue.is_some() {
            let transaction = self.begin().await?;
            let rotated = transaction.carry_out(known.id, chain, event).await?;
            if rotated == Rotated::Won {
                transaction.commit().await?;
            }
            return Ok(rotated);
        }
        let mut changes = ChangeSet::default();
        changes.add_token(known.id);
        changes.add_event(event.clone().into());
        let chain = chain.insert(audit::row(event)).announce(changes.take_unannounced());
        // In a task: a client that is cancelled must not keep what is durable from being published.
        let rotated = tokio::spawn(rotate_and_publish(self.write.clone(), self.after_commit.clone(), chain, changes));
        rotated.await.map_err(|err| DbErr::Conn(RuntimeErr::Internal(err.to_string())))?
    }
}

/// Runs a chain that is a transaction by itself, and publishes it.
async fn rotate_and_publish(
    pool: Pool,
    after_commit: AfterCommit,
    chain: Chain,
    changes: ChangeSet,
) -> Result<Rotated, Error> {
    let outcome = chain.run(&pool).await;
    match &outcome {
        Ok(true) => after_commit.run(&Ok(()), [changes]),
        Ok(false) => {}
        Err(err) => after_commit.run(&Err(err.clone()), [changes]),
    }
    Ok(outcome?.into())
}

impl From<bool> for Rotated {
    fn from(won: bool) -> Self {
        if won { Self::Won } else { Self::Lost }
    }
}
