//! A chain of writes in one round trip. Each link writes one row, and only if the link before it has written its row.
//!
//! On PostgreSQL the chain is one statement of common table expressions that refer to each other. All of them see the rows as they
//! were before the statement, so only one link may write a row. If the first link has written its row and a later one has not, the
//! statement fails, so that nothing is kept even without a transaction around it. SQLite has no writes in common table expressions,
//! so there a link is a statement, and the driver executes all of them at once; `changes()` is the number of rows that the last one
//! wrote.
//!
//! On SQLite, many chains that have the same links are executed together: each link is one statement for all of them, which takes
//! their values from a table (`VALUES`). It writes as many rows as there are chains, or the next one writes none. Chains that begin with
//! an INSERT are repeated instead: after one into `api_token`, `changes()` is that of the index of names, which SQLite writes when the
//! next statement for many rows begins.

use std::borrow::Cow;
use std::iter::repeat_n;

use sea_orm::{ActiveModelTrait, RuntimeErr, Statement, Value, sqlx};
use sea_orm::{ConnectionTrait, DbBackend, DbErr, EntityName, EntityTrait, IdenStatic, Iterable};

/// `division_by_zero`: how a broken chain fails on PostgreSQL (PostgreSQL documentation, appendix A).
const BROKEN: &str = "22012";

/// The most chains that are executed in one round trip. For each power of two up to this, there are prepared statements.
const MAX_CHAINS: usize = 64;
/// The most that are repeated in one text.
const MAX_REPEATED: usize = 16;

/// Statements that are executed in order.
#[derive(Debug)]
pub(in crate::store) struct Chain {
    backend: DbBackend,
    links: Vec<Link>,
}

/// One statement: each `?` in its texts is a placeholder for the next of its values.
#[derive(Debug)]
struct Link {
    /// An UPDATE or an `INSERT … SELECT`, up to its condition.
    write: Cow<'static, str>,
    /// Empty if there is none.
    condition: Cow<'static, str>,
    values: Vec<Value>,
}

impl Chain {
    pub(in crate::store) fn new(backend: DbBackend) -> Self {
        Self { backend, links: Vec::with_capacity(5) }
    }

    /// Adds an UPDATE up to its condition, and the condition, in which each `?` is a placeholder for the next of these values.
    pub(in crate::store) fn update(
        self,
        write: impl Into<Cow<'static, str>>,
        condition: impl Into<Cow<'static, str>>,
        values: impl IntoIterator<Item = Value>,
    ) -> Self {
        self.link(write.into(), condition.into(), values.into_iter().collect())
    }

    /// Adds the INSERT of this row.
    pub(in crate::store) fn insert<A: ActiveModelTrait>(self, row: A) -> Self {
        self.insert_if(row, "", [])
    }

    /// Adds the INSERT of this row if a condition holds, in which each `?` is a placeholder for the next of these values.
    pub(in crate::store) fn insert_if<A: ActiveModelTrait>(
        self,
        mut row: A,
        condition: &'static str,
        values: impl IntoIterator<Item = Value>,
    ) -> Self {
        let (mut write, mut row_values) = (format!("INSERT INTO {} (", A::Entity::default().table_name()), Vec::new());
        for column in <<A::Entity as EntityTrait>::Column as Iterable>::iter() {
            let Some(value) = row.take(column).into_value() else { continue };
            write.push_str(if row_values.is_empty() { "" } else { ", " });
            write.push_str(column.as_str());
            row_values.push(value);
        }
        write.push_str(") SELECT ");
        write.push_str(&places_for(row_values.len()));
        row_values.extend(values);
        self.link(write.into(), condition.into(), row_values)
    }

    /// Adds the row that announces the change to other replicas on PostgreSQL. They see it if and when the chain commits.
    pub(in crate::store) fn announce(self, ids: Option<String>) -> Self {
        match ids.filter(|_| self.backend == DbBackend::Postgres) {
            Some(ids) => self.link("INSERT INTO change (ids) SELECT ?".into(), "".into(), vec![ids.into()]),
            None => self,
        }
    }

    fn link(mut self, write: Cow<'static, str>, condition: Cow<'static, str>, values: Vec<Value>) -> Self {
        self.links.push(Link { write, condition, values });
        self
    }

