//! Drops the indexes of the audit log that others have replaced. They served until now; nobody can read the log while one is
//! dropped, so this is a step of its own.

use crate::statements::Statements;

pub(crate) const MIGRATION: Statements = Statements {
    name: "m0011_old_event_indexes",
    up: &[
        "DROP INDEX audit_event_token_id_idx",
        // The moment of an event is in its id, which sorts by it.
        "DROP INDEX audit_event_at_idx",
    ],
    down: &[
        "CREATE INDEX audit_event_token_id_idx ON audit_event (token_id, id)",
        "CREATE INDEX audit_event_at_idx ON audit_event (at)",
    ],
};
