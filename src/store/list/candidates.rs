//! The tokens that can match a filter at all, if they are few.
//!
//! A condition that few tokens meet is looked up in its own index, which returns them in no useful order. So up to [`MAX_FOUND`] ids are
//! read from it. If there are no more, these tokens are read and sorted. If there are, the listing is read in its order, where tokens that
//! meet a frequent condition turn up soon.

use sea_orm::{ConnectionTrait, DbBackend, Statement};

use crate::domain::id::TokenId;
use crate::domain::listing::{Filter, Order, OrderField, Page, SortKey};
use crate::domain::timestamp::Timestamp;
use crate::store::Error;
use crate::store::sql::Sql;

use super::name_search::Search;
use super::{conditions, index_ranges, sort_keys};

/// Up to how many tokens are read and sorted.
const MAX_FOUND: u32 = 2_000;

/// A condition with an index.
enum Lookup<'a> {
    Text(&'a Search),
    PreviousUsed(u32),
    OverlapRunning,
    CreatedBy,
    Granted(String),
    Pair(&'a str, &'a str),
    RotateBy,
    Expires,
    UnusedSince,
    /// By status, kind and owner.
    Narrowed,
}

/// The ids of all tokens that can match, with spaces between them; `None` if they may be many.
pub(super) async fn find(
    connection: &impl ConnectionTrait,
    page: &Page,
    searches: &[Search],
    now: Timestamp,
) -> Result<Option<String>, Error> {
    let backend = connection.get_database_backend();
    let most = usize::try_from(most(page)).unwrap_or(usize::MAX);
    for statement in statements(backend, page, searches, now) {
        let row = connection.query_one_raw(statement).await.map_err(|err| Error::of_listing(err, backend))?;
        let found: Option<String> = row.map(|row| row.try_get_by_index(0)).transpose()?.flatten();
        if let Some(ids) = found.filter(|ids| ids.split_ascii_whitespace().count() <= most) {
            return Ok(Some(ids));
        }
    }
    Ok(None)
}

/// How many tokens a lookup for this page may find.
fn most(page: &Page) -> u32 {
    MAX_FOUND.min(page.max_examined)
}

/// The lookups for this page: each returns ids with spaces between them, or NULL if there is no index.
pub(super) fn statements<'a>(
    backend: DbBackend,
    page: &'a Page,
    searches: &'a [Search],
    now: Timestamp,
) -> impl Iterator<Item = Statement> + 'a {
    lookups(page, searches).into_iter().map(move |lookup| lookup.statement(backend, page, now))
}

/// Those that often find few tokens first.
fn lookups<'a>(page: &'a Page, searches: &'a [Search]) -> Vec<Lookup<'a>> {
    let (filter, field) = (&page.filter, page.order.field);
    let narrowed = filter.status.is_some() || filter.kind.is_some() || filter.owner.is_some();
    // The main indexes, of status, kind and owner, are read for such a page anyway.
    let by_main_index = index_ranges::is_by_status_and_kind(page);
    [
        filter.previous_value_used_within_minutes.map(Lookup::PreviousUsed),
        filter.overlap_running.filter(|running| *running).map(|_| Lookup::OverlapRunning),
        filter.created_by.map(|_| Lookup::CreatedBy),
        (narrowed && !by_main_index).then_some(Lookup::Narrowed),
    ]
    .into_iter()
    .flatten()
    .chain(searches.iter().filter(|search| search.can_be_looked_up()).map(Lookup::Text))
    .chain(index_ranges::granted(filter).into_iter().map(Lookup::Granted))
    .chain(index_ranges::pairs(filter).map(|(key, value)| Lookup::Pair(key, value)))
    .chain(filter.rotate_by_before.filter(|_| field != OrderField::RotateBy).map(|_| Lookup::RotateBy))
    .chain(expires(filter).filter(|_| field != OrderField::ExpiresAt).map(|_| Lookup::Expires))
    .chain(filter.unused_since.map(|_| Lookup::UnusedSince))
    .collect()
}

/// The range of expiries that a filter asks for.
fn expires(filter: &Filter) -> Option<(i64, i64)> {
    let (least, limit) = (filter.expires_after, filter.expires_before);
    let millis = |at: Option<Timestamp>, default| at.map_or(default, Timestamp::unix_millis);
    (least.is_some() || limit.is_some()).then(|| (millis(least, 0), millis(limit, i64::MAX)))
}

