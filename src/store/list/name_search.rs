//! Searching for tokens whose name contains a text, case-insensitively for ASCII letters.
//!
//! Both databases have an index of trigrams (sequences of three characters). It returns matches in no particular order. So the
//! matches are counted first. A text that few names contain is looked up in that index. For one that many names contain, names are
//! read in the order of the listing, where matches turn up soon.

use sea_orm::{ConnectionTrait, Value};

use crate::store::Error;
use crate::store::sql::Sql;

use super::status::BY_ID;

/// Up to how many matches are read from the index of trigrams and sorted.
const MAX_SORTED: usize = 2_000;
/// A shorter text has no trigram.
const MIN_TEXT_LENGTH: usize = 3;

/// A text to search for in names.
pub(super) struct Search {
    text: String,
    rare: bool,
}

impl Search {
    pub(super) async fn new(connection: &impl ConnectionTrait, text: &str) -> Result<Self, Error> {
        let mut search = Self { text: text.to_ascii_lowercase(), rare: false };
        if search.text.chars().count() >= MIN_TEXT_LENGTH {
            let backend = connection.get_database_backend();
            let mut sql = Sql::new(backend);
            search.write_count(&mut sql);
            let counted = connection.query_one_raw(sql.statement()).await;
            let counted = counted.map_err(|err| Error::of_listing(err, backend))?;
            let found: Option<i64> = counted.map(|row| row.try_get_by_index(0)).transpose()?.flatten();
            search.rare = found.and_then(|found| usize::try_from(found).ok()).is_some_and(|found| found <= MAX_SORTED);
        }
        Ok(search)
    }

    /// Whether few names contain the text.
    pub(super) fn is_rare(&self) -> bool {
        self.rare
    }

    /// Adds a query that counts the matches, up to one more than [`MAX_SORTED`]; NULL if there is no index.
    fn write_count(&self, sql: &mut Sql) {
        let limit = MAX_SORTED + 1;
        if sql.is_postgres() {
            let text = format!(
                "SELECT CASE WHEN to_regclass('api_token_name_search_idx') IS NOT NULL THEN \
                 (SELECT count(*) FROM (SELECT 1 FROM api_token WHERE lower(api_token.name) LIKE ? LIMIT {limit}) AS found) END"
            );
            sql.push(&text, [self.pattern()]);
        } else {
            let text = format!(
                "SELECT count(*) FROM (SELECT 1 FROM api_token_name_search WHERE api_token_name_search MATCH ? LIMIT {limit})"
            );
            sql.push(&text, [self.phrase()]);
        }
    }

    /// Adds a FROM and the beginning of a WHERE for tokens whose name matches by the index.
    pub(super) fn write_found<'a>(&self, sql: &'a mut Sql) -> &'a mut Sql {
        if sql.is_postgres() {
            sql.table_by("api_token", "api_token_name_search_idx")
                .push("lower(api_token.name) LIKE ?", [self.pattern()])
                .end_table("api_token", None)
        } else {
            sql.text("api_token_name_search AS search CROSS JOIN api_token_name AS named CROSS JOIN api_token");
            sql.indexed_by(BY_ID).push(
                " WHERE api_token_name_search MATCH ? AND named.key = search.rowid AND api_token.id = named.token_id",
                [self.phrase()],
            )
        }
    }

    /// Adds the condition that a name contains the text. It is always needed, because the index ignores the case of all letters.
    pub(super) fn write_condition(&self, sql: &mut Sql) {
        // On PostgreSQL, a backslash is the default. If ESCAPE were given, the planner could not use the pattern.
        let escape = if sql.is_postgres() { "" } else { " ESCAPE '\\'" };
        sql.push(&format!(" AND lower(api_token.name) LIKE ?{escape}"), [self.pattern()]);
    }

    fn pattern(&self) -> Value {
        format!("%{}%", self.text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")).into()
    }

    /// A string of FTS5's query language (SQLite documentation, FTS5, section 3.1).
    fn phrase(&self) -> Value {
        format!("\"{}\"", self.text.replace('"', "\"\"")).into()
    }
}
