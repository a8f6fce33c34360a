//! The SQL of `domain::rule::lifecycle::status`, and of the tokens whose status has changed since housekeeping last wrote it. A
//! test compares the two at every boundary.

use sea_orm::Value;

use crate::domain::rule::lifecycle::Status;
use crate::domain::timestamp::Timestamp;
use crate::store::sql::Sql;

/// SQLite's own name for the index of the primary key.
pub(super) const BY_ID: &str = "sqlite_autoindex_api_token_1";

const REVOKED: &str = "api_token.revoked_at IS NOT NULL";
const EXPIRED: &str = "(api_token.expires_at IS NOT NULL AND api_token.expires_at <= ?)";
const OVERDUE: &str = "(api_token.rotation_period_minutes IS NOT NULL AND api_token.rotation_period_minutes * 60000 + \
    (SELECT latest.created_at FROM api_token_value AS latest \
     WHERE latest.token_id = api_token.id AND latest.generation = api_token.generation) <= ?)";

/// Adds the condition that a token has this status.
pub(in crate::store) fn has_status(sql: &mut Sql, status: Status, now: Timestamp) {
    let now = || Value::from(now.unix_millis());
    match status {
        Status::Revoked => sql.text(&format!("({REVOKED})")),
        Status::Expired => sql.push(&format!("(NOT {REVOKED} AND {EXPIRED})"), [now()]),
        Status::RotationOverdue => {
            sql.push(&format!("(NOT {REVOKED} AND NOT {EXPIRED} AND {OVERDUE})"), [now(), now()])
        }
        Status::Active => sql.push(&format!("(NOT {REVOKED} AND NOT {EXPIRED} AND NOT {OVERDUE})"), [now(), now()]),
    };
}

/// Adds a FROM and the beginning of a WHERE for tokens that may have this status, although housekeeping last wrote another. They
/// are few, because housekeeping runs every minute, and each status has a partial index for them.
pub(in crate::store) fn is_unswept(sql: &mut Sql, status: Status, now: Timestamp) -> &mut Sql {
    match status {
        Status::Active => sql.text("api_token WHERE 1 = 0"),
        Status::Revoked => sql
            .table_by("api_token", "api_token_unswept_revoked_idx")
            .push("revoked_at IS NOT NULL AND swept_status <> 'REVOKED'", [])
            .end_table("api_token", None),
        Status::Expired => sql
            .table_by("api_token", "api_token_unswept_expires_at_idx")
            .push(
                "expires_at IS NOT NULL AND swept_status IN ('ACTIVE', 'ROTATION_OVERDUE') AND expires_at <= ?",
                [now.unix_millis().into()],
            )
            .end_table("api_token", None),
        Status::RotationOverdue => is_due(sql, now).text(" AND api_token.swept_status = 'ACTIVE'"),
    }
}

/// Adds a FROM and the beginning of a WHERE for tokens whose rotation period may have ended by this time.
pub(in crate::store) fn is_due(sql: &mut Sql, at: Timestamp) -> &mut Sql {
    sql.table_by("api_token_value", "api_token_value_overdue_at_idx")
        .push("overdue_at IS NOT NULL AND replaced_at IS NULL AND overdue_at <= ?", [at.unix_millis().into()])
        .end_table("due CROSS JOIN api_token", Some(BY_ID))
        .text(" AND api_token.id = due.token_id")
}
