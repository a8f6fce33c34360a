//! What a page is ordered by, apart from the ids: names, and the sort keys that housekeeping writes into a table of their own.
//!
//! The indexes of that table cost no creation, rotation or use of a token anything. A token that has no sort keys yet is found by a partial
//! index, as one is whose status was not written yet.

use std::collections::BTreeSet;

use crate::domain::listing::{Filter, OrderField, SortKey};
use crate::domain::rule::lifecycle::Status;
use crate::domain::timestamp::Timestamp;
use crate::store::sql::Sql;

use super::status::BY_ID;
use super::walk::range::KeyBounds;

/// The statuses of tokens that neither expired nor missed a rotation, but for the revoked ones.
const NOT_OVER: [Status; 3] = [Status::Active, Status::Suspended, Status::NotYetValid];
/// Those of tokens that did not expire.
const NOT_EXPIRED: [Status; 4] = [Status::Active, Status::Suspended, Status::NotYetValid, Status::RotationOverdue];

/// Adds a FROM and the beginning of a WHERE for tokens that have no sort keys yet.
pub(super) fn write_unsorted(sql: &mut Sql) -> &mut Sql {
    sql.table_by("api_token", "api_token_unsorted_idx").text("NOT has_sort_keys").end_table("api_token", None)
}

/// Joins the token with this id to each row of the table before, and begins a WHERE.
pub(super) fn join_token<'a>(sql: &'a mut Sql, id: &str) -> &'a mut Sql {
    if sql.is_postgres() {
        // An optimisation fence: with an OFFSET, PostgreSQL reads the table before in its order. It might begin with the tokens instead.
        return sql.text(&format!(
            " CROSS JOIN LATERAL (SELECT * FROM api_token WHERE api_token.id = {id} OFFSET 0) AS api_token WHERE 1 = 1"
        ));
    }
    sql.text(" CROSS JOIN api_token").indexed_by(BY_ID).text(&format!(" WHERE api_token.id = {id}"))
}

/// The index of the sort keys in this order.
pub(super) fn index(field: OrderField) -> &'static str {
    match field {
        OrderField::LastUsedAt => "api_token_sort_key_last_used_at_idx",
        OrderField::RotateBy => "api_token_sort_key_rotate_by_idx",
        OrderField::ExpiresAt | OrderField::CreatedAt | OrderField::Name => "api_token_sort_key_expires_at_idx",
    }
}

/// The bounds of a filter for the sort key of this order. Before the tokens that still work come all those that ended, which may be many.
pub(super) fn bounds(field: OrderField, filter: &Filter, now: Timestamp) -> KeyBounds {
    let all = |are: &[Status]| {
        let is = |statuses: &BTreeSet<Status>| statuses.iter().all(|status| are.contains(status));
        filter.status.as_ref().is_some_and(is).then_some(now.unix_millis().saturating_add(1))
    };
    let millis = |at: Option<Timestamp>| at.map(Timestamp::unix_millis);
    match field {
        OrderField::ExpiresAt => {
            // A token that never expires does not expire after any time.
            let never = filter.expires_after.map(|_| SortKey::NEVER);
            let limits = [millis(filter.expires_before), never, all(&[Status::Expired])];
            (millis(filter.expires_after).max(all(&NOT_EXPIRED)), limits.into_iter().flatten().min())
        }
        OrderField::RotateBy => {
            let limits = [millis(filter.rotate_by_before), all(&[Status::RotationOverdue])];
            (all(&NOT_OVER), limits.into_iter().flatten().min())
        }
        OrderField::LastUsedAt => (None, millis(filter.unused_since)),
        OrderField::CreatedAt | OrderField::Name => (None, None),
    }
}

/// Adds the condition that a token is not among those of [`write_rotating`].
pub(super) fn write_not_rotating(sql: &mut Sql) -> &mut Sql {
    sql.text(
        " AND (SELECT due.overdue_at FROM api_token_value AS due
          WHERE due.token_id = api_token.id AND due.generation = api_token.generation) IS NULL",
    )
}

/// The column of the sort key of this order.
pub(super) fn column(field: OrderField) -> &'static str {
    match field {
        OrderField::LastUsedAt => "sorted.last_used_at",
        OrderField::RotateBy => "sorted.rotate_by",
        OrderField::ExpiresAt | OrderField::CreatedAt | OrderField::Name => "sorted.expires_at",
    }
}

/// What a token is ordered by besides its id, wherever it is found; `None` in the order of the ids.
pub(super) fn key(field: OrderField) -> Option<String> {
    let (never, not_yet) = (SortKey::NEVER, SortKey::NOT_YET);
    match field {
        OrderField::CreatedAt => None,
        OrderField::Name => Some("api_token.name".into()),
        OrderField::ExpiresAt => Some(format!("coalesce(api_token.expires_at, {never})")),
        OrderField::RotateBy => Some(format!(
            "coalesce(api_token.rotation_period_minutes * 60000 + (SELECT latest.created_at FROM api_token_value AS latest
             WHERE latest.token_id = api_token.id AND latest.generation = api_token.generation), {never})"
        )),
        // Not the last use itself: a token must have the same position on every page.
        OrderField::LastUsedAt => Some(format!(
            "coalesce((SELECT kept.last_used_at FROM api_token_sort_key AS kept WHERE kept.token_id = api_token.id),
             api_token.last_used_at, {not_yet})"
        )),
    }
}
