//! Rows of `webhook_delivery`: the outbox.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "webhook_delivery")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub number: i64,
    pub webhook_id: String,
    pub notice_id: String,
    pub kind: String,
    pub token_id: Option<String>,
    pub body: String,
    pub created_at: i64,
    pub first_attempt_at: Option<i64>,
    pub next_attempt_at: i64,
    pub attempts: i64,
    pub claim: Option<String>,
    pub claimed_until: Option<i64>,
    pub delivered_at: Option<i64>,
    pub dead_at: Option<i64>,
    pub last_status: Option<i64>,
    pub last_error: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