impl Lookup<'_> {
    fn statement(&self, backend: DbBackend, page: &Page, now: Timestamp) -> Statement {
        let mut sql = Sql::new(backend);
        let ids = if sql.is_postgres() { "string_agg(found.id, ' ')" } else { "group_concat(found.id, ' ')" };
        let index_if_any = if matches!(self, Self::Text(_)) { Search::optional_index(&sql) } else { None };
        sql.text("SELECT ");
        if let Some(index) = index_if_any {
            sql.text(&format!(
                "CASE WHEN (SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('{index}')) THEN "
            ));
        }
        sql.text(&format!("(SELECT coalesce({ids}, '') FROM (SELECT id FROM ("));
        self.write(&mut sql, page, now);
        limit(&mut sql, page).text(") AS part");
        limit(&mut sql, page).text(") AS found)");
        if index_if_any.is_some() {
            sql.text(" END");
        }
        sql.statement()
    }

    fn write(&self, sql: &mut Sql, page: &Page, now: Timestamp) {
        let filter = &page.filter;
        let millis = |at: Option<Timestamp>| at.map_or(i64::MAX, Timestamp::unix_millis);
        match self {
            Self::Text(search) => search.write_lookup(sql),
            Self::PreviousUsed(minutes) => {
                let since = now.minus_minutes(*minutes).unix_millis();
                keyed(sql, "previous_used_at").push(" WHERE previous_used_at >= ?", [since.into()]);
                and_unsorted(sql, page).text(" AND api_token.previous_generation IS NOT NULL");
            }
            Self::OverlapRunning => {
                values(sql, "api_token_value_retires_at_idx")
                    .push("retires_at IS NOT NULL AND retires_at > ?", [now.unix_millis().into()]);
                values(next(sql, page), "api_token_value_undated_idx")
                    .text("replaced_at IS NOT NULL AND retires_at IS NULL");
            }
            Self::CreatedBy => {
                let creator = || filter.created_by.map(|id| id.to_string()).into();
                keyed(sql, "created_by").push(" WHERE created_by = ?", [creator()]);
                and_unsorted(sql, page).push(" AND api_token.created_by = ?", [creator()]);
            }
            Self::Granted(granted) => {
                sql.push("SELECT token_id AS id FROM api_token_grant WHERE granted = ?", [granted.clone().into()]);
            }
            Self::Pair(key, value) => {
                let condition = "SELECT token_id AS id FROM api_token_metadata WHERE key = ? AND value = ?";
                sql.push(condition, [(*key).into(), (*value).into()]);
            }
            Self::RotateBy => {
                let limit = || millis(filter.rotate_by_before).into();
                keyed(sql, "rotate_by").push(" WHERE rotate_by IS NOT NULL AND rotate_by < ?", [limit()]);
                values(next(sql, page), "api_token_value_overdue_at_idx")
                    .push("overdue_at IS NOT NULL AND replaced_at IS NULL AND overdue_at < ?", [limit()]);
                and_unsorted(sql, page).text(" AND api_token.rotation_period_minutes IS NOT NULL");
            }
            Self::Expires => {
                let (least, limit) = expires(filter).unwrap_or((0, i64::MAX));
                keyed(sql, "expires_at")
                    .push(" WHERE expires_at >= ? AND expires_at < ?", [least.into(), limit.into()]);
                and_unsorted(sql, page)
                    .push(" AND api_token.expires_at >= ? AND api_token.expires_at < ?", [least.into(), limit.into()]);
            }
            Self::UnusedSince => {
                let limit = || millis(filter.unused_since).into();
                let first = || filter.unused_since.map(|at| TokenId::first_of(at).to_string()).into();
                let not_yet = SortKey::NOT_YET;
                // Of the unused ones only those that existed.
                keyed(sql, "last_used_at")
                    .push(&format!(" WHERE last_used_at = {not_yet} AND token_id < ?"), [first()]);
                keyed(next(sql, page), "last_used_at")
                    .push(&format!(" WHERE last_used_at > {not_yet} AND last_used_at < ?"), [limit()]);
                and_unsorted(sql, page).push(" AND api_token.id < ?", [first()]);
            }
            Self::Narrowed => {
                let Filter { status, kind, owner, .. } = filter.clone();
                let filter = Filter { status, kind, owner, ..Filter::default() };
                let order = Order::default();
                let narrowed = Page { filter, order, after: None, before: None, ..page.clone() };
                let branches = index_ranges::branches(&narrowed, None);
                sql.text("SELECT id FROM (");
                sql.merge(&branches, "id", u64::from(most(page)) + 1, |sql, branch| {
                    branch.write(sql, &narrowed, None, now);
                    conditions::write(sql, branch, &narrowed, &[], now);
                });
                sql.text(") AS narrowed");
            }
        }
    }
}

fn limit<'a>(sql: &'a mut Sql, page: &Page) -> &'a mut Sql {
    sql.text(&format!(" LIMIT {}", u64::from(most(page)) + 1))
}

/// Begins the next part of a lookup.
fn next<'a>(sql: &'a mut Sql, page: &Page) -> &'a mut Sql {
    limit(sql, page).text(") AS part UNION ALL SELECT id FROM (")
}

/// Begins a part that reads the index of this sort key.
fn keyed<'a>(sql: &'a mut Sql, key: &str) -> &'a mut Sql {
    sql.text("SELECT token_id AS id FROM api_token_sort_key").indexed_by(&format!("api_token_sort_key_{key}_idx"))
}

/// Begins a part that reads this index of values, and its condition.
fn values<'a>(sql: &'a mut Sql, index: &str) -> &'a mut Sql {
    sql.text("SELECT token_id AS id FROM api_token_value").indexed_by(index).text(" WHERE ")
}

/// Begins the next part: the tokens that have no sort keys yet.
fn and_unsorted<'a>(sql: &'a mut Sql, page: &Page) -> &'a mut Sql {
    next(sql, page).text("SELECT api_token.id AS id FROM ");
    sort_keys::write_unsorted(sql)
}
