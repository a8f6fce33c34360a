//! The SQL of `domain::rule::lifecycle::status`, and of the tokens whose status has changed since housekeeping last wrote it. A
//! test compares the two at every boundary.

use sea_orm::Value;

use crate::domain::rule::lifecycle::Status;
use crate::domain::timestamp::Timestamp;
use crate::store::sql::Sql;

/// SQLite's own name for the index of the primary key.
pub(super) const BY_ID: &str = "sqlite_autoindex_api_token_1";

const REVOKED: &str = "api_token.revoked_at IS NOT NULL";
const SUSPENDED: &str = "api_token.suspended_at IS NOT NULL";
const NOT_YET_VALID: &str = "(api_token.not_before IS NOT NULL AND api_token.not_before > ?)";
const EXPIRED: &str = "(api_token.expires_at IS NOT NULL AND api_token.expires_at <= ?)";
const OVERDUE: &str = "(api_token.rotation_period_minutes IS NOT NULL AND api_token.rotation_period_minutes * 60000 + \
    (SELECT latest.created_at FROM api_token_value AS latest \
     WHERE latest.token_id = api_token.id AND latest.generation = api_token.generation) <= ?)";

/// Adds the condition that the rotation period of a token ends before this time.
pub(super) fn ends_before(sql: &mut Sql, at: Timestamp) {
    sql.push(OVERDUE, [Value::from(at.unix_millis().saturating_sub(1))]);
}

/// Adds the condition that a token has this status.
pub(in crate::store) fn has_status(sql: &mut Sql, status: Status, now: Timestamp) {
    let now = || Value::from(now.unix_millis());
    match status {
        Status::Revoked => sql.text(&format!("({REVOKED})")),
        Status::Expired => sql.push(&format!("(NOT {REVOKED} AND {EXPIRED})"), [now()]),
        Status::RotationOverdue => {
            sql.push(&format!("(NOT {REVOKED} AND NOT {EXPIRED} AND {OVERDUE})"), [now(), now()])
        }
        Status::Suspended => {
            sql.push(&format!("(NOT {REVOKED} AND NOT {EXPIRED} AND NOT {OVERDUE} AND {SUSPENDED})"), [now(), now()])
        }
        Status::NotYetValid => sql.push(
            &format!("(NOT {REVOKED} AND NOT {EXPIRED} AND NOT {OVERDUE} AND NOT {SUSPENDED} AND {NOT_YET_VALID})"),
            [now(), now(), now()],
        ),
        Status::Active => sql.push(
            &format!("(NOT {REVOKED} AND NOT {EXPIRED} AND NOT {OVERDUE} AND NOT {SUSPENDED} AND NOT {NOT_YET_VALID})"),
            [now(), now(), now()],
        ),
    };
}

/// Tokens that may have reached a status since housekeeping last wrote theirs. They are few, because housekeeping runs every minute,
/// and each kind of them has a partial index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum Unswept {
    /// Those that were revoked.
    Revoked,
    /// Those that expired while they were active or overdue.
    Expired,
    /// Those that expired while they were suspended.
    ExpiredSuspended,
    /// Those whose rotation period ended while they were active, suspended or not valid yet.
    Overdue,
    /// Those that were not valid yet, and whose `not_before` has passed. Since then, they may also have expired.
    Begun,
}

impl Unswept {
    /// Those that may have this status.
    pub(in crate::store) fn reaching(status: Status) -> &'static [Self] {
        match status {
            // No token reaches these because time passes. What changes it writes the status, too.
            Status::Suspended | Status::NotYetValid => &[],
            Status::Active => &[Self::Begun],
            Status::Expired => &[Self::Expired, Self::ExpiredSuspended, Self::Begun],
            Status::RotationOverdue => &[Self::Overdue],
            Status::Revoked => &[Self::Revoked],
        }
    }

    /// Adds a FROM and the beginning of a WHERE for these tokens.
    pub(in crate::store) fn write(self, sql: &mut Sql, now: Timestamp) -> &mut Sql {
        let (index, condition, limit) = match self {
            Self::Overdue => {
                return is_due(sql, now)
                    .text(" AND api_token.swept_status IN ('ACTIVE', 'SUSPENDED', 'NOT_YET_VALID')");
            }
            Self::Revoked => {
                let condition = "revoked_at IS NOT NULL AND swept_status <> 'REVOKED'";
                return sql
                    .table_by("api_token", "api_token_unswept_revoked_idx")
                    .text(condition)
                    .end_table("api_token", None);
            }
            Self::Expired => {
                ("api_token_unswept_expires_at_idx", "swept_status IN ('ACTIVE', 'ROTATION_OVERDUE')", "expires_at")
            }
            Self::ExpiredSuspended => ("api_token_unswept_suspended_idx", "swept_status = 'SUSPENDED'", "expires_at"),
            Self::Begun => ("api_token_unswept_not_before_idx", "swept_status = 'NOT_YET_VALID'", "not_before"),
        };
        let condition = format!("{limit} IS NOT NULL AND {condition} AND {limit} <= ?");
        sql.table_by("api_token", index).push(&condition, [now.unix_millis().into()]).end_table("api_token", None)
    }
}

/// Adds a FROM and the beginning of a WHERE for tokens whose rotation period may have ended by this time.
pub(in crate::store) fn is_due(sql: &mut Sql, at: Timestamp) -> &mut Sql {
    sql.table_by("api_token_value", "api_token_value_overdue_at_idx")
        .push("overdue_at IS NOT NULL AND replaced_at IS NULL AND overdue_at <= ?", [at.unix_millis().into()])
        .end_table("due CROSS JOIN api_token", Some(BY_ID))
        .text(" AND api_token.id = due.token_id")
}
