//! The statements that a rotation consists of.

use sea_orm::{DbBackend, Value};

use crate::domain::id::TokenId;
use crate::domain::rule::rotation::Rotation;
use crate::domain::timestamp::Timestamp;
use crate::domain::token::{Token, ValueFacts};
use crate::store::conditional_write::chain::Chain;
use crate::store::entity::{api_token, api_token_value};
use crate::store::token::columns;
use crate::store::token::uses::{FIRST_USE, LAST_USE};

/// A rotation to be written, without its event.
pub(super) struct RotationWrite<'a> {
    pub(super) id: TokenId,
    pub(super) rotation: &'a Rotation,
    pub(super) issued: &'a ValueFacts,
    pub(super) first_used_at: Option<Timestamp>,
    /// The token that the rotation was decided on, if it was not read under a lock.
    pub(super) known: Option<&'a Token>,
}

impl RotationWrite<'_> {
    pub(super) fn chain(&self, backend: DbBackend) -> Chain {
        let Self { rotation, issued, .. } = self;
        let (token, from) = (|| Value::from(self.id.to_string()), || Value::from(i64::from(rotation.from_generation)));
        let older = rotation.previous.filter(|previous| previous.generation != rotation.from_generation);
        let mut chain = self.replace(self.increment_generation(Chain::new(backend), token(), from()), token(), from());
        if let Some(older) = older {
            chain = chain.update(
                "UPDATE api_token_value SET retires_at = ?",
                "token_id = ? AND generation = ?",
                [moment(older.retires_at), token(), i64::from(older.generation).into()],
            );
        }
        chain.insert(api_token_value::row(self.id, issued, rotation.rotate_by))
    }

    /// Increments the generation of the token by compare-and-set.
    fn increment_generation(&self, chain: Chain, token: Value, from: Value) -> Chain {
        const IS_UNCHANGED: &str = "id = ? AND generation = ? AND revoked_at IS NULL";
        // Also the restrictions themselves, because settings may change twice in one millisecond. The networks change with a suspension.
        const IS_AS_KNOWN: &str = "id = ? AND generation = ? AND revoked_at IS NULL
            AND updated_at IS NOT DISTINCT FROM ? AND allowed_cidr_blocks = ? AND allowed_origins = ?";
        let write = format!("UPDATE api_token SET generation = ?, previous_generation = ?, {LAST_USE}");
        let Rotation { generation, previous, .. } = self.rotation;
        let previous = previous.map(|previous| i64::from(previous.generation));
        let values = [i64::from(*generation).into(), previous.into(), moment(self.first_used_at), token, from];
        let Some(known) = self.known else { return chain.update(write, IS_UNCHANGED, values) };
        let updated_at = moment(known.updated.map(|(at, _)| at));
        let settings = &known.settings;
        let restrictions = [api_token::networks(known), columns::list(settings.allowed_origins.iter())];
        let values = values.into_iter().chain([updated_at]).chain(restrictions.map(Value::from));
        chain.update(write, IS_AS_KNOWN, values)
    }

    /// Marks the current value as replaced.
    fn replace(&self, chain: Chain, token: Value, from: Value) -> Chain {
        // A rotation erases the salt of the value that it replaces in any case, as a first use does.
        let write = format!("UPDATE api_token_value SET replaced_at = ?, retires_at = ?, {FIRST_USE}");
        const IS_UNREPLACED: &str =
            "token_id = ? AND generation = ? AND replaced_at IS NULL AND (first_used_at IS NULL OR NOT ?)";
        const IS_AS_KNOWN: &str =
            "token_id = ? AND generation = ? AND replaced_at IS NULL AND (first_used_at IS NULL OR NOT ?)
            AND first_used_at IS NOT DISTINCT FROM ?";
        let Self { rotation, issued, .. } = self;
        // It either keeps working until its overlap ends, or stops immediately.
        let keeps_working = rotation.previous.filter(|previous| previous.generation == rotation.from_generation);
        let retires_at = keeps_working.map_or(Some(issued.created_at), |previous| previous.retires_at);
        let recovers = rotation.recovers.into();
        let values =
            [moment(Some(issued.created_at)), moment(retires_at), moment(self.first_used_at), token, from, recovers];
        let Some(known) = self.known else { return chain.update(write, IS_UNREPLACED, values) };
        chain.update(write, IS_AS_KNOWN, values.into_iter().chain([moment(known.current.first_used_at)]))
    }
}

fn moment(at: Option<Timestamp>) -> Value {
    Value::from(at.map(Timestamp::unix_millis))
}
