//! An index by which the oldest delivery that waits for a webhook is found, however many wait.
//!
//! On PostgreSQL whatever writes a notice waits meanwhile; reading goes on.

use crate::statements::Statements;

pub(crate) const MIGRATION: Statements = Statements {
    name: "m0032_pending_delivery_index_usable_from_m0011",
    up: &["CREATE INDEX webhook_delivery_pending_idx ON webhook_delivery (webhook_id, created_at)
         WHERE delivered_at IS NULL AND dead_at IS NULL"],
    down: &["DROP INDEX webhook_delivery_pending_idx"],
};
