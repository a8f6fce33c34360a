//! Rows of `api_token`: the lasting identity and its settings.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "api_token")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub name: String,
    pub description: Option<String>,
    pub owner: Option<String>,
    pub kind: String,
    pub permissions: String,
    pub scopes: String,
    pub expires_at: Option<i64>,
    pub rotation_period_minutes: Option<i64>,
    pub overlap_minutes: i64,
    pub overlap_starts: String,
    pub allowed_cidr_blocks: String,
    pub allowed_origins: String,
    pub on_reuse: String,
    pub protected: bool,
    pub generation: i64,
    pub previous_generation: Option<i64>,
    pub created_at: i64,
    pub created_by: Option<String>,
    pub updated_at: Option<i64>,
    pub updated_by: Option<String>,
    pub last_used_at: Option<i64>,
    pub revoked_at: Option<i64>,
    pub swept_status: String,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
