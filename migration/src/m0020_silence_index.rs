//! An index by which housekeeping finds tokens whose previous value may have fallen silent. Its columns never change, so that no change of a
//! token writes to it.
//!
//! On PostgreSQL every change to a token waits meanwhile; reading goes on.

use crate::statements::Statements;

pub(crate) const MIGRATION: Statements = Statements {
    name: "m0020_silence_index_usable_from_m0011",
    up: &["CREATE INDEX api_token_when_silent_idx ON api_token (id) WHERE overlap_ends = 'WHEN_SILENT'"],
    down: &["DROP INDEX api_token_when_silent_idx"],
};
