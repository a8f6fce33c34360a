//! Converting between columns and the plain values of `domain`. A column that cannot be read is an error: guessing a setting could
//! let a token do too much.

use std::fmt::Display;

use sea_orm::sqlx::{self, Decode, Postgres, Row, Sqlite, Type};
use sea_orm::{DbErr, QueryResult, RuntimeErr};

use crate::domain::id::TokenId;
use crate::domain::timestamp::Timestamp;
use crate::domain::token::Actor;

use crate::store::Error;

pub(in crate::store) fn list<T: Display>(items: impl Iterator<Item = T>) -> String {
    items.map(|item| item.to_string()).collect::<Vec<_>>().join(" ")
}

pub(in crate::store) fn token_id(text: &str) -> Result<TokenId, Error> {
    TokenId::parse(text).ok_or_else(|| unreadable("api_token", "id", text))
}

pub(in crate::store) fn to_u32(number: i64) -> Result<u32, Error> {
    u32::try_from(number).map_err(|_| Error::Unreadable(format!("{number} is out of range")))
}

pub(in crate::store) fn bytes<const N: usize>(blob: &[u8]) -> Result<[u8; N], Error> {
    blob.try_into().map_err(|_| Error::Unreadable(format!("not {N} bytes")))
}

pub(in crate::store) fn actor_name(actor: Actor) -> Option<String> {
    actor.token_id().map(|id| id.to_string())
}

fn unreadable(table: &str, what: &str, id: &str) -> Error {
    Error::Unreadable(format!("{table} {id}: {what}"))
}

/// Reads the columns of a row, one after the other, through the driver: SeaORM copies every text, and writes an error message for every
/// NULL before it returns `None`.
pub(in crate::store) struct Columns<'a> {
    row: &'a QueryResult,
    next: usize,
}

impl<'a> Columns<'a> {
    /// The columns from the position `first`.
    pub(in crate::store) fn new(row: &'a QueryResult, first: usize) -> Self {
        Self { row, next: first }
    }

    /// A column that is never NULL. The driver for SQLite would read NULL as 0 or as an empty text.
    pub(in crate::store) fn take<T>(&mut self) -> Result<T, Error>
    where
        T: Decode<'a, Sqlite> + Type<Sqlite> + Decode<'a, Postgres> + Type<Postgres>,
    {
        let place = self.next;
        self.take_if_any()?.ok_or_else(|| Error::Unreadable(format!("column {place} is NULL")))
    }

    /// A column that can be NULL.
    pub(in crate::store) fn take_if_any<T>(&mut self) -> Result<Option<T>, Error>
    where
        T: Decode<'a, Sqlite> + Type<Sqlite> + Decode<'a, Postgres> + Type<Postgres>,
    {
        let place = self.next;
        self.next += 1;
        let column = match (self.row.try_as_sqlite_row(), self.row.try_as_pg_row()) {
            (Some(row), _) => row.try_get(place),
            (None, Some(row)) => row.try_get(place),
            (None, None) => Err(sqlx::Error::RowNotFound),
        };
        Ok(column.map_err(|err| DbErr::Query(RuntimeErr::SqlxError(err.into())))?)
    }

    pub(in crate::store) fn number(&mut self) -> Result<u32, Error> {
        to_u32(self.take()?)
    }

    pub(in crate::store) fn number_if_any(&mut self) -> Result<Option<u32>, Error> {
        self.take_if_any::<i64>()?.map(to_u32).transpose()
    }

    pub(in crate::store) fn text(&mut self) -> Result<Option<Box<str>>, Error> {
        Ok(self.take_if_any::<&str>()?.map(Into::into))
    }

    pub(in crate::store) fn moment(&mut self) -> Result<Timestamp, Error> {
        Ok(Timestamp::from_unix_millis(self.take()?))
    }

    pub(in crate::store) fn moment_if_any(&mut self) -> Result<Option<Timestamp>, Error> {
        Ok(self.take_if_any::<i64>()?.map(Timestamp::from_unix_millis))
    }

    pub(in crate::store) fn actor(&mut self) -> Result<Actor, Error> {
        self.take_if_any::<&str>()?.map_or(Ok(Actor::System), |id| Ok(Actor::ApiToken(token_id(id)?)))
    }

    /// Parses a text column; `None` from `parse` means that it is unreadable. During an upgrade, that can be the name of a setting
    /// that only a newer version knows. The token then fails on this replica: a setting that is not understood must not be ignored.
    pub(in crate::store) fn parse<T>(&mut self, parse: impl FnOnce(&str) -> Option<T>) -> Result<T, Error> {
        let text: &str = self.take()?;
        parse(text).ok_or_else(|| Error::Unreadable(format!("column {} of a token", self.next)))
    }
}

#[cfg(test)]
mod tests {
    use sea_orm::{ConnectionTrait, Database, DbBackend, Statement};

    use super::*;

    #[tokio::test]
    async fn null_is_never_read_as_zero_or_as_an_empty_text() {
        let connection = Database::connect("sqlite::memory:").await.unwrap();
        let statement = Statement::from_string(DbBackend::Sqlite, "SELECT NULL, NULL, 7");
        let row = connection.query_one_raw(statement).await.unwrap().unwrap();
        let mut columns = Columns::new(&row, 0);
        assert!(columns.number().is_err());
        assert!(columns.take::<&str>().is_err());
        assert_eq!(columns.number().unwrap(), 7);
        assert_eq!(Columns::new(&row, 0).number_if_any().unwrap(), None);
    }
}
