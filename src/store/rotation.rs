//! Carrying out a rotation: all that it writes goes to the database at once, and all of it or nothing is written (R7).

use sea_orm::{ConnectionTrait, DbBackend, Value};

use crate::domain::audit::AuditEvent;
use crate::domain::id::TokenId;
use crate::domain::rotation::Rotation;
use crate::domain::timestamp::Timestamp;
use crate::domain::token::ValueFacts;

use super::chain::Chain;
use super::{Error, Transaction, audit, rows};

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
        let chain = chain(self.connection().get_database_backend(), id, rotation, issued, first_used_at);
        self.note(id);
        self.note_event(event);
        let told = self.untold();
        let won = chain.insert(audit::row(event)).tell(told).run(self.connection()).await?;
        Ok(if won { Rotated::Won } else { Rotated::Lost })
    }
}

fn chain(
    backend: DbBackend,
    id: TokenId,
    rotation: &Rotation,
    issued: &ValueFacts,
    first_used_at: Option<Timestamp>,
) -> Chain {
    let token = || Value::from(id.to_string());
    let moment = |at: Option<Timestamp>| Value::from(at.map(Timestamp::unix_millis));
    let from = || Value::from(i64::from(rotation.from_generation));
    let previous = rotation.previous.map(|previous| i64::from(previous.generation));
    // The value that is replaced either works on, until then, or stops at once.
    let works_on = rotation.previous.filter(|previous| previous.generation == rotation.from_generation);
    let retires_at = works_on.map_or(Some(issued.created_at), |previous| previous.retires_at);
    let mut chain = Chain::new(backend)
        .update(
            "UPDATE api_token SET generation = ?, previous_generation = ?, last_used_at = COALESCE(?, last_used_at)
             WHERE id = ? AND generation = ? AND revoked_at IS NULL",
            [i64::from(rotation.generation).into(), previous.into(), moment(first_used_at), token(), from()],
        )
        .update(
            "UPDATE api_token_value SET replaced_at = ?, retires_at = ?, first_used_at = COALESCE(first_used_at, ?),
             salt = NULL WHERE token_id = ? AND generation = ? AND replaced_at IS NULL
             AND (first_used_at IS NULL OR NOT ?)",
            [
                moment(Some(issued.created_at)),
                moment(retires_at),
                moment(first_used_at),
                token(),
                from(),
                rotation.recovers.into(),
            ],
        );
    if let Some(older) = rotation.previous.filter(|_| works_on.is_none()) {
        chain = chain.update(
            "UPDATE api_token_value SET retires_at = ? WHERE token_id = ? AND generation = ?",
            [moment(older.retires_at), token(), i64::from(older.generation).into()],
        );
    }
    chain.insert(rows::value_row(id, issued))
}
