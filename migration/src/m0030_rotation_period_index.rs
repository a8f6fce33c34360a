//! An index by which the different rotation periods are found, to announce rotations that fall due. Its column never changes, so that no
//! change of a token writes to it.
//!
//! On PostgreSQL every change to a token waits meanwhile; reading goes on.

use crate::statements::Statements;

pub(crate) const MIGRATION: Statements = Statements {
    name: "m0030_rotation_period_index_usable_from_m0011",
    up: &[
        "CREATE INDEX api_token_rotation_period_idx ON api_token (rotation_period_minutes) WHERE rotation_period_minutes IS NOT NULL",
    ],
    down: &["DROP INDEX api_token_rotation_period_idx"],
};
