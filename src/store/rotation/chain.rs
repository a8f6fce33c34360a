//! Several writes at the price of one: a chain of statements, each of which writes one row, and does so only if the one before
//! has written its own.
//!
//! What is sent is one text. On PostgreSQL that is one statement, whose parts name each other; they all see the rows as they were
//! before, so a row may be written by one link only. If the first link has written its row and a later one has not, the statement
//! fails, so that nothing of it is kept even where no transaction is around it. SQLite cannot write within a statement, so there it
//! is as many as there are links, which the driver carries out in one go; `changes()` is what the last one wrote.

use sea_orm::{ActiveModelTrait, RuntimeErr, Statement, Value, sqlx};
use sea_orm::{ConnectionTrait, DbBackend, DbErr, EntityName, EntityTrait, IdenStatic, Iterable};

/// What PostgreSQL says to a division by zero, which is how a broken chain fails (PostgreSQL documentation, appendix A).
const BROKEN: &str = "22012";

/// Statements to be carried out in their order.
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

    /// Adds an UPDATE with its condition, in which `?` stands for these values in turn.
    pub(in crate::store) fn update(mut self, sql: &str, values: impl IntoIterator<Item = Value>) -> Self {
        self.begin();
        let mut pieces = sql.split('?');
        self.sql.extend(pieces.next());
        for (piece, value) in pieces.zip(values) {
            self.bind(value);
            self.sql.push_str(piece);
        }
        self.end(" AND ");
        self
    }

    /// Adds the INSERT of this row.
    pub(in crate::store) fn insert<A: ActiveModelTrait>(mut self, mut row: A) -> Self {
        self.begin();
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
        self.end(" WHERE ");
        self
    }

    /// Adds the row that announces the change to other replicas on PostgreSQL; they see it if and when all of it commits.
    pub(in crate::store) fn announce(mut self, ids: Option<String>) -> Self {
        if let Some(ids) = ids.filter(|_| self.backend == DbBackend::Postgres) {
            self.begin();
            self.sql.push_str("INSERT INTO change (ids) SELECT ");
            self.bind(ids.into());
            self.end(" WHERE ");
        }
        self
    }

    /// Carries it out; whether every link has written its row. If not, what the others have written is to be undone, unless
    /// this was a statement of PostgreSQL by itself, which then has written nothing.
    pub(in crate::store) async fn run(mut self, connection: &impl ConnectionTrait) -> Result<bool, DbErr> {
        let mut written = self.links;
        if self.backend == DbBackend::Postgres {
            // One line if there is a row of the first link, and none if not; an error if there is one of the first and none of
            // the last.
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
        self.sql.push_str(&format!("${}", self.values.len()));
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
    fn each_link_depends_on_the_one_before_and_values_are_counted_on() {
        assert_eq!(
            chain(DbBackend::Postgres).sql,
            "WITH link1 AS (UPDATE a SET b = $1 WHERE c = $2 RETURNING 1), \
             link2 AS (UPDATE d SET e = $3 WHERE f AND EXISTS (SELECT FROM link1) RETURNING 1)"
        );
        assert_eq!(
            chain(DbBackend::Sqlite).sql,
            "UPDATE a SET b = $1 WHERE c = $2; UPDATE d SET e = $3 WHERE f AND changes() = 1; "
        );
    }
}
