//! Rows of `api_token_value`: one a generation, with the hash of the secret and the facts of its life.

use sea_orm::UpdateMany;
use sea_orm::entity::prelude::*;

use crate::domain::id::TokenId;

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
    pub salt: Option<Vec<u8>>,
    pub reused_at: Option<i64>,
    pub overdue_at: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// The UPDATE of the row of one value; more conditions may be added.
pub fn update_one(id: TokenId, generation: u32, change: ActiveModel) -> UpdateMany<Entity> {
    Entity::update_many()
        .set(change)
        .filter(Column::TokenId.eq(id.to_string()))
        .filter(Column::Generation.eq(i64::from(generation)))
}
