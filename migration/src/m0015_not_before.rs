//! From when on a token works; null for most.
//!
//! Nothing here takes long, because no token can be read meanwhile. A version that does not know the column must not accept a token that
//! has it. The list of its networks has a word that such a version cannot read.

use crate::statements::Statements;

pub(crate) const MIGRATION: Statements = Statements {
    name: "m0015_not_before_usable_from_m0011",
    up: &["ALTER TABLE api_token ADD COLUMN not_before BIGINT"],
    down: &["ALTER TABLE api_token DROP COLUMN not_before"],
};
