//! An index by which housekeeping and listings find suspended tokens that have expired.
//!
//! On PostgreSQL every change to a token waits meanwhile; reading goes on.

use crate::statements::Statements;

pub(crate) const MIGRATION: Statements = Statements {
    name: "m0014_suspended_index_usable_from_m0011",
    up: &["CREATE INDEX api_token_unswept_suspended_idx ON api_token (expires_at)
     WHERE expires_at IS NOT NULL AND swept_status = 'SUSPENDED'"],
    down: &["DROP INDEX api_token_unswept_suspended_idx"],
};
