//! Carrying out a rotation: all that it writes goes to the database at once, and all of it or nothing is written (R7).
//!
//! There are two ways. In a transaction that has locked the token and read it, a rotation is decided on what was read. One that
//! was decided on what is known of the token by other means is written by itself, only if all that it rests on and that may
//! change is still so; on PostgreSQL that is one statement and its own transaction, so it costs one round trip.

use sea_orm::{ConnectionTrait, DbBackend, DbErr, RuntimeErr, Value};

use crate::domain::audit::AuditEvent;
use crate::domain::id::TokenId;
use crate::domain::rule::rotation::Rotation;
use crate::domain::timestamp::Timestamp;
use crate::domain::token::{Token, ValueFacts};

use crate::store::changes::feed::Notes;
use crate::store::connect::pool::Pool;
use crate::store::write::chain::Chain;
use crate::store::write::durable::Durable;
use crate::store::{Error, Store, Transaction, audit};

use super::rows;

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
        self.note(id);
        self.note_event(event);
        let told = self.untold();
        Ok(chain.insert(audit::row(event)).tell(told).run(self.connection()).await?.into())
    }
}

impl Store {
    /// Carries out a rotation of the current value by itself, and durably, if the token is still as it is known in all that
    /// bears on it (R7, R10, R12): its generation, whether it is revoked, whether the value has been used, its restrictions, and
    /// when its settings were changed. The other settings that count are fixed. Otherwise nothing is written.
    ///
    /// # Errors
    /// When the database fails. Whether the rotation took place is then not known.
    pub async fn rotate_known(
        &self,
        known: &Token,
        rotation: &Rotation,
        issued: &ValueFacts,
        first_used_at: Option<Timestamp>,
        event: &AuditEvent,
    ) -> Result<Rotated, Error> {
        let written = Written { id: known.id, rotation, issued, first_used_at, known: Some(known) };
        let chain = written.chain(self.write.get_database_backend());
        if self.turns.is_some() {
            let transaction = self.begin().await?;
            let rotated = transaction.carry_out(known.id, chain, event).await?;
            if rotated == Rotated::Won {
                transaction.commit().await?;
            }
            return Ok(rotated);
        }
        let mut notes = Notes::default();
        notes.token(known.id);
        notes.event(event.clone().into());
        let chain = chain.insert(audit::row(event)).tell(notes.take_untold());
        // In a task of its own: a client that goes away must not keep what is durable from being told.
        let rotated = tokio::spawn(rotate_and_tell(self.write.clone(), self.durable.clone(), chain, notes));
        rotated.await.map_err(|err| DbErr::Conn(RuntimeErr::Internal(err.to_string())))?
    }
}

/// Carries out a chain that is a transaction by itself, and tells of it.
async fn rotate_and_tell(pool: Pool, durable: Durable, chain: Chain, notes: Notes) -> Result<Rotated, Error> {
    let outcome = chain.run(&pool).await;
    match &outcome {
        Ok(true) => durable.reached(&Ok(()), [notes]),
        Ok(false) => {}
        Err(err) => durable.reached(&Err(err.clone()), [notes]),
    }
    Ok(outcome?.into())
}

impl From<bool> for Rotated {
    fn from(won: bool) -> Self {
        if won { Self::Won } else { Self::Lost }
    }
}

/// What a rotation writes beside its event.
struct Written<'a> {
    id: TokenId,
    rotation: &'a Rotation,
    issued: &'a ValueFacts,
    first_used_at: Option<Timestamp>,
    /// What it was decided on, where that was not read under a lock.
    known: Option<&'a Token>,
}

impl Written<'_> {
    fn chain(&self, backend: DbBackend) -> Chain {
        let Self { rotation, issued, .. } = self;
        let (token, from) = (|| Value::from(self.id.to_string()), || Value::from(i64::from(rotation.from_generation)));
        let older = rotation.previous.filter(|previous| previous.generation != rotation.from_generation);
        let mut chain = self.replace(self.move_on(Chain::new(backend), token(), from()), token(), from());
        if let Some(older) = older {
            chain = chain.update(
                "UPDATE api_token_value SET retires_at = ? WHERE token_id = ? AND generation = ?",
                [moment(older.retires_at), token(), i64::from(older.generation).into()],
            );
        }
        chain.insert(rows::value_row(self.id, issued, rotation.rotate_by))
    }

    /// Moves the generation of the token on.
    fn move_on(&self, chain: Chain, token: Value, from: Value) -> Chain {
        const SQL: &str = "UPDATE api_token SET generation = ?, previous_generation = ?,
            last_used_at = COALESCE(?, last_used_at) WHERE id = ? AND generation = ? AND revoked_at IS NULL";
        let Rotation { generation, previous, .. } = self.rotation;
        let previous = previous.map(|previous| i64::from(previous.generation));
        let values = [i64::from(*generation).into(), previous.into(), moment(self.first_used_at), token, from];
        let Some(known) = self.known else { return chain.update(SQL, values) };
        // The restrictions themselves, too: settings may be changed twice in one millisecond.
        let sql =
            format!("{SQL} AND updated_at IS NOT DISTINCT FROM ? AND allowed_cidr_blocks = ? AND allowed_origins = ?");
        let updated_at = moment(known.updated.map(|(at, _)| at));
        let settings = &known.settings;
        let restrictions =
            [rows::list(settings.allowed_cidr_blocks.iter()), rows::list(settings.allowed_origins.iter())];
        chain.update(&sql, values.into_iter().chain([updated_at]).chain(restrictions.map(Value::from)))
    }

    /// Replaces the value that was current.
    fn replace(&self, chain: Chain, token: Value, from: Value) -> Chain {
        const SQL: &str = "UPDATE api_token_value SET replaced_at = ?, retires_at = ?,
            first_used_at = COALESCE(first_used_at, ?), salt = NULL WHERE token_id = ? AND generation = ?
            AND replaced_at IS NULL AND (first_used_at IS NULL OR NOT ?)";
        let Self { rotation, issued, .. } = self;
        // It either works on, until then, or stops at once.
        let works_on = rotation.previous.filter(|previous| previous.generation == rotation.from_generation);
        let retires_at = works_on.map_or(Some(issued.created_at), |previous| previous.retires_at);
        let recovers = rotation.recovers.into();
        let values =
            [moment(Some(issued.created_at)), moment(retires_at), moment(self.first_used_at), token, from, recovers];
        let Some(known) = self.known else { return chain.update(SQL, values) };
        let sql = format!("{SQL} AND first_used_at IS NOT DISTINCT FROM ?");
        chain.update(&sql, values.into_iter().chain([moment(known.current.first_used_at)]))
    }
}

fn moment(at: Option<Timestamp>) -> Value {
    Value::from(at.map(Timestamp::unix_millis))
}
