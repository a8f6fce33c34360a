//! Reading how values were used.

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, QueryResult, Value};

use crate::domain::id::TokenId;
use crate::domain::timestamp::Timestamp;
use crate::domain::value_use::{User, UserUse, ValueUse};
use crate::store::sql::Sql;
use crate::store::token::columns::Columns;
use crate::store::{Error, Store, Transaction};

impl Store {
    /// How each of these values was used, with the users that were seen after this time, if there is one. A value that does not exist is left out.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_value_uses(
        &self,
        values: &[(TokenId, u32)],
        seen_since: Option<Timestamp>,
    ) -> Result<BTreeMap<(TokenId, u32), ValueUse>, Error> {
        let mut found = BTreeMap::new();
        if values.is_empty() {
            return Ok(found);
        }
        let mut sql = Sql::new(self.read.get_database_backend());
        sql.text("SELECT value.token_id, value.generation, value.first_used_at, value.last_used_at, value.use_count");
        if seen_since.is_some() {
            sql.text(", seen.address, seen.user_agent, seen.first_seen_at, seen.last_seen_at, seen.use_count");
        }
        sql.text(" FROM (VALUES ");
        for (number, (id, generation)) in values.iter().enumerate() {
            let row = if number == 0 { "(?, ?)" } else { ", (?, ?)" };
            sql.push(row, [id.to_string().into(), i64::from(*generation).into()]);
        }
        // With CROSS, SQLite joins in the order in which the tables are written.
        sql.text(") AS asked CROSS JOIN api_token_value AS value");
        if let Some(since) = seen_since {
            sql.push(
                " LEFT JOIN api_token_value_user AS seen ON seen.token_id = value.token_id \
                 AND seen.generation = value.generation AND seen.last_seen_at > ?",
                [since.unix_millis().into()],
            );
        }
        sql.text(" WHERE value.token_id = asked.column1 AND value.generation = asked.column2");
        for row in self.read.query_all_raw(sql.statement()).await? {
            add(&mut found, &row, seen_since.is_some())?;
        }
        Ok(found)
    }
}

impl Transaction {
    /// When the value of this generation was last used, as far as that was written.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn last_use_of_value(&self, id: TokenId, generation: u32) -> Result<Option<Timestamp>, Error> {
        let connection = self.connection();
        let mut sql = Sql::new(connection.get_database_backend());
        sql.push(
            "SELECT first_used_at, last_used_at FROM api_token_value WHERE token_id = ? AND generation = ?",
            [id.to_string().into(), Value::from(i64::from(generation))],
        );
        let Some(row) = connection.query_one_raw(sql.statement()).await? else { return Ok(None) };
        last_use(&mut Columns::new(&row, 0))
    }
}

/// The last use of a value, whose first one is written before any other.
fn last_use(columns: &mut Columns<'_>) -> Result<Option<Timestamp>, Error> {
    Ok(columns.moment_if_any()?.max(columns.moment_if_any()?))
}

/// Adds a row: a value, and one of its users if it has any.
fn add(found: &mut BTreeMap<(TokenId, u32), ValueUse>, row: &QueryResult, with_user: bool) -> Result<(), Error> {
    let mut columns = Columns::new(row, 0);
    let key = (columns.parse(TokenId::parse)?, columns.number()?);
    let (last_used_at, count) = (last_use(&mut columns)?, to_count(columns.take()?));
    let value = found.entry(key).or_insert_with(|| {
        let mut value = ValueUse::default();
        value.add(last_used_at, count);
        value
    });
    if !with_user {
        return Ok(());
    }
    let Some(address) = columns.take_if_any::<String>()? else { return Ok(()) };
    let known = |text: String| Some(text).filter(|text| !text.is_empty());
    let user = User { address: known(address), user_agent: known(columns.take()?) };
    let (first_seen_at, last_seen_at) = (columns.moment()?, columns.moment()?);
    value.add_user(user, UserUse { first_seen_at, last_seen_at, count: to_count(columns.take()?) });
    Ok(())
}

fn to_count(count: i64) -> u64 {
    u64::try_from(count).unwrap_or_default()
}
