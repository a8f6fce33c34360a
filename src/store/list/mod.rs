//! Listing tokens by keyset pagination: the cost of a page does not grow with its depth, and nothing counts the whole table.

mod candidates;
mod conditions;
mod explain;
mod index_ranges;
mod name_search;
mod permit;
mod sort_keys;
mod status;
mod walk;

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, Statement};

use crate::domain::listing::{End, Filter, OrderField, Page, Position};
use crate::domain::timestamp::Timestamp;
use crate::domain::token::Token;

use super::sql::Sql;
use super::token::read::{self, Row, TokenRows};
use super::{Error, Store};
use index_ranges::Branch;
use name_search::Search;
use walk::horizon;
use walk::range::{Horizon, Range, is_ascending};

pub use explain::PagePlans;
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
    /// Whether more tokens match, beyond the last one in the direction of the page, or are yet to be looked at.
    pub more: bool,
    /// Up to which position tokens were looked at, if the page ends there because it has found too few by then.
    pub stopped_at: Option<Position>,
}

/// How a page is read.
struct Plan {
    /// Reads the page, and one more token; `None` if nothing can match.
    statement: Option<Statement>,
    /// Where it ends even if it has found too few by then.
    horizon: Option<Horizon>,
}

impl Store {
    /// The page that was asked for, with the statuses of `now`.
    ///
    /// # Errors
    /// When the database fails, or the listing exceeds its limit.
    pub async fn list(&self, page: &Page, now: Timestamp) -> Result<Listing, Error> {
        let _permit = self.listing_permit().await?;
        let Plan { statement, horizon } = self.plan(page, now).await?;
        let mut rows = match statement {
            Some(statement) => self.read_page(page, statement).await?,
            None => Vec::new(),
        };
        let ascending = is_ascending(page);
        rows.sort_by(|(one, _), (other, _)| if ascending { one.cmp(other) } else { other.cmp(one) });
        let size = usize::try_from(page.size).unwrap_or(usize::MAX);
        let is_full = rows.len() > size;
        let stopped_at = horizon.filter(|_| !is_full).map(|horizon| horizon.position);
        rows.truncate(size);
        if page.end == End::Last {
            rows.reverse();
        }
        let (positions, tokens) = rows.into_iter().unzip();
        Ok(Listing { tokens, positions, more: is_full || stopped_at.is_some(), stopped_at })
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

    /// The searches of a page, ready to be looked up.
    async fn searches(&self, page: &Page) -> Result<Vec<Search>, Error> {
        let mut searches = Search::of(&page.filter);
        for search in &mut searches {
            search.prepare(&self.listings).await?;
        }
        Ok(searches)
    }

    /// Decides how to read a page.
    ///
    /// If its filter has conditions that its branches do not ensure, the tokens that match may be anywhere in them. Then it looks no further
    /// than its horizon, unless the few tokens that can match are found by an index.
    async fn plan(&self, page: &Page, now: Timestamp) -> Result<Plan, Error> {
        let mut plan = Plan { statement: None, horizon: None };
        let may_skip = index_ranges::other_conditions(page) != Filter::default();
        if may_skip {
            plan.horizon = horizon::find(&self.listings, page, now).await?;
        }
        let mut branches = index_ranges::branches(page, None);
        let mut searches = Search::of(&page.filter);
        // Without a horizon, all that is sorted is little.
        if plan.horizon.is_some() || may_skip && branches.iter().any(|branch| matches!(branch, Branch::Unsorted)) {
            searches = self.searches(page).await?;
            if let Some(found) = candidates::find(&self.listings, page, &searches, now).await? {
                plan.horizon = None;
                branches = if found.is_empty() { Vec::new() } else { index_ranges::branches(page, Some(found)) };
            }
        }
        if !branches.is_empty() {
            let ranges = |branch: &Branch| Range::of(page, plan.horizon.as_ref(), branch.bounds(page, now));
            let parts: Vec<_> = branches
                .iter()
                .flat_map(|branch| ranges(branch).into_iter().map(move |range| (branch, range)))
                .collect();
            plan.statement = Some(self.statement(page, &parts, &searches, may_skip, now));
        }
        Ok(plan)
    }

    /// The statement that reads a page from these ranges of branches.
    fn statement(
        &self,
        page: &Page,
        parts: &[(&Branch, Range)],
        searches: &[Search],
        may_skip: bool,
        now: Timestamp,
    ) -> Statement {
        let backend = self.listings.get_database_backend();
        let mut sql = Sql::new(backend);
        let direction = if is_ascending(page) { "ASC" } else { "DESC" };
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
        sql.merge(parts, &order(""), u64::from(page.size) + 1, |sql, (branch, range)| {
            branch.write(sql, page, may_skip.then_some(range), now);
            conditions::write(sql, branch, page, searches, now);
            range.write(sql, branch.key(page).as_deref(), branch.id());
        });
        sql.text(&format!(
            ") AS page CROSS JOIN api_token CROSS JOIN api_token_value WHERE api_token.id = page.id AND {}",
            read::JOIN_VALUES
        ));
        // The rows of a token must be adjacent. On SQLite they are.
        if sql.is_postgres() {
            sql.text(" ORDER BY ").text(&order("page."));
        }
        sql.statement()
    }
}
