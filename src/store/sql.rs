//! A builder for SQL statements. Values are bound as parameters and are never part of the text.

use sea_orm::{DbBackend, Statement, Value};

/// A statement that is being built.
#[derive(Debug)]
pub(super) struct Sql {
    backend: DbBackend,
    text: String,
    values: Vec<Value>,
}

impl Sql {
    pub(super) fn new(backend: DbBackend) -> Self {
        Self { backend, text: String::with_capacity(2_048), values: Vec::new() }
    }

    pub(super) fn is_postgres(&self) -> bool {
        self.backend == DbBackend::Postgres
    }

    /// Adds text in which each `?` is a placeholder for the next of these values.
    pub(super) fn push<const N: usize>(&mut self, text: &str, values: [Value; N]) -> &mut Self {
        let mut pieces = text.split('?');
        self.text.extend(pieces.next());
        for (piece, value) in pieces.zip(values) {
            self.values.push(value);
            self.text.push_str(&format!("${}", self.values.len()));
            self.text.push_str(piece);
        }
        self
    }

    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    /// Names the index for reading the table that was just added. SQLite has too few statistics to choose well, so it must use this
    /// one. PostgreSQL chooses by itself.
    pub(super) fn indexed_by(&mut self, index: &str) -> &mut Self {
        if self.is_postgres() { self } else { self.text(&format!(" INDEXED BY {index}")) }
    }

    /// Begins a subquery for a small part of a table, read from this index. Its condition follows.
    pub(super) fn table_by(&mut self, table: &str, index: &str) -> &mut Self {
        self.text(&format!("(SELECT * FROM {table}")).indexed_by(index).text(" WHERE ")
    }

    /// Ends what [`Sql::table_by`] began, and names it. A table that is joined in `alias` is read from this index.
    pub(super) fn end_table(&mut self, alias: &str, index: Option<&str>) -> &mut Self {
        // An optimisation fence: with an OFFSET, PostgreSQL evaluates the subquery by itself, instead of walking the whole table in
        // the order of the listing.
        let fence = if self.is_postgres() { " OFFSET 0" } else { "" };
        self.text(&format!("{fence}) AS {alias}"));
        if let Some(index) = index {
            self.indexed_by(index);
        }
        self.text(" WHERE 1 = 1")
    }

    /// Merges branches: adds the first `limit` rows of all of them in this order, by `UNION ALL` of the first `limit` rows of each.
    /// Each branch is read in the order of an index and stops after `limit` rows, so little is left to sort.
    pub(super) fn merge<B>(
        &mut self,
        branches: &[B],
        order: &str,
        limit: u64,
        mut write: impl FnMut(&mut Self, &B),
    ) -> &mut Self {
        self.text("SELECT * FROM (");
        for (number, branch) in branches.iter().enumerate() {
            self.text(if number == 0 { "SELECT * FROM (" } else { " UNION ALL SELECT * FROM (" });
            write(self, branch);
            self.text(&format!(" ORDER BY {order} LIMIT {limit}) AS branch{number}"));
        }
        self.text(&format!(") AS branches ORDER BY {order} LIMIT {limit}"))
    }

    pub(super) fn statement(self) -> Statement {
        Statement::from_sql_and_values(self.backend, self.text, self.values)
    }
}
