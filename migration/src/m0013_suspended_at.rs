//! Since when a token is suspended; null for most.
//!
//! Nothing here takes long, because no token can be read meanwhile. A version that does not know the column must not accept a suspended
//! token. The list of its networks has a word that such a version cannot read.

use crate::statements::Statements;

pub(crate) const MIGRATION: Statements = Statements {
    name: "m0013_suspended_at_usable_from_m0011",
    up: &["ALTER TABLE api_token ADD COLUMN suspended_at BIGINT"],
    down: &["ALTER TABLE api_token DROP COLUMN suspended_at"],
};
