//! Rows of `api_token_value`: one a generation, with the hash of the secret and the facts of its life.

use sea_orm::entity::prelude::*;

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
pub enum Relation {
    #[sea_orm(belongs_to = "super::api_token::Entity", from = "Column::TokenId", to = "super::api_token::Column::Id")]
    Token,
}

impl Related<super::api_token::Entity> for Entity {
    fn to() -> RelationDef {
        Relation::Token.def()
    }
}

impl ActiveModelBehavior for ActiveModel {}
