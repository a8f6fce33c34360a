//! An index by which housekeeping and listings find tokens that have become valid.
//!
//! On PostgreSQL every change to a token waits meanwhile; reading goes on.

use crate::statements::Statements;

pub(crate) const MIGRATION: Statements = Statements {
    name: "m0016_not_before_index_usable_from_m0011",
    up: &["CREATE INDEX api_token_unswept_not_before_idx ON api_token (not_before)
     WHERE not_before IS NOT NULL AND swept_status = 'NOT_YET_VALID'"],
    down: &["DROP INDEX api_token_unswept_not_before_idx"],
};
