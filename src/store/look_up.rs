//! Looking up the hash of a presented value: the token that has or had it.

use std::sync::LazyLock;

use sea_orm::{ConnectionTrait, DatabaseConnection, Statement};

use crate::domain::token::Token;
use crate::domain::value::ValueHash;

use super::read::{self, Row};
use super::{Error, rows};

/// Before the columns of the token stands the generation of the value that was presented.
const BEFORE: usize = 1;

static LOOK_UP: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT presented.generation, {columns} FROM api_token_value AS presented \
         JOIN api_token ON api_token.id = presented.token_id \
         JOIN api_token_value ON api_token_value.token_id = api_token.id \
         AND api_token_value.generation IN (api_token.generation, api_token.previous_generation) \
         WHERE presented.hash = $1",
        columns = read::COLUMNS
    )
});

/// The token of the value of this hash, and the generation of that value.
pub(super) async fn find(connection: &DatabaseConnection, hash: &ValueHash) -> Result<Option<(Token, u32)>, Error> {
    let values = [hash.0.to_vec().into()];
    let statement = Statement::from_sql_and_values(connection.get_database_backend(), LOOK_UP.as_str(), values);
    let rows = connection.query_all_raw(statement).await?;
    let Some(first) = rows.first() else { return Ok(None) };
    let generation = rows::small(first.try_get_by_index(0)?)?;
    Ok(read::tokens(rows.iter().map(|row| Row::read(row, BEFORE)))?.pop().map(|token| (token, generation)))
}
