//! Listing tokens by keyset pagination: the cost of a page does not grow with its depth, and nothing counts the whole table.

mod candidates;
mod conditions;
mod explain;
mod index_ranges;
mod name_search;
mod permit;
mod sort_keys;
mod status;

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, Statement};

use crate::domain::listing::{End, OrderField, Page, Position};
use crate::domain::timestamp::Timestamp;
use crate::domain::token::Token;

use super::sql::Sql;
use super::token::read::{self, Row, TokenRows};
use super::{Error, Store};
use name_search::Search;

pub(super) use status::{Unswept, has_status, is_due};

/// What is read before the columns of a token, if the listing is by last use.
const LAST_USE: &str = "page.key, ";

/// One page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// The tokens, in the order that was asked for.
    pub tokens: Vec<Token>,
    /// Their positions.
    pub positions: Vec<Position>,
    /// Whether more tokens match, beyond the last one in the direction of the page.
    pub more: bool,
}

impl Store {
    /// The page that was asked for, with the statuses of `now`.
    ///
    /// # Errors
    /// When the database fails, or the listing exceeds its limit.
    pub async fn list(&self, page: &Page, now: Timestamp) -> Result<Listing, Error> {
        let _permit = self.listing_permit().await?;
        let mut rows = match self.page(page, now).await? {
            Some(statement) => self.read_page(page, statement).await?,
            None => Vec::new(),
        };
        let ascending = page.order.descending == (page.end == End::Last);
        rows.sort_by(|(one, _), (other, _)| if ascending { one.cmp(other) } else { other.cmp(one) });
        let size = usize::try_from(page.size).unwrap_or(usize::MAX);
        let more = rows.len() > size;
        rows.truncate(size);
        if page.end == End::Last {
            rows.reverse();
        }
        let (positions, tokens) = rows.into_iter().unzip();
        Ok(Listing { tokens, positions, more })
    }

    /// The tokens of a page with their positions. On SQLite, the rows are one text, in no particular order.
    async fn read_page(&self, page: &Page, statement: Statement) -> Result<Vec<(Position, Token)>, Error> {
        let (backend, field) = (statement.db_backend, page.order.field);
        let rows = TokenRows::query(&self.listings, statement).await;
        let rows = rows.map_err(|err| Error::of_listing(err, backend))?;
        let rows = rows.read()?;
        if field != OrderField::LastUsedAt {
            return Ok(rows.tokens()?.into_iter().map(|token| (Position::of(&token, field, None), token)).collect());
        }
        let mut last_uses = BTreeMap::new();
        let mut read = Vec::new();
        for mut columns in rows.iter() {
            let last_used_at: i64 = columns.take()?;
            let row = Row::read(columns)?;
            last_uses.insert(row.id(), last_used_at);
            read.push(Ok(row));
        }
        let position = |token: &Token| Position::of(token, field, last_uses.get(&token.id).copied());
        Ok(read::tokens(read)?.into_iter().map(|token| (position(&token), token)).collect())
    }

    /// The statement that reads a page and one more token; `None` if nothing can match.
    pub(super) async fn page(&self, page: &Page, now: Timestamp) -> Result<Option<Statement>, Error> {
        let searches = Search::of(&page.filter);
        let found = candidates::find(&self.listings, page, &searches, now).await?;
        if found.as_ref().is_some_and(String::is_empty) {
            return Ok(None);
        }
        let branches = index_ranges::branches(page, found);
        if branches.is_empty() {
            return Ok(None);
        }
        let backend = self.listings.get_database_backend();
        let mut sql = Sql::new(backend);
        let direction = if page.order.descending == (page.end == End::Last) { "ASC" } else { "DESC" };
        let order = |table: &str| match page.order.field {
            OrderField::CreatedAt => format!("{table}id {direction}"),
            _ => format!("{table}key {direction}, {table}id {direction}"),
        };
        // With CROSS, SQLite joins in the order in which the tables are written.
        if page.order.field == OrderField::LastUsedAt {
            sql.text(&read::select_with(backend, LAST_USE));
        } else {
            sql.text(read::select(backend));
        }
        sql.text(" FROM (");
        sql.merge(&branches, &order(""), u64::from(page.size) + 1, |sql, branch| {
            branch.write(sql, page, now);
            conditions::write(sql, branch, page, &searches, now);
        });
        sql.text(&format!(
            ") AS page CROSS JOIN api_token CROSS JOIN api_token_value WHERE api_token.id = page.id AND {}",
            read::JOIN_VALUES
        ));
        // The rows of a token must be adjacent. On SQLite they are.
        if sql.is_postgres() {
            sql.text(" ORDER BY ").text(&order("page."));
        }
        Ok(Some(sql.statement()))
    }
}
