//! A chain of writes in one round trip. Each link writes one row, and only if the link before it has written its row.
//!
//! On PostgreSQL the chain is one statement of common table expressions that refer to each other. All of them see the rows as they
//! were before the statement, so only one link may write a row. If the first link has written its row and a later one has not, the
//! statement fails, so that nothing is kept even without a transaction around it. SQLite has no writes in common table expressions,
//! so there a link is a statement, and the driver executes all of them at once; `changes()` is the number of rows that the last one
//! wrote.

use sea_orm::{ActiveModelTrait, RuntimeErr, Statement, Value, sqlx};
use sea_orm::{ConnectionTrait, DbBackend, DbErr, EntityName, EntityTrait, IdenStatic, Iterable};

/// `division_by_zero`: how a broken chain fails on PostgreSQL (PostgreSQL documentation, appendix A).
const BROKEN: &str = "22012";

/// Statements that are executed in order.
#[derive(Debug)]
pub(in crate::store) struct Chain {
    backend: DbBackend,
    sql: String,
    values: Vec<Value>,
    links: u64,
}

impl Chain {
    pub(in crate::store) fn new(backend: DbBackend) -> Self {
        Self { backend, sql: String::with_capacity(2_048), values: Vec::with_capacity(48), links: 0 }
    }

    /// Adds an UPDATE with its condition, in which each `?` is a placeholder for the next of these values.
    pub(in crate::store) fn update(mut self, sql: &str, values: impl IntoIterator<Item = Value>) -> Self {
        self.begin();
        self.push(sql, values);
        self.end(" AND ");
        self
    }

    /// Adds the INSERT of this row.
    pub(in crate::store) fn insert<A: ActiveModelTrait>(mut self, row: A) -> Self {
        self.begin();
        self.push_row(row);
        self.end(" WHERE ");
        self
    }

    /// Adds the INSERT of this row if a condition holds, in which each `?` is a placeholder for the next of these values.
    pub(in crate::store) fn insert_if<A: ActiveModelTrait>(
        mut self,
        row: A,
        condition: &str,
        values: impl IntoIterator<Item = Value>,
    ) -> Self {
        self.begin();
        self.push_row(row);
        self.sql.push_str(" WHERE ");
        self.push(condition, values);
        self.end(" AND ");
        self
    }

    fn push(&mut self, sql: &str, values: impl IntoIterator<Item = Value>) {
        let mut pieces = sql.split('?');
        self.sql.extend(pieces.next());
        for (piece, value) in pieces.zip(values) {
            self.bind(value);
            self.sql.push_str(piece);
        }
    }

    fn push_row<A: ActiveModelTrait>(&mut self, mut row: A) {
        self.sql.push_str("INSERT INTO ");
        self.sql.push_str(A::Entity::default().table_name());
        let columns = <<A::Entity as EntityTrait>::Column as Iterable>::iter();
        let set: Vec<_> = columns.filter_map(|column| Some((column, row.take(column).into_value()?))).collect();
        for (number, (column, _)) in set.iter().enumerate() {
            self.sql.push_str(if number == 0 { " (" } else { ", " });
            self.sql.push_str(column.as_str());
        }
        for (number, (_, value)) in set.into_iter().enumerate() {
            self.sql.push_str(if number == 0 { ") SELECT " } else { ", " });
            self.bind(value);
        }
    }

    /// Adds the row that announces the change to other replicas on PostgreSQL. They see it if and when the chain commits.
    pub(in crate::store) fn announce(mut self, ids: Option<String>) -> Self {
        if let Some(ids) = ids.filter(|_| self.backend == DbBackend::Postgres) {
            self.begin();
            self.sql.push_str("INSERT INTO change (ids) SELECT ");
            self.bind(ids.into());
            self.end(" WHERE ");
        }
        self
    }

