//! Writing a rotation: everything in one round trip, and all or nothing (R7).
//!
//! There are two ways. [`Transaction::rotate`] is for a rotation that was decided on a token that the transaction has locked and
//! read. [`Store::rotate_optimistically`] is for one that was decided on a cached token. It writes only if everything that the
//! decision depends on, and that can change, is still the same. On PostgreSQL this is one statement without a transaction around
//! it.

use sea_orm::ConnectionTrait;

use crate::domain::audit::AuditEvent;
use crate::domain::id::TokenId;
use crate::domain::rule::rotation::Rotation;
use crate::domain::timestamp::Timestamp;
use crate::domain::token::{Token, ValueFacts};

use crate::store::changes::change_set::ChangeSet;
use crate::store::changes::epochs::Publication;
use crate::store::write::slot::Urgency;
use crate::store::{Error, Store, Transaction, audit};

use super::statement::RotationWrite;

/// Whether a rotation took place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotated {
    /// It did.
    Won,
    /// It did not: the facts that it was decided on have changed, by another rotation, a revocation or a first use. The transaction
    /// must not be committed.
    Lost,
}

impl Transaction {
    /// Writes a rotation, if the facts that it was decided on are still true (R7), and its audit event. If it is the first use of
    /// the value that it replaces, it writes that as well (R5).
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
        let write = RotationWrite { id, rotation, issued, first_used_at, known: None };
        let chain = write.chain(self.connection().get_database_backend());
        self.mark_changed(id);
        self.add_event(event);
        let unannounced = self.unannounced();
        Ok(chain.insert(audit::row(event)).announce(unannounced).run(self.connection()).await?.into())
    }
}

impl Store {
    /// Writes a rotation of the current value durably, if everything that it depends on is still the same as in `known` (R7, R10,
    /// R12): the generation, whether the token is revoked, whether the value has been used, the restrictions, and when the settings
    /// were changed. All other settings that matter are fixed at creation. Otherwise `None` is returned, and nothing is written.
    ///
    /// # Errors
    /// When the database fails. Then it is unknown whether the rotation took place.
    pub async fn rotate_optimistically(
        &self,
        known: &Token,
        rotation: &Rotation,
        issued: &ValueFacts,
        first_used_at: Option<Timestamp>,
        event: &AuditEvent,
    ) -> Result<Option<Publication>, Error> {
        let write = RotationWrite { id: known.id, rotation, issued, first_used_at, known: Some(known) };
        let chain = write.chain(self.write.get_database_backend()).insert(audit::row(event));
        let mut changes = ChangeSet::default();
        changes.add_token(known.id);
        changes.add_event(event.clone().into());
        self.write_conditionally(chain, changes, Urgency::Ordinary).await
    }
}

impl From<bool> for Rotated {
    fn from(won: bool) -> Self {
        if won { Self::Won } else { Self::Lost }
    }
}
