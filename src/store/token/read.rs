//! Reading tokens from rows: the list of columns, and how rows become tokens. One statement reads a token with its values.
//!
//! This bypasses SeaORM's entities because every cache miss waits for it: only the columns that are needed are read, and by
//! position. How each column is written and read is beside its entity.

use std::sync::LazyLock;

use sea_orm::QueryResult;

use crate::domain::id::TokenId;
use crate::domain::token::{Token, ValueFacts};

use crate::store::Error;
use crate::store::entity::{api_token, api_token_value};

use super::columns::Columns;

/// The columns of a token joined with one of its values, in the order in which they are read.
pub(in crate::store) static COLUMNS: LazyLock<String> = LazyLock::new(|| {
    let (value, settings) = (api_token_value::COLUMNS, api_token::SETTINGS);
    format!(
        "api_token.id, api_token.generation, api_token.previous_generation, {value}{settings}api_token.created_at, \
         api_token.created_by, api_token.updated_at, api_token.updated_by, api_token.last_used_at, api_token.revoked_at"
    )
});

/// The condition by which a token is joined with its current and its previous value. For `IN` alone, SQLite fills a temporary table
/// for every token; so the index is read by a range, and the `+` keeps `IN` from being used for that.
pub(in crate::store) const JOIN_VALUES: &str = "api_token_value.token_id = api_token.id \
    AND api_token_value.generation BETWEEN coalesce(api_token.previous_generation, api_token.generation) AND api_token.generation \
    AND +api_token_value.generation IN (api_token.generation, api_token.previous_generation)";

/// A row: a token joined with one of its values.
pub(in crate::store) struct Row<'a> {
    columns: Columns<'a>,
    id: TokenId,
    generation: u32,
    previous_generation: Option<u32>,
    value: ValueFacts,
}

impl<'a> Row<'a> {
    /// Reads a row that has these columns, starting at the position `first`.
    pub(in crate::store) fn read(row: &'a QueryResult, first: usize) -> Result<Self, Error> {
        let mut columns = Columns::new(row, first);
        Ok(Self {
            id: columns.parse(TokenId::parse)?,
            generation: columns.number()?,
            previous_generation: columns.number_if_any()?,
            value: api_token_value::read(&mut columns)?,
            columns,
        })
    }

    /// Whether the value is the current one of its token.
    pub(in crate::store) fn is_current(&self) -> bool {
        self.value.generation == self.generation
    }
}

/// The tokens of these rows. The rows of one token must be adjacent. A row whose value is neither the current nor the previous one
/// is ignored.
pub(in crate::store) fn tokens<'a>(
    rows: impl IntoIterator<Item = Result<Row<'a>, Error>>,
) -> Result<Vec<Token>, Error> {
    let mut tokens = Vec::new();
    let (mut current, mut previous): (Option<Row<'a>>, Option<Row<'a>>) = (None, None);
    for row in rows {
        let row = row?;
        let other = |known: &Option<Row<'_>>| known.as_ref().is_some_and(|known| known.id != row.id);
        if other(&current) || other(&previous) {
            tokens.extend(token(current.take(), previous.take())?);
        }
        if row.is_current() {
            current = Some(row);
        } else if row.previous_generation == Some(row.value.generation) {
            previous = Some(row);
        }
    }
    tokens.extend(token(current, previous)?);
    Ok(tokens)
}

/// The token of its two rows; `None` if there are none.
fn token(current: Option<Row<'_>>, previous: Option<Row<'_>>) -> Result<Option<Token>, Error> {
    let Some(Row { mut columns, id, value, .. }) = current else {
        let without = |row: Row<'_>| Err(Error::Unreadable(format!("api_token {}: no current value", row.id)));
        return previous.map_or(Ok(None), without);
    };
    let settings = api_token::read_settings(&mut columns)?;
    let (created_at, created_by) = (columns.moment()?, columns.actor()?);
    let (updated_at, updated_by) = (columns.moment_if_any()?, columns.actor()?);
    Ok(Some(Token {
        id,
        settings,
        created_at,
        created_by,
        updated: updated_at.map(|at| (at, updated_by)),
        last_used_at: columns.moment_if_any()?,
        revoked_at: columns.moment_if_any()?,
        current: value,
        previous: previous.map(|row| Box::new(row.value)),
    }))
}
