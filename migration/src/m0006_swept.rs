//! Fills the new columns of what was there before.
//!
//! On PostgreSQL a change to one of these rows waits until this is committed; reading goes on. What a replica of an older version
//! writes after that is found by housekeeping.

use crate::statements::Statements;

pub(crate) const MIGRATION: Statements = Statements {
    name: "m0006_swept",
    up: &[
        "UPDATE api_token SET swept_status = 'REVOKED' WHERE revoked_at IS NOT NULL",
        "UPDATE api_token_value SET overdue_at = created_at + 60000 *
         (SELECT rotation_period_minutes FROM api_token WHERE api_token.id = api_token_value.token_id)
     WHERE replaced_at IS NULL AND token_id IN (SELECT id FROM api_token WHERE rotation_period_minutes IS NOT NULL)",
    ],
    // The columns go with the steps that added them.
    down: &[],
};
