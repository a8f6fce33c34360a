//! Listing tokens by keyset pagination: the cost of a page does not grow with its depth, and nothing counts the whole table.

mod conditions;
mod explain;
mod index_ranges;
mod name_search;
mod permit;
mod status;

use sea_orm::{ConnectionTrait, DbBackend, Statement};

use crate::domain::listing::{End, OrderField, Page};
use crate::domain::timestamp::Timestamp;
use crate::domain::token::Token;

use super::sql::Sql;
use super::token::read::{self, TokenRows};
use super::{Error, Store};
use name_search::Search;

pub(super) use status::{Unswept, has_status, is_due};

/// One page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// The tokens, in the order that was asked for.
    pub tokens: Vec<Token>,
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
        let Some(statement) = self.page(page, now).await? else { return Ok(Listing { tokens: vec![], more: false }) };
        let backend = statement.db_backend;
        let rows = TokenRows::query(&self.listings, statement).await;
        let rows = rows.map_err(|err| Error::of_listing(err, backend))?;
        let mut tokens = rows.read()?.tokens()?;
        if backend == DbBackend::Sqlite {
            sort(&mut tokens, page);
        }
        let size = usize::try_from(page.size).unwrap_or(usize::MAX);
        let more = tokens.len() > size;
        tokens.truncate(size);
        if page.end == End::Last {
            tokens.reverse();
        }
        Ok(Listing { tokens, more })
    }

    /// The statement that reads a page and one more token; `None` if nothing can match.
    pub(super) async fn page(&self, page: &Page, now: Timestamp) -> Result<Option<Statement>, Error> {
        let search = match &page.filter.name {
            Some(text) => Some(Search::new(&self.listings, text).await?),
            None => None,
        };
        let branches = index_ranges::branches(page, search.as_ref());
        if branches.is_empty() {
            return Ok(None);
        }
        let backend = self.listings.get_database_backend();
        let mut sql = Sql::new(backend);
        let direction = if page.order.descending == (page.end == End::Last) { "ASC" } else { "DESC" };
        let order = |table: &str| match page.order.field {
            OrderField::CreatedAt => format!("{table}id {direction}"),
            OrderField::Name => format!("{table}name {direction}, {table}id {direction}"),
        };
        // With CROSS, SQLite joins in the order in which the tables are written.
        sql.text(read::select(backend)).text(" FROM (");
        sql.merge(&branches, &order(""), u64::from(page.size) + 1, |sql, branch| {
            branch.write(sql, page, search.as_ref(), now);
            conditions::write(sql, branch, page, search.as_ref(), now);
        });
        sql.text(&format!(
            ") AS page CROSS JOIN api_token CROSS JOIN api_token_value WHERE api_token.id = page.id AND {}",
            read::JOIN_VALUES
        ));
        // On SQLite, the rows become one text, in no particular order.
        if sql.is_postgres() {
            sql.text(" ORDER BY ").text(&order("page."));
        }
        Ok(Some(sql.statement()))
    }
}

/// Sorts tokens as the statement of their page does: by code points, as both databases compare texts.
fn sort(tokens: &mut [Token], page: &Page) {
    let ascending = |one: &Token, other: &Token| match page.order.field {
        OrderField::CreatedAt => one.id.cmp(&other.id),
        OrderField::Name => (&one.settings.name, one.id).cmp(&(&other.settings.name, other.id)),
    };
    if page.order.descending == (page.end == End::Last) {
        tokens.sort_by(ascending);
    } else {
        tokens.sort_by(|one, other| ascending(other, one));
    }
}
