//! What a page is ordered by, apart from the ids: names, and the sort keys that housekeeping writes into a table of their own.
//!
//! The indexes of that table cost no creation, rotation or use of a token anything. A token that has no sort keys yet is found by a partial
//! index, as one is whose status was not written yet.

use crate::domain::listing::{Filter, OrderField, SortKey};
use crate::domain::timestamp::Timestamp;
use crate::store::sql::Sql;

use super::status::BY_ID;

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

/// Adds a FROM and the beginning of a WHERE for tokens in the order of a sort key, and the bounds that the filter has for that key.
pub(super) fn write_sorted<'a>(sql: &'a mut Sql, field: OrderField, filter: &Filter) -> &'a mut Sql {
    let (index, condition) = match field {
        OrderField::LastUsedAt => ("api_token_sort_key_last_used_at_idx", ""),
        OrderField::RotateBy => ("api_token_sort_key_rotate_by_idx", " AND sorted.rotate_by IS NOT NULL"),
        OrderField::ExpiresAt | OrderField::CreatedAt | OrderField::Name => ("api_token_sort_key_expires_at_idx", ""),
    };
    sql.text("api_token_sort_key AS sorted").indexed_by(index);
    join_token(sql, "sorted.token_id").text(condition);
    let (least, limit) = match field {
        // A token that never expires does not expire after any time.
        OrderField::ExpiresAt if filter.expires_after.is_some() => {
            (filter.expires_after, filter.expires_before.or(Some(Timestamp::from_unix_millis(SortKey::NEVER))))
        }
        OrderField::ExpiresAt => (None, filter.expires_before),
        OrderField::RotateBy => (None, filter.rotate_by_before),
        OrderField::LastUsedAt => (None, filter.unused_since),
        OrderField::CreatedAt | OrderField::Name => (None, None),
    };
    if let Some(least) = least {
        sql.push(&format!(" AND {} >= ?", column(field)), [least.unix_millis().into()]);
    }
    if let Some(limit) = limit {
        sql.push(&format!(" AND {} < ?", column(field)), [limit.unix_millis().into()]);
    }
    sql
}

/// Adds a FROM and the beginning of a WHERE for tokens whose rotation period had not ended when housekeeping last looked, in the order of
/// its end.
pub(super) fn write_rotating<'a>(sql: &'a mut Sql, filter: &Filter) -> &'a mut Sql {
    sql.text("api_token_value AS due").indexed_by("api_token_value_overdue_at_idx");
    join_token(sql, "due.token_id").text(" AND due.overdue_at IS NOT NULL AND due.replaced_at IS NULL");
    match filter.rotate_by_before {
        Some(limit) => sql.push(" AND due.overdue_at < ?", [limit.unix_millis().into()]),
        None => sql,
    }
}

/// Adds the condition that a token is not among those of [`write_rotating`].
pub(super) fn write_not_rotating(sql: &mut Sql) -> &mut Sql {
    sql.text(
        " AND (SELECT due.overdue_at FROM api_token_value AS due
          WHERE due.token_id = api_token.id AND due.generation = api_token.generation) IS NULL",
    )
}

/// The column of [`write_sorted`] by which it is ordered.
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
