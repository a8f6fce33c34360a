//! Converting between columns and the plain values of `domain`. A column that cannot be read is an error: guessing a setting could
//! let a token do too much.

use std::borrow::Cow;
use std::fmt::{self, Display};

use sea_orm::sqlx::{self, Decode, Postgres, Row as _, Sqlite, Type};
use sea_orm::{DbErr, QueryResult, RuntimeErr};
use serde::de::{Deserialize, Deserializer, Visitor};

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

pub(in crate::store) fn actor_name(actor: Actor) -> Option<String> {
    actor.token_id().map(|id| id.to_string())
}

fn unreadable(table: &str, what: &str, id: &str) -> Error {
    Error::Unreadable(format!("{table} {id}: {what}"))
}

/// A column of a row that SQLite returned as JSON.
#[derive(Debug)]
pub(in crate::store) enum JsonColumn<'a> {
    Null,
    Integer(i64),
    Text(Cow<'a, str>),
    /// Of a type that no column has.
    Other,
}

/// A type that a column is read as.
pub(in crate::store) trait Column<'a>:
    Decode<'a, Sqlite> + Type<Sqlite> + Decode<'a, Postgres> + Type<Postgres>
{
    /// `None` if the column, which is not null, is of another type.
    fn of_json(column: &'a JsonColumn<'_>) -> Option<Self>;
}

/// Reads the columns of a row, one after the other.
#[derive(Clone)]
pub(in crate::store) struct Columns<'a> {
    row: Row<'a>,
    next: usize,
}

#[derive(Clone, Copy)]
pub(in crate::store) enum Row<'a> {
    Json(&'a [JsonColumn<'a>]),
    /// Read through the driver: SeaORM copies every text, and writes an error message for every NULL before it returns `None`.
    Driver(&'a QueryResult),
}

impl<'a> Columns<'a> {
    pub(in crate::store) fn of(row: Row<'a>) -> Self {
        Self { row, next: 0 }
    }

    /// The columns of a row from the position `first`.
    pub(in crate::store) fn new(row: &'a QueryResult, first: usize) -> Self {
        Self { row: Row::Driver(row), next: first }
    }

    /// A column that is never NULL.
    pub(in crate::store) fn take<T: Column<'a>>(&mut self) -> Result<T, Error> {
        self.take_if_any()?.ok_or_else(|| self.is_null())
    }

    /// A column that can be NULL.
    pub(in crate::store) fn take_if_any<T: Column<'a>>(&mut self) -> Result<Option<T>, Error> {
        let place = self.next;
        self.next += 1;
        match self.row {
            Row::Driver(row) => decode(row, place),
            Row::Json(columns) => match columns.get(place) {
                Some(JsonColumn::Null) => Ok(None),
                Some(column) => T::of_json(column).map(Some).ok_or_else(|| self.is_unreadable()),
                None => Err(self.is_unreadable()),
            },
        }
    }

    /// A column of so many bytes, which is never NULL.
    pub(in crate::store) fn bytes<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        self.bytes_if_any()?.ok_or_else(|| self.is_null())
    }

    /// A column of so many bytes, or NULL.
    pub(in crate::store) fn bytes_if_any<const N: usize>(&mut self) -> Result<Option<[u8; N]>, Error> {
        let bytes = match self.row {
            Row::Driver(row) => {
                let place = self.next;
                self.next += 1;
                let Some(bytes) = decode::<&[u8]>(row, place)? else { return Ok(None) };
                bytes.try_into().ok()
            }
            // NULL in hexadecimal is an empty text.
            Row::Json(_) => match self.take::<&str>()? {
                "" => return Ok(None),
                text => of_hexadecimal(text),
            },
        };
        bytes.map(Some).ok_or_else(|| self.is_unreadable())
    }

    /// The error if the last column is NULL. The driver for SQLite would read NULL as 0 or as an empty text.
    fn is_null(&self) -> Error {
        Error::Unreadable(format!("column {} of a token is NULL", self.next))
    }

    fn is_unreadable(&self) -> Error {
        Error::Unreadable(format!("column {} of a token", self.next))
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
        parse(text).ok_or_else(|| self.is_unreadable())
    }

    /// As [`Columns::parse`], for a column that may be NULL.
    pub(in crate::store) fn parse_if_any<T>(
        &mut self,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, Error> {
        let text: Option<&str> = self.take_if_any()?;
        text.map(|text| parse(text).ok_or_else(|| self.is_unreadable())).transpose()
    }
}