    /// Executes the chain; returns whether every link has written its row. If not, the caller must roll back, unless this was a
    /// single statement of PostgreSQL, which has then written nothing.
    pub(in crate::store) async fn run(self, connection: &impl ConnectionTrait) -> Result<bool, DbErr> {
        let (sql, rows) = match self.backend {
            DbBackend::Postgres => (self.postgres(), 1),
            _ => (self.sqlite(), self.links.len()),
        };
        let values = self.links.into_iter().flat_map(|link| link.values);
        execute(connection, Statement::from_sql_and_values(self.backend, sql, values), rows).await
    }

    /// On SQLite, whether the other chain consists of the same statements, if with other values.
    pub(in crate::store) fn has_statements_of(&self, other: &Self) -> bool {
        let alike = |(one, other): (&Link, &Link)| one.write == other.write && one.condition == other.condition;
        self.links.len() == other.links.len() && self.links.iter().zip(&other.links).all(alike)
    }

    /// How many of so many chains, which have the same statements as this one, are executed in one round trip.
    pub(in crate::store) fn count_together(&self, waiting: usize) -> usize {
        if self.begins_with_insert() { 1 << waiting.clamp(1, MAX_REPEATED).ilog2() } else { waiting.min(MAX_CHAINS) }
    }

    fn begins_with_insert(&self) -> bool {
        self.links.first().is_some_and(|link| link.write.starts_with("INSERT"))
    }

    /// On SQLite, executes chains that have the same statements, in one round trip; returns whether every link of all of them has
    /// written its row. If not, the caller must roll back. Chains that write the same row cannot be executed together.
    pub(in crate::store) async fn run_all(chains: Vec<Self>, connection: &impl ConnectionTrait) -> Result<bool, DbErr> {
        let count = chains.len();
        let Some(first) = chains.first().filter(|_| count > 1) else {
            let Some(only) = chains.into_iter().next() else { return Ok(true) };
            return only.run(connection).await;
        };
        if first.begins_with_insert() {
            let (backend, sql, rows) = (first.backend, first.sqlite().repeat(count), first.links.len() * count);
            let values = chains.into_iter().flat_map(|chain| chain.links).flat_map(|link| link.values);
            return execute(connection, Statement::from_sql_and_values(backend, sql, values), rows).await;
        }
        // A power of two, so that few statements are prepared.
        let places = count.next_power_of_two();
        let (backend, rows, sql) = (first.backend, first.links.len() * count, first.sqlite_for_many(places));
        let widths: Vec<usize> = first.links.iter().map(|link| link.values.len() + 1).collect();
        let mut values = Vec::with_capacity(widths.iter().map(|width| width * places + 1).sum());
        let mut chains: Vec<_> = chains.into_iter().map(|chain| chain.links.into_iter()).collect();
        for (number, width) in widths.into_iter().enumerate() {
            for link in chains.iter_mut().filter_map(Iterator::next) {
                values.extend(link.values);
                values.push(true.into());
            }
            values.extend(repeat_n(Value::Bool(None), width * (places - count)));
            if number > 0 {
                values.push(i64::try_from(count).ok().into());
            }
        }
        execute(connection, Statement::from_sql_and_values(backend, sql, values), rows).await
    }

    /// The statement of PostgreSQL. It returns one row if the first link has written, and none if not. It divides by zero if the first
    /// link has written and the last has not.
    fn postgres(&self) -> String {
        let (mut sql, mut place) = (String::with_capacity(2_048), 0);
        let mut placeholder = |sql: &mut String| {
            place += 1;
            sql.push_str(&format!("${place}"));
        };
        for (number, link) in (1..).zip(&self.links) {
            sql.push_str(&format!("{} link{number} AS (", if number == 1 { "WITH" } else { "," }));
            replace_places(&mut sql, &link.write, &mut placeholder);
            let before = (number > 1).then(|| format!("EXISTS (SELECT FROM link{})", number - 1));
            for (word, condition) in ["WHERE", "AND"].iter().zip(link.conditions(before.as_deref())) {
                sql.push_str(&format!(" {word} "));
                replace_places(&mut sql, condition, &mut placeholder);
            }
            sql.push_str(" RETURNING 1)");
        }
        sql.push_str(&format!(" SELECT 1 / (SELECT count(*) FROM link{}) FROM link1", self.links.len()));
        sql
    }

