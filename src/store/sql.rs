//! A statement that is put together from pieces, with its values beside it and never in its text.

use sea_orm::{DbBackend, Statement, Value};

/// A statement in the making.
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

    /// Adds text, in which `?` stands for these values in turn.
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

    /// Names the index by which the table just named is to be read. SQLite then reads it by no other, and knows too little of its
    /// tables to choose well; PostgreSQL chooses by itself.
    pub(super) fn indexed_by(&mut self, index: &str) -> &mut Self {
        if self.is_postgres() { self } else { self.text(&format!(" INDEXED BY {index}")) }
    }

    /// Begins a part of a table that is small, to be read by this index; its condition follows.
    pub(super) fn table_by(&mut self, table: &str, index: &str) -> &mut Self {
        self.text(&format!("(SELECT * FROM {table}")).indexed_by(index).text(" WHERE ")
    }

    /// Ends what [`Sql::table_by`] began, and names it. A table may be joined, to be read by this index.
    pub(super) fn end_table(&mut self, alias: &str, index: Option<&str>) -> &mut Self {
        // PostgreSQL reads a part with an OFFSET by itself, and does not walk along the order of the whole instead.
        let fence = if self.is_postgres() { " OFFSET 0" } else { "" };
        self.text(&format!("{fence}) AS {alias}"));
        if let Some(index) = index {
            self.indexed_by(index);
        }
        self.text(" WHERE 1 = 1")
    }

    /// The first so many rows, in this order, of all these branches, of which each gives at most its own first so many. Each is
    /// read in the order of an index and is left when it has given enough; what is sorted is as small as that.
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
