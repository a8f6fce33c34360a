//! Indexes by which housekeeping finds values: those overdue, those that have been retired for long, and the retired ones
//! without a date. Listings find overdue tokens by the first, too.
//!
//! On PostgreSQL every change to a value waits meanwhile; reading goes on.

use crate::statements::Statements;

pub(crate) const MIGRATION: Statements = Statements {
    name: "m0008_value_indexes",
    up: &[
        "CREATE INDEX api_token_value_overdue_at_idx ON api_token_value (overdue_at)
     WHERE overdue_at IS NOT NULL AND replaced_at IS NULL",
        "CREATE INDEX api_token_value_retires_at_idx ON api_token_value (retires_at) WHERE retires_at IS NOT NULL",
        // Those whose overlap begins with the first use of the next value, and those whose overlap was ended at once.
        "CREATE INDEX api_token_value_undated_idx ON api_token_value (token_id)
     WHERE replaced_at IS NOT NULL AND retires_at IS NULL",
    ],
    down: &[
        "DROP INDEX api_token_value_overdue_at_idx",
        "DROP INDEX api_token_value_retires_at_idx",
        "DROP INDEX api_token_value_undated_idx",
    ],
};