    /// Executes the chain; returns whether every link has written its row. If not, the caller must roll back, unless this was a
    /// single statement of PostgreSQL, which has then written nothing.
    pub(in crate::store) async fn run(mut self, connection: &impl ConnectionTrait) -> Result<bool, DbErr> {
        let mut written = self.links;
        if self.backend == DbBackend::Postgres {
            // Returns one row if the first link has written, and none if not. Divides by zero if the first link has written and the
            // last has not.
            written = 1;
            self.sql.push_str(&format!(" SELECT 1 / (SELECT count(*) FROM link{}) FROM link1", self.links));
        }
        let statement = Statement::from_sql_and_values(self.backend, self.sql, self.values);
        match connection.execute_raw(statement).await {
            Ok(outcome) => Ok(outcome.rows_affected() == written),
            Err(err) if is_broken(&err) => Ok(false),
            Err(err) => Err(err),
        }
    }

    /// On SQLite, whether the other chain consists of the same statements, if with other values.
    pub(in crate::store) fn has_statements_of(&self, other: &Self) -> bool {
        self.sql == other.sql
    }

    /// On SQLite, executes chains that have the same statements, in one round trip; returns whether every link of all of them has
    /// written its row. If not, the caller must roll back.
    pub(in crate::store) async fn run_all(chains: Vec<Self>, connection: &impl ConnectionTrait) -> Result<bool, DbErr> {
        let Some(first) = chains.first() else { return Ok(true) };
        let (backend, sql) = (first.backend, first.sql.repeat(chains.len()));
        let links: u64 = chains.iter().map(|chain| chain.links).sum();
        let values = chains.into_iter().flat_map(|chain| chain.values);
        let outcome = connection.execute_raw(Statement::from_sql_and_values(backend, sql, values)).await?;
        Ok(outcome.rows_affected() == links)
    }

    fn begin(&mut self) {
        if self.backend == DbBackend::Postgres {
            let with = if self.links == 0 { "WITH" } else { "," };
            self.sql.push_str(&format!("{with} link{} AS (", self.links + 1));
        }
    }

    fn end(&mut self, and: &str) {
        let before = self.links;
        self.links += 1;
        let sqlite = self.backend == DbBackend::Sqlite;
        if before > 0 {
            self.sql.push_str(and);
            if sqlite {
                self.sql.push_str("changes() = 1");
            } else {
                self.sql.push_str(&format!("EXISTS (SELECT FROM link{before})"));
            }
        }
        self.sql.push_str(if sqlite { "; " } else { " RETURNING 1)" });
    }

    fn bind(&mut self, value: Value) {
        self.values.push(value);
        if self.backend == DbBackend::Sqlite {
            // Without a number, so that a text that repeats the chain has placeholders for the values of every repetition.
            self.sql.push('?');
        } else {
            self.sql.push_str(&format!("${}", self.values.len()));
        }
    }
}

fn is_broken(err: &DbErr) -> bool {
    let DbErr::Exec(RuntimeErr::SqlxError(err)) = err else { return false };
    matches!(err.as_ref(), sqlx::Error::Database(err) if err.code().is_some_and(|code| code == BROKEN))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(backend: DbBackend) -> Chain {
        Chain::new(backend)
            .update("UPDATE a SET b = ? WHERE c = ?", [1.into(), 2.into()])
            .update("UPDATE d SET e = ? WHERE f", [3.into()])
    }

    #[test]
    fn each_link_depends_on_the_one_before_and_placeholders_are_numbered_throughout() {
        assert_eq!(
            chain(DbBackend::Postgres).sql,
            "WITH link1 AS (UPDATE a SET b = $1 WHERE c = $2 RETURNING 1), \
             link2 AS (UPDATE d SET e = $3 WHERE f AND EXISTS (SELECT FROM link1) RETURNING 1)"
        );
        assert_eq!(
            chain(DbBackend::Sqlite).sql,
            "UPDATE a SET b = ? WHERE c = ?; UPDATE d SET e = ? WHERE f AND changes() = 1; "
        );
    }
}
