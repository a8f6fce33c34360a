//! The conditions of a listing: its filter, and the position that the page begins or ends at.

use crate::domain::listing::{Filter, Page, Position};
use crate::domain::timestamp::Timestamp;
use crate::store::sql::Sql;

use super::index_ranges::Branch;
use super::name_search::Search;
use super::status::has_status;

/// Adds the conditions of a page to the SELECT of one of its branches.
pub(super) fn write(sql: &mut Sql, branch: &Branch, page: &Page, search: Option<&Search>, now: Timestamp) {
    // Every field by name, so that a new one does not compile until its condition is here. `search` is of the name.
    let Filter { status: statuses, name: _, owner, kind } = &page.filter;
    match (branch, statuses) {
        (Branch::Swept(status, _) | Branch::Unswept(status, _), Some(_)) => {
            sql.text(" AND ");
            has_status(sql, *status, now);
        }
        (_, Some(statuses)) => {
            for (number, status) in statuses.iter().enumerate() {
                sql.text(if number == 0 { " AND (" } else { " OR " });
                has_status(sql, *status, now);
            }
            sql.text(")");
        }
        (_, None) => {}
    }
    if let (false, Some(kind)) = (matches!(branch, Branch::Swept(..)), kind) {
        sql.push(" AND api_token.kind = ?", [kind.as_str().into()]);
    }
    if let Some(owner) = owner {
        sql.push(" AND api_token.owner = ?", [owner.clone().into()]);
    }
    if let Some(search) = search {
        search.write_condition(sql);
    }
    if let Some(position) = &page.after {
        beyond(sql, position, page.order.descending);
    }
    if let Some(position) = &page.before {
        beyond(sql, position, !page.order.descending);
    }
}

/// Adds the condition that a row is after a position, or before it if `descending`.
fn beyond(sql: &mut Sql, position: &Position, descending: bool) {
    let past = if descending { "<" } else { ">" };
    let id = position.id.to_string();
    match &position.name {
        None => sql.push(&format!(" AND api_token.id {past} ?"), [id.into()]),
        Some(name) => {
            sql.push(&format!(" AND (api_token.name, api_token.id) {past} (?, ?)"), [name.clone().into(), id.into()])
        }
    };
}
