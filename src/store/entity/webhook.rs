//! Rows of `webhook`.

use std::fmt;

use sea_orm::DeriveValueType;
use sea_orm::entity::prelude::*;

/// A key that messages are signed with. It prints nothing.
#[derive(Clone, PartialEq, Eq, DeriveValueType)]
pub struct Key(pub Vec<u8>);

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "webhook")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub url: String,
    pub description: Option<String>,
    pub kinds: String,
    pub owners: String,
    pub created_at: i64,
    pub created_by: Option<String>,
    pub updated_at: Option<i64>,
    pub updated_by: Option<String>,
    pub disabled_at: Option<i64>,
    pub disabled_because: Option<String>,
    pub hmac_key: Key,
    pub ed25519_seed: Key,
    pub previous_hmac_key: Option<Key>,
    pub previous_ed25519_seed: Option<Key>,
    pub previous_until: Option<i64>,
    pub last_success_at: Option<i64>,
    pub last_failure_at: Option<i64>,
    pub last_failure: Option<String>,
    pub failing_since: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
