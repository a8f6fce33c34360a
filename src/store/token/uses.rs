//! Writing the first use of a value, and the reuse of a retired one. Later uses are written in batches (`value_use`).
//!
//! A first use is also written by a rotation of the value, in the statements of the rotation. [`FIRST_USE`] and [`LAST_USE`] say
//! once, for both, what a use changes.

use std::collections::BTreeMap;

use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, QueryFilter, Value};

use crate::domain::id::TokenId;
use crate::domain::timestamp::Timestamp;
use crate::domain::token::Token;
use crate::domain::value_use::ValueUse;

use crate::store::changes::change_set::ChangeSet;
use crate::store::changes::epochs::Publication;
use crate::store::conditional_write::chain::Chain;
use crate::store::entity::api_token_value;
use crate::store::sql::Sql;
use crate::store::value_use::sort_keys;
use crate::store::write::slot::Urgency;
use crate::store::{Error, Store, Transaction};

/// What the first use of a value changes in its row: `?` is the time of the use, or null for none (R5, R6).
pub(in crate::store) const FIRST_USE: &str = "first_used_at = COALESCE(first_used_at, ?), salt = NULL";
/// What a use of a value changes in the row of its token: `?` is the time of the use, or null for none.
pub(in crate::store) const LAST_USE: &str = "last_used_at = COALESCE(?, last_used_at)";

impl Store {
    /// Writes the first use of a value durably (R5), if everything that makes the value work is still the same as in `known`. Otherwise
    /// `None` is returned, and nothing is written.
    ///
    /// # Errors
    /// When the database fails. Then it is unknown whether the use was written.
    pub async fn use_first_optimistically(
        &self,
        known: &Token,
        generation: u32,
        now: Timestamp,
    ) -> Result<Option<Publication>, Error> {
        // The first use of a value that has been replaced is rare, and changes a sort key as well.
        let Some(value) = known.value(generation).filter(|value| value.replaced_at.is_none()) else { return Ok(None) };
        let moment = |at: Option<Timestamp>| Value::from(at.map(Timestamp::unix_millis));
        let token = || Value::from(known.id.to_string());
        // The token first: its row is locked by everything that could end the value.
        let chain = Chain::new(self.write.get_database_backend())
            .update(
                format!("UPDATE api_token SET {LAST_USE}"),
                "id = ? AND generation = ? AND revoked_at IS NULL AND suspended_at IS NULL
                    AND ? IN (generation, previous_generation)",
                [moment(Some(now)), token(), i64::from(known.current.generation).into(), i64::from(generation).into()],
            )
            .update(
                format!("UPDATE api_token_value SET {FIRST_USE}"),
                "token_id = ? AND generation = ? AND first_used_at IS NULL
                    AND replaced_at IS NOT DISTINCT FROM ? AND retires_at IS NOT DISTINCT FROM ?",
                [
                    moment(Some(now)),
                    token(),
                    i64::from(generation).into(),
                    moment(value.replaced_at),
                    moment(value.retires_at),
                ],
            );
        let mut changes = ChangeSet::default();
        changes.add_token(known.id);
        self.write_conditionally(chain, changes, Urgency::Urgent).await
    }
}

impl Transaction {
    /// Records that a value was presented successfully, and that this was its first use if there was none before (R5).
    ///
    /// # Errors
    /// When the database fails.
    pub async fn record_use(&self, id: TokenId, generation: u32, now: Timestamp) -> Result<(), Error> {
        let connection = self.connection();
        let (now_millis, token) = (|| now.unix_millis().into(), || id.to_string().into());
        let mut first_use = Sql::new(connection.get_database_backend());
        first_use
            .push(&format!("UPDATE api_token_value SET {FIRST_USE}"), [now_millis()])
            .push(" WHERE token_id = ? AND generation = ? AND first_used_at IS NULL", [token(), generation.into()]);
        let is_first = connection.execute_raw(first_use.statement()).await?.rows_affected() > 0;
        let mut last_use = Sql::new(connection.get_database_backend());
        last_use.push(&format!("UPDATE api_token SET {LAST_USE} WHERE id = ?"), [now_millis(), token()]);
        connection.execute_raw(last_use.statement()).await?;
        if is_first {
            // A later use only changes the time of the last use, which no rule reads, and is a sort key when it is written with others.
            self.mark_changed(id);
            let mut used = ValueUse::default();
            used.add(Some(now), 1);
            sort_keys::write_previous_uses(connection, &BTreeMap::from([((id, generation), used)])).await?;
        }
        Ok(())
    }

    /// Claims the right to record a reuse of this value: succeeds if none was recorded since `since` (R8).
    ///
    /// # Errors
    /// When the database fails.
    pub async fn claim_reuse(
        &self,
        id: TokenId,
        generation: u32,
        since: Timestamp,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let reused = api_token_value::ActiveModel { reused_at: Set(Some(now.unix_millis())), ..Default::default() };
        let silent = Condition::any()
            .add(api_token_value::Column::ReusedAt.is_null())
            .add(api_token_value::Column::ReusedAt.lte(since.unix_millis()));
        Ok(api_token_value::update_one(id, generation, reused)
            .filter(silent)
            .exec(self.connection())
            .await?
            .rows_affected
            == 1)
    }
}
