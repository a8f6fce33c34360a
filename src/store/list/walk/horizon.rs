//! The horizon of a page: how far along the order it looks.
//!
//! The tokens that match may all be at the end of the order. So a page looks at a limited number of tokens, whatever its filter is, and ends at
//! the last of them if it has not found enough. The next page goes on from there.

use sea_orm::{ConnectionTrait, DbBackend, Statement};

use crate::domain::id::TokenId;
use crate::domain::listing::{OrderField, Page, Position, SortKey};
use crate::domain::timestamp::Timestamp;
use crate::store::Error;
use crate::store::list::index_ranges::{Branch, branches};
use crate::store::sql::Sql;

use super::range::{Horizon, Range, is_ascending};

/// Finds the horizon of a page; `None` if it may look at all tokens that are left.
///
/// # Errors
/// When the database fails.
pub(in crate::store) async fn find(
    connection: &impl ConnectionTrait,
    page: &Page,
    now: Timestamp,
) -> Result<Option<Horizon>, Error> {
    let backend = connection.get_database_backend();
    let Some(statement) = statement(backend, page, now) else { return Ok(None) };
    let rows = connection.query_all_raw(statement).await.map_err(|err| Error::of_listing(err, backend))?;
    let [last, next] = &rows[..] else { return Ok(None) };
    let key = |row: &sea_orm::QueryResult| {
        Ok::<_, Error>(match page.order.field {
            OrderField::CreatedAt => None,
            OrderField::Name => Some(SortKey::Name(row.try_get_by_index(1)?)),
            OrderField::ExpiresAt | OrderField::RotateBy | OrderField::LastUsedAt => {
                Some(SortKey::Moment(row.try_get_by_index(1)?))
            }
        })
    };
    let id: String = last.try_get_by_index(0)?;
    let position = key(last)?;
    let is_tied = position.is_some() && position == key(next)?;
    Ok(TokenId::parse(&id).map(|id| Horizon { position: Position { key: position, id }, is_tied }))
}

/// The statement that reads the last position and the next one: from the indexes, and in the order of ROTATE_BY from the values.
pub(in crate::store) fn statement(backend: DbBackend, page: &Page, now: Timestamp) -> Option<Statement> {
    let branches = branches(page, None);
    let ordered: Vec<&Branch> = branches.iter().filter(|branch| branch.is_ordered()).collect();
    if ordered.is_empty() || page.max_examined == 0 {
        return None;
    }
    let direction = if is_ascending(page) { "ASC" } else { "DESC" };
    let order = match page.order.field {
        OrderField::CreatedAt => format!(" ORDER BY id {direction}"),
        _ => format!(" ORDER BY key {direction}, id {direction}"),
    };
    let range_of = |branch: &Branch| Range::of(page, None, branch.bounds(page, now));
    let parts = ordered.into_iter().flat_map(|branch| range_of(branch).into_iter().map(move |range| (branch, range)));
    let mut sql = Sql::new(backend);
    // SQLite merges the rows of a compound SELECT by itself, reading each part as far as it must. PostgreSQL does if each is sorted.
    sql.text(if sql.is_postgres() { "SELECT * FROM (" } else { "" });
    for (number, (branch, range)) in parts.enumerate() {
        sql.text(if number == 0 { "" } else { " UNION ALL " });
        sql.text(if sql.is_postgres() { "SELECT * FROM (" } else { "" });
        branch.write_positions(&mut sql, page, &range);
        if sql.is_postgres() {
            sql.text(&format!("{order} LIMIT {}) AS part{number}", u64::from(page.max_examined) + 1));
        }
    }
    if sql.is_postgres() {
        sql.text(") AS walked");
    }
    sql.text(&format!("{order} LIMIT 2 OFFSET {}", page.max_examined - 1));
    Some(sql.statement())
}