fn decode<'a, T>(row: &'a QueryResult, place: usize) -> Result<Option<T>, Error>
where
    T: Decode<'a, Sqlite> + Type<Sqlite> + Decode<'a, Postgres> + Type<Postgres>,
{
    let column = match (row.try_as_sqlite_row(), row.try_as_pg_row()) {
        (Some(row), _) => row.try_get(place),
        (None, Some(row)) => row.try_get(place),
        (None, None) => Err(sqlx::Error::RowNotFound),
    };
    Ok(column.map_err(|err| DbErr::Query(RuntimeErr::SqlxError(err.into())))?)
}

fn of_hexadecimal<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digit = |digit: u8| char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let mut bytes = [0; N];
    if pairs.len() != N || !rest.is_empty() {
        return None;
    }
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Some(bytes)
}

impl<'a> Column<'a> for i64 {
    fn of_json(column: &'a JsonColumn<'_>) -> Option<Self> {
        if let JsonColumn::Integer(number) = column { Some(*number) } else { None }
    }
}

impl<'a> Column<'a> for &'a str {
    fn of_json(column: &'a JsonColumn<'_>) -> Option<Self> {
        if let JsonColumn::Text(text) = column { Some(text) } else { None }
    }
}

impl<'a> Column<'a> for String {
    fn of_json(column: &'a JsonColumn<'_>) -> Option<Self> {
        <&str>::of_json(column).map(str::to_owned)
    }
}

impl<'a> Column<'a> for bool {
    fn of_json(column: &'a JsonColumn<'_>) -> Option<Self> {
        match column {
            JsonColumn::Integer(0) => Some(false),
            JsonColumn::Integer(1) => Some(true),
            _ => None,
        }
    }
}

impl<'de> Deserialize<'de> for JsonColumn<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(JsonColumnVisitor)
    }
}

struct JsonColumnVisitor;

impl<'de> Visitor<'de> for JsonColumnVisitor {
    type Value = JsonColumn<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("null, an integer or a text")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(JsonColumn::Null)
    }

    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(JsonColumn::Integer(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(i64::try_from(number).map_or(JsonColumn::Other, JsonColumn::Integer))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(JsonColumn::Other)
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(JsonColumn::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(JsonColumn::Text(Cow::Owned(text.to_owned())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(text: &str) -> Vec<JsonColumn<'_>> {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn null_is_never_read_as_zero_or_as_an_empty_text() {
        let row = row("[null, null, 7]");
        let mut columns = Columns::of(Row::Json(&row));
        assert!(columns.number().is_err());
        assert!(columns.take::<&str>().is_err());
        assert_eq!(columns.number().unwrap(), 7);
        assert!(columns.number().is_err(), "there is no such column");
        assert_eq!(Columns::of(Row::Json(&row)).number_if_any().unwrap(), None);
    }

    #[test]
    fn a_column_of_another_type_is_not_converted() {
        let row = row(r#"["7", 7, 2, "xy", 1.0, 9223372036854775808, "ab\n\u00e9"]"#);
        let mut columns = Columns::of(Row::Json(&row));
        assert!(columns.number().is_err());
        assert!(columns.text().is_err());
        assert!(columns.take::<bool>().is_err());
        assert!(columns.bytes::<1>().is_err());
        assert!(columns.number().is_err());
        assert!(columns.moment().is_err());
        assert_eq!(columns.take::<&str>().unwrap(), "ab\né");
    }

    #[test]
    fn bytes_are_hexadecimal_digits_and_none_are_null() {
        let row = row(r#"["00fFA0", "", "00f"]"#);
        let mut columns = Columns::of(Row::Json(&row));
        assert_eq!(columns.bytes().unwrap(), [0, 0xFF, 0xA0]);
        assert_eq!(columns.bytes_if_any::<3>().unwrap(), None);
        assert!(columns.bytes_if_any::<1>().is_err());
        let mut columns = Columns::of(Row::Json(&row));
        assert!(columns.bytes::<2>().is_err());
        assert!(columns.bytes::<0>().is_err());
    }
}
