//! An index of the tokens that have no sort keys yet. Housekeeping writes the keys and takes a token out of it.
//!
//! On PostgreSQL every change to a token waits meanwhile; reading goes on.

use crate::statements::Statements;

pub(crate) const MIGRATION: Statements = Statements {
    name: "m0022_unsorted_index_usable_from_m0011",
    up: &["CREATE INDEX api_token_unsorted_idx ON api_token (id) WHERE NOT has_sort_keys"],
    down: &["DROP INDEX api_token_unsorted_idx"],
};
