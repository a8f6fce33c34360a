//! Rows of `api_token_value`: one for each generation, with the hash of the secret and the facts about it.

use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::UpdateMany;
use sea_orm::entity::prelude::*;

use crate::domain::id::TokenId;
use crate::domain::timestamp::Timestamp;
use crate::domain::token::{Salt, ValueFacts};
use crate::domain::value::foreign::FormatName;
use crate::domain::value::{Hint, ValueHash};
use crate::store::Error;
use crate::store::token::columns::{Columns, actor_name};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "api_token_value")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub token_id: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub generation: i64,
    pub hash: Vec<u8>,
    pub hint: String,
    pub created_at: i64,
    pub created_by: Option<String>,
    pub first_used_at: Option<i64>,
    pub replaced_at: Option<i64>,
    pub retires_at: Option<i64>,
    pub overlap_minutes: i64,
    pub brown_out: Option<bool>,
    pub salt: Option<Vec<u8>>,
    pub reused_at: Option<i64>,
    pub overdue_at: Option<i64>,
    pub format: Option<String>,
    pub import_fingerprint: Option<Vec<u8>>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// The row of a new current value. `rotate_by` is when its token becomes overdue.
pub fn row(token_id: TokenId, value: &ValueFacts, rotate_by: Option<Timestamp>) -> ActiveModel {
    ActiveModel {
        token_id: Set(token_id.to_string()),
        generation: Set(i64::from(value.generation)),
        hash: Set(value.hash.0.to_vec()),
        hint: Set(value.hint.stored().to_owned()),
        created_at: Set(value.created_at.unix_millis()),
        created_by: Set(actor_name(value.created_by)),
        first_used_at: Set(value.first_used_at.map(Timestamp::unix_millis)),
        replaced_at: Set(value.replaced_at.map(Timestamp::unix_millis)),
        retires_at: Set(value.retires_at.map(Timestamp::unix_millis)),
        overlap_minutes: Set(i64::from(value.overlap_minutes)),
        brown_out: Set(value.brown_out.then_some(true)),
        salt: Set(value.salt.as_ref().map(|salt| salt.0.to_vec())),
        reused_at: Set(None),
        overdue_at: Set(rotate_by.map(Timestamp::unix_millis)),
        format: value.format.as_ref().map_or(NotSet, |format| Set(Some(format.as_str().to_owned()))),
        import_fingerprint: NotSet,
    }
}

/// The columns of a value, in the order in which [`read`] takes them.
pub const COLUMNS: &str = "\
    api_token_value.generation, api_token_value.hash, api_token_value.hint, api_token_value.created_at, \
    api_token_value.created_by, api_token_value.first_used_at, api_token_value.replaced_at, api_token_value.retires_at, \
    api_token_value.overlap_minutes, api_token_value.salt, api_token_value.last_used_at, api_token_value.brown_out, \
    api_token_value.format, ";

/// Those of them that are bytes.
pub const BYTES: [&str; 2] = ["api_token_value.hash", "api_token_value.salt"];

/// Reads a value from these columns.
pub fn read(columns: &mut Columns<'_>) -> Result<ValueFacts, Error> {
    Ok(ValueFacts {
        generation: columns.number()?,
        hash: ValueHash(columns.bytes()?),
        hint: columns.parse(Hint::parse)?,
        created_at: columns.moment()?,
        created_by: columns.actor()?,
        first_used_at: columns.moment_if_any()?,
        replaced_at: columns.moment_if_any()?,
        retires_at: columns.moment_if_any()?,
        overlap_minutes: columns.number()?,
        salt: columns.bytes_if_any()?.map(|salt| Salt(Box::new(salt))),
        last_used_at: columns.moment_if_any()?,
        brown_out: columns.take_if_any()?.unwrap_or(false),
        format: columns.parse_if_any(FormatName::parse)?.map(Box::new),
    })
}

/// The UPDATE of the row of one value; more conditions may be added.
pub fn update_one(id: TokenId, generation: u32, change: ActiveModel) -> UpdateMany<Entity> {
    Entity::update_many()
        .set(change)
        .filter(Column::TokenId.eq(id.to_string()))
        .filter(Column::Generation.eq(i64::from(generation)))
}
