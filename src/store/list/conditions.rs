//! The conditions of a listing: its filter.

use sea_orm::Value;

use crate::domain::listing::{Filter, Page};
use crate::domain::timestamp::Timestamp;
use crate::store::sql::Sql;

use super::index_ranges::{self, Branch};
use super::name_search::Search;
use super::status::{ends_before, has_status};

/// The previous value of a token, while its overlap lasts. The conditions that follow are on `previous`.
const OVERLAPPING: &str = "EXISTS (SELECT 1 FROM api_token_value AS previous WHERE previous.token_id = api_token.id
    AND previous.generation = api_token.previous_generation AND (previous.retires_at IS NULL OR previous.retires_at > ?)";

/// Adds the conditions of a page to the SELECT of one of its branches.
pub(super) fn write(sql: &mut Sql, branch: &Branch, page: &Page, searches: &[Search], now: Timestamp) {
    write_status(sql, branch, page, now);
    write_settings(sql, branch, &page.filter);
    write_times(sql, &page.filter, now);
    searches.iter().for_each(|search| search.write_condition(sql));
}

fn write_status(sql: &mut Sql, branch: &Branch, page: &Page, now: Timestamp) {
    match (branch, &page.filter.status) {
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
}

fn write_settings(sql: &mut Sql, branch: &Branch, filter: &Filter) {
    if let (false, Some(kind)) = (matches!(branch, Branch::Swept(..)), filter.kind) {
        sql.push(" AND api_token.kind = ?", [kind.as_str().into()]);
    }
    if let (false, Some(owner)) = (matches!(branch, Branch::Swept(..)), &filter.owner) {
        sql.push(" AND api_token.owner = ?", [owner.clone().into()]);
    }
    if let Some(scope) = &filter.scope {
        has_word(sql, "scopes", scope.as_str());
    }
    if let Some(permission) = filter.permission {
        has_word(sql, "permissions", permission.as_str());
    }
    for (key, value) in index_ranges::pairs(filter) {
        let condition = " AND EXISTS (SELECT 1 FROM api_token_metadata AS pair
            WHERE pair.key = ? AND pair.value = ? AND pair.token_id = api_token.id)";
        sql.push(condition, [key.into(), value.into()]);
    }
    if let Some(creator) = filter.created_by {
        sql.push(" AND api_token.created_by = ?", [creator.to_string().into()]);
    }
}

/// Adds the condition that a list, which has spaces between its words, has this word.
fn has_word(sql: &mut Sql, list: &str, word: &str) {
    let position = if sql.is_postgres() { "strpos" } else { "instr" };
    sql.push(&format!(" AND {position}(' ' || api_token.{list} || ' ', ?) > 0"), [format!(" {word} ").into()]);
}

fn write_times(sql: &mut Sql, filter: &Filter, now: Timestamp) {
    // Every field by name, so that a new one does not compile until its condition is here or above. `name` and `text` are searched for.
    let Filter {
        status: _,
        name: _,
        text: _,
        owner: _,
        kind: _,
        scope: _,
        permission: _,
        created_by: _,
        metadata: _,
        expires_after,
        expires_before,
        rotate_by_before,
        unused_since,
        overlap_running,
        previous_value_used_within_minutes,
    } = filter;
    let millis = |at: &Timestamp| Value::from(at.unix_millis());
    if let Some(at) = expires_after {
        sql.push(" AND api_token.expires_at >= ?", [millis(at)]);
    }
    if let Some(at) = expires_before {
        sql.push(" AND api_token.expires_at < ?", [millis(at)]);
    }
    if let Some(at) = rotate_by_before {
        sql.text(" AND ");
        ends_before(sql, *at);
    }
    if let Some(at) = unused_since {
        let condition =
            " AND api_token.created_at < ? AND (api_token.last_used_at IS NULL OR api_token.last_used_at < ?)";
        sql.push(condition, [millis(at), millis(at)]);
    }
    if let Some(running) = overlap_running {
        sql.text(if *running { " AND " } else { " AND NOT " });
        sql.push(OVERLAPPING, [millis(&now)]).text(")");
    }
    if let Some(minutes) = previous_value_used_within_minutes {
        let since = now.minus_minutes(*minutes);
        sql.text(" AND ").push(OVERLAPPING, [millis(&now)]);
        // The first use is written at once, and later ones in batches. The rotation itself is a use at its own time, which does not count.
        sql.push(
            " AND (previous.last_used_at >= ? AND previous.last_used_at > previous.replaced_at
              OR previous.first_used_at >= ? AND previous.first_used_at > previous.replaced_at))",
            [millis(&since), millis(&since)],
        );
    }
}
