//! Searching for tokens whose name contains a text, case-insensitively for ASCII letters.
//!
//! Both databases have an index of trigrams (sequences of three characters), in which a text that few names contain is looked up.

use sea_orm::Value;

use crate::store::sql::Sql;

use super::status::BY_ID;

/// A shorter text has no trigram.
const MIN_TEXT_LENGTH: usize = 3;

/// A text to search for in names.
pub(super) struct Search {
    text: String,
}

impl Search {
    pub(super) fn new(text: &str) -> Self {
        Self { text: text.to_ascii_lowercase() }
    }

    /// Whether the text can be looked up in the index.
    pub(super) fn has_trigrams(&self) -> bool {
        self.text.chars().count() >= MIN_TEXT_LENGTH
    }

    /// The index, if it may be missing: on PostgreSQL it needs an extension.
    pub(super) fn optional_index(sql: &Sql) -> Option<&'static str> {
        sql.is_postgres().then_some("api_token_name_search_idx")
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