    /// The statements of SQLite.
    fn sqlite(&self) -> String {
        let mut sql = String::with_capacity(2_048);
        for (number, link) in self.links.iter().enumerate() {
            sql.push_str(&link.write);
            for (word, condition) in
                ["WHERE", "AND"].iter().zip(link.conditions((number > 0).then_some("changes() = 1")))
            {
                sql.extend([" ", word, " ", condition]);
            }
            sql.push_str("; ");
        }
        sql
    }

    /// The statements of SQLite for so many chains. Each takes a table of values: a row for each chain, which ends in TRUE, and rows of
    /// NULL for the places that are left over.
    fn sqlite_for_many(&self, places: usize) -> String {
        let mut sql = String::with_capacity(1_024 + 256 * places);
        for (number, link) in self.links.iter().enumerate() {
            let width = link.values.len() + 1;
            let mut column = 0;
            let mut placeholder = |sql: &mut String| {
                column += 1;
                sql.push_str(&format!("given.column{column}"));
            };
            replace_places(&mut sql, &link.write, &mut placeholder);
            let row = format!("({})", places_for(width));
            sql.push_str(&format!(
                " FROM (VALUES {}) AS given WHERE given.column{width}",
                vec![row; places].join(", ")
            ));
            for condition in link.conditions(None) {
                sql.push_str(" AND ");
                replace_places(&mut sql, condition, &mut placeholder);
            }
            sql.push_str(if number > 0 { " AND changes() = ?; " } else { "; " });
        }
        sql
    }
}

impl Link {
    /// Its own condition, and that of its place in the chain.
    fn conditions<'a>(&'a self, place: Option<&'a str>) -> impl Iterator<Item = &'a str> {
        Some(self.condition.as_ref()).filter(|own| !own.is_empty()).into_iter().chain(place)
    }
}

/// Executes statements that write so many rows; returns whether they did.
async fn execute(connection: &impl ConnectionTrait, statement: Statement, rows: usize) -> Result<bool, DbErr> {
    match connection.execute_raw(statement).await {
        Ok(outcome) => Ok(outcome.rows_affected() == rows as u64),
        Err(err) if is_broken(&err) => Ok(false),
        Err(err) => Err(err),
    }
}

fn places_for(values: usize) -> String {
    vec!["?"; values].join(", ")
}

/// Appends a text, with something else in place of each `?`.
fn replace_places(sql: &mut String, text: &str, mut placeholder: impl FnMut(&mut String)) {
    let mut pieces = text.split('?');
    sql.extend(pieces.next());
    for piece in pieces {
        placeholder(sql);
        sql.push_str(piece);
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
            .update("UPDATE a SET b = ?", "c = ?", [1.into(), 2.into()])
            .update("UPDATE d SET e = ?", "f", [3.into()])
            .link("INSERT INTO g (h) SELECT ?".into(), "".into(), vec![4.into()])
    }

    #[test]
    fn each_link_depends_on_the_one_before_and_placeholders_are_numbered_throughout() {
        assert_eq!(
            chain(DbBackend::Postgres).postgres(),
            "WITH link1 AS (UPDATE a SET b = $1 WHERE c = $2 RETURNING 1), \
             link2 AS (UPDATE d SET e = $3 WHERE f AND EXISTS (SELECT FROM link1) RETURNING 1), \
             link3 AS (INSERT INTO g (h) SELECT $4 WHERE EXISTS (SELECT FROM link2) RETURNING 1) \
             SELECT 1 / (SELECT count(*) FROM link3) FROM link1"
        );
        assert_eq!(
            chain(DbBackend::Sqlite).sqlite(),
            "UPDATE a SET b = ? WHERE c = ?; UPDATE d SET e = ? WHERE f AND changes() = 1; \
             INSERT INTO g (h) SELECT ? WHERE changes() = 1; "
        );
        assert_eq!(
            chain(DbBackend::Sqlite).sqlite_for_many(2),
            "UPDATE a SET b = given.column1 FROM (VALUES (?, ?, ?), (?, ?, ?)) AS given \
             WHERE given.column3 AND c = given.column2; \
             UPDATE d SET e = given.column1 FROM (VALUES (?, ?), (?, ?)) AS given \
             WHERE given.column2 AND f AND changes() = ?; \
             INSERT INTO g (h) SELECT given.column1 FROM (VALUES (?, ?), (?, ?)) AS given \
             WHERE given.column2 AND changes() = ?; "
        );
    }
}
