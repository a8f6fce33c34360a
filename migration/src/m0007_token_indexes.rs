//! Indexes by which every filter and order of a listing of tokens is read in order, so that a page costs what it holds and not
//! what it skips.
//!
//! An index that begins with status and kind is also read where neither is asked for: as many ranges as there are pairs are
//! merged.
//!
//! On PostgreSQL every change to a token waits meanwhile; reading goes on. Indexes of other tables are steps of their own, so
//! that no step waits for one table while it keeps another.

use crate::statements::Statements;

pub(crate) const MIGRATION: Statements = Statements {
    name: "m0007_token_indexes",
    up: &[
        "CREATE INDEX api_token_listed_idx ON api_token (swept_status, kind, id)",
        "CREATE INDEX api_token_listed_name_idx ON api_token (swept_status, kind, name, id)",
        "CREATE INDEX api_token_owner_idx ON api_token (owner, swept_status, kind, id) WHERE owner IS NOT NULL",
        "CREATE INDEX api_token_owner_name_idx ON api_token (owner, swept_status, kind, name, id) WHERE owner IS NOT NULL",
        // What housekeeping has not come to yet.
        "CREATE INDEX api_token_unswept_revoked_idx ON api_token (id) WHERE revoked_at IS NOT NULL AND swept_status <> 'REVOKED'",
        "CREATE INDEX api_token_unswept_expires_at_idx ON api_token (expires_at)
     WHERE expires_at IS NOT NULL AND swept_status IN ('ACTIVE', 'ROTATION_OVERDUE')",
    ],
    down: &[
        "DROP INDEX api_token_listed_idx",
        "DROP INDEX api_token_listed_name_idx",
        "DROP INDEX api_token_owner_idx",
        "DROP INDEX api_token_owner_name_idx",
        "DROP INDEX api_token_unswept_revoked_idx",
        "DROP INDEX api_token_unswept_expires_at_idx",
    ],
};
