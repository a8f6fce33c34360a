//! Indexes by which every filter of the audit log is read in order.
//!
//! On PostgreSQL every change waits meanwhile, because it adds an event; reading goes on.

use crate::statements::Statements;

pub(crate) const MIGRATION: Statements = Statements {
    name: "m0009_event_indexes",
    up: &[
        "CREATE INDEX audit_event_action_idx ON audit_event (action, id)",
        "CREATE INDEX audit_event_token_idx ON audit_event (token_id, action, id) WHERE token_id IS NOT NULL",
        "CREATE INDEX audit_event_actor_idx ON audit_event (actor, action, id) WHERE actor IS NOT NULL",
    ],
    down: &[
        "DROP INDEX audit_event_action_idx",
        "DROP INDEX audit_event_token_idx",
        "DROP INDEX audit_event_actor_idx",
    ],
};
