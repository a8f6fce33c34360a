//! Searching for tokens whose name, or any text of theirs, contains a text, case-insensitively for ASCII letters.
//!
//! Both databases have an index of trigrams (sequences of three characters), in which a text that few tokens have is looked up.

mod rarest_part;

use sea_orm::{ConnectionTrait, DbBackend};

use crate::domain::listing::Filter;
use crate::store::Error;
use crate::store::sql::Sql;

/// A shorter text has no trigram.
const MIN_TEXT_LENGTH: usize = 3;

/// A text to search for.
pub(super) struct Search {
    text: String,
    columns: &'static [&'static str],
    /// What is looked up, if anything is.
    part: Option<String>,
}

impl Search {
    /// The searches of a filter.
    pub(super) fn of(filter: &Filter) -> Vec<Self> {
        let search = |text: &Option<String>, columns| {
            text.as_ref().map(|text| Self { text: text.to_ascii_lowercase(), columns, part: None })
        };
        let name = search(&filter.name, &["name"]);
        name.into_iter().chain(search(&filter.text, &["name", "owner", "description"])).collect()
    }

    /// Finds out what to look up.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn prepare(&mut self, connection: &impl ConnectionTrait) -> Result<(), Error> {
        self.part = match connection.get_database_backend() {
            DbBackend::Postgres => rarest_part::find(connection, &self.text, self.columns).await?,
            _ => Some(self.text.clone()).filter(|text| text.chars().count() >= MIN_TEXT_LENGTH),
        };
        Ok(())
    }

    /// Whether there is something to look up.
    pub(super) fn can_be_looked_up(&self) -> bool {
        self.part.is_some()
    }

    /// The index, if it may be missing: on PostgreSQL it needs an extension.
    pub(super) fn optional_index(sql: &Sql) -> Option<&'static str> {
        sql.is_postgres().then_some("api_token_name_search_idx")
    }

    /// Adds the SELECT of the ids of tokens that match by the index.
    pub(super) fn write_lookup(&self, sql: &mut Sql) {
        if sql.is_postgres() {
            sql.text("SELECT api_token.id AS id FROM api_token WHERE ");
            let pattern = self.part.as_deref().map(pattern);
            self.of_any_column(sql, |sql, column| {
                sql.push(&format!("lower(api_token.{column}) LIKE ?"), [pattern.clone().into()]);
            });
            self.write_condition(sql);
            return;
        }
        // A string of FTS5's query language, in any column or in one (SQLite documentation, FTS5, sections 3.1 and 3.6).
        let column = if let [column] = self.columns { format!("{column} : ") } else { String::new() };
        let phrase = format!("{column}\"{}\"", self.text.replace('"', "\"\""));
        sql.push(
            "SELECT named.token_id AS id FROM api_token_name_search AS search CROSS JOIN api_token_name AS named
             WHERE api_token_name_search MATCH ? AND named.key = search.rowid",
            [phrase.into()],
        );
    }

    /// Adds the condition that a token matches. It is always needed, because the index ignores the case of all letters.
    pub(super) fn write_condition(&self, sql: &mut Sql) {
        sql.text(" AND ");
        self.of_any_column(sql, |sql, column| {
            if sql.is_postgres() {
                // The planner does not look this up in the index, whose lists may be long.
                sql.push(&format!("strpos(lower(api_token.{column}), ?) > 0"), [self.text.as_str().into()]);
            } else {
                sql.push(&format!("lower(api_token.{column}) LIKE ? ESCAPE '\\'"), [pattern(&self.text).into()]);
            }
        });
    }

    fn of_any_column(&self, sql: &mut Sql, write: impl Fn(&mut Sql, &str)) {
        for (number, column) in self.columns.iter().enumerate() {
            sql.text(if number == 0 { "(" } else { " OR " });
            write(sql, column);
        }
        sql.text(")");
    }
}

/// The pattern of LIKE for texts that contain this one.
fn pattern(text: &str) -> String {
    format!("%{}%", text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_"))
}
