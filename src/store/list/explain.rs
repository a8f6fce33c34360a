//! Query plans of listings, for the tests that require an index for every filter and order.

use sea_orm::{ConnectionTrait, DbBackend, Statement};

use crate::domain::audit::EventPage;
use crate::domain::listing::Page;
use crate::domain::timestamp::Timestamp;

use crate::store::{Error, Store};

use super::candidates;
use super::walk::horizon;

/// The query plans of a page of tokens. On SQLite, the lines of EXPLAIN QUERY PLAN, each after its id and that of its parent; on
/// PostgreSQL, those of EXPLAIN ANALYZE.
#[derive(Debug)]
pub struct PagePlans {
    /// Of the page; empty if there is no statement.
    pub page: String,
    /// Of the lookups of its filter, which read up to a limit.
    pub lookups: Vec<String>,
    /// Of the search for its horizon, if there may be one.
    pub horizon: Option<String>,
}

impl Store {
    /// The query plans of this page.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn explain_list(&self, page: &Page, now: Timestamp) -> Result<PagePlans, Error> {
        let searches = self.searches(page).await?;
        let backend = self.listings.get_database_backend();
        let mut lookups = Vec::new();
        for lookup in candidates::statements(backend, page, &searches, now) {
            lookups.push(self.explain(lookup).await?);
        }
        let plan = match self.plan(page, now).await?.statement {
            Some(statement) => self.explain(statement).await?,
            None => String::new(),
        };
        let horizon = match horizon::statement(backend, page, now) {
            Some(statement) => Some(self.explain(statement).await?),
            None => None,
        };
        Ok(PagePlans { page: plan, lookups, horizon })
    }

    /// The query plan of [`Store::events`], as that of [`Store::explain_list`].
    ///
    /// # Errors
    /// When the database fails.
    pub async fn explain_events(&self, page: &EventPage) -> Result<String, Error> {
        self.explain(self.page_of_events(page).await?).await
    }

    pub(in crate::store) async fn explain(&self, mut statement: Statement) -> Result<String, Error> {
        let sqlite = statement.db_backend == DbBackend::Sqlite;
        let explain = if sqlite { "EXPLAIN QUERY PLAN" } else { "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF)" };
        statement.sql = format!("{explain} {}", statement.sql);
        let rows = self.listings.query_all_raw(statement).await?;
        let lines = rows.iter().map(|row| {
            if sqlite {
                let (line, above): (i64, i64) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
                Ok(format!("{line} {above} {}", row.try_get_by_index::<String>(3)?))
            } else {
                row.try_get_by_index::<String>(0)
            }
        });
        Ok(lines.collect::<Result<Vec<_>, sea_orm::DbErr>>()?.join("\n"))
    }
}
