//! Searching for tokens whose name, or any text of theirs, contains a text, case-insensitively for ASCII letters.
//!
//! Both databases have an index of trigrams (sequences of three characters), in which a text that few tokens have is looked up.

use sea_orm::Value;

use crate::domain::listing::Filter;
use crate::store::sql::Sql;

/// A shorter text has no trigram.
const MIN_TEXT_LENGTH: usize = 3;

/// A text to search for.
pub(super) struct Search {
    text: String,
    columns: &'static [&'static str],
}

impl Search {
    /// The searches of a filter.
    pub(super) fn of(filter: &Filter) -> Vec<Self> {
        let search = |text: &Option<String>, columns| {
            text.as_ref().map(|text| Self { text: text.to_ascii_lowercase(), columns })
        };
        let name = search(&filter.name, &["name"]);
        name.into_iter().chain(search(&filter.text, &["name", "owner", "description"])).collect()
    }

    /// Whether the text can be looked up in the index.
    pub(super) fn has_trigrams(&self) -> bool {
        self.text.chars().count() >= MIN_TEXT_LENGTH
    }

    /// The index, if it may be missing: on PostgreSQL it needs an extension.
    pub(super) fn optional_index(sql: &Sql) -> Option<&'static str> {
        sql.is_postgres().then_some("api_token_name_search_idx")
    }

    /// Adds the SELECT of the ids of tokens that match by the index.
    pub(super) fn write_lookup(&self, sql: &mut Sql) {
        if sql.is_postgres() {
            sql.text("SELECT api_token.id AS id FROM api_token WHERE ");
            self.write_matches(sql);
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
        self.write_matches(sql);
    }

    fn write_matches(&self, sql: &mut Sql) {
        // On PostgreSQL, a backslash is the default. If ESCAPE were given, the planner could not use the pattern.
        let escape = if sql.is_postgres() { "" } else { " ESCAPE '\\'" };
        for (number, column) in self.columns.iter().enumerate() {
            sql.text(if number == 0 { "(" } else { " OR " });
            sql.push(&format!("lower(api_token.{column}) LIKE ?{escape}"), [self.pattern()]);
        }
        sql.text(")");
    }

    fn pattern(&self) -> Value {
        format!("%{}%", self.text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")).into()
    }
}
