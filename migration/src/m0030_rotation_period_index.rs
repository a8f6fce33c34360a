//! An index by which the different rotation periods are found, to announce rotations that fall due. Its column never changes, so that no
//! change of a token writes to it. Its condition is one that no listing has: with `IS NOT NULL`, PostgreSQL combines it with another index
//! in a listing by status, and reads every token with a period.
//!
//! On PostgreSQL every change to a token waits meanwhile; reading goes on.

use crate::statements::Statements;

pub(crate) const MIGRATION: Statements = Statements {
    name: "m0030_rotation_period_index_usable_from_m0011",
    up: &[
        "CREATE INDEX api_token_rotation_period_idx ON api_token (rotation_period_minutes) WHERE rotation_period_minutes > 0",
    ],
    down: &["DROP INDEX api_token_rotation_period_idx"],
};
