//! Writing uses in batches. No rule depends on them, so nothing waits for them and nothing is published.
//!
//! Counts are added and times are moved forward, so replicas may write in any order. Rows are always locked in the order of their keys:
//! first those of users, then tokens. So there is no deadlock, and a token, for which a rotation may wait, is locked for the shortest time.

use std::collections::BTreeMap;

use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Value};

use crate::domain::id::TokenId;
use crate::domain::timestamp::Timestamp;
use crate::domain::value_use::{MAX_KEPT_USERS, RecordedUse, User, UserUse, ValueUse};
use crate::store::connect::pool::PoolTransaction;
use crate::store::entity::api_token;
use crate::store::sql::Sql;
use crate::store::token::columns::Columns;
use crate::store::{Error, Store};

use super::{hour, sort_keys};

/// Adds to the rows of users.
const ADD_USERS: &str = " ON CONFLICT (token_id, generation, address, user_agent) DO UPDATE SET
    first_seen_at = CASE WHEN excluded.first_seen_at < api_token_value_user.first_seen_at
        THEN excluded.first_seen_at ELSE api_token_value_user.first_seen_at END,
    last_seen_at = CASE WHEN excluded.last_seen_at > api_token_value_user.last_seen_at
        THEN excluded.last_seen_at ELSE api_token_value_user.last_seen_at END,
    last_seen_hour = CASE WHEN excluded.last_seen_hour > api_token_value_user.last_seen_hour
        THEN excluded.last_seen_hour ELSE api_token_value_user.last_seen_hour END,
    use_count = api_token_value_user.use_count + excluded.use_count";

/// More rows than one value can have before the oldest are deleted.
const UNBOUNDED: u32 = 1_000_000;

/// Which value of which token.
type Key = (TokenId, u32);

impl Store {
    /// Adds these uses to their values, users and tokens: all or nothing. One statement takes a few thousand.
    ///
    /// # Errors
    /// When the database fails. If it fails while it commits, the uses may have been added.
    pub async fn write_uses(&self, uses: &[RecordedUse]) -> Result<(), Error> {
        if uses.is_empty() {
            return Ok(());
        }
        if let Some(file) = &self.file {
            // A stopping server must write nothing to a file that was replaced: SQLite would apply its log to the file in its place.
            file.check()?;
        }
        let (values, tokens) = by_value_and_token(uses);
        let transaction = self.begin().await?;
        let connection = transaction.connection();
        write_users(connection, &values).await?;
        lock_tokens(connection, &tokens).await?;
        write_tokens(connection, &tokens).await?;
        write_values(connection, &values).await?;
        sort_keys::write_last_uses(connection, &tokens).await?;
        sort_keys::write_previous_uses(connection, &values).await?;
        transaction.commit().await
    }
}

/// The uses of each value with its users, and the last use of each token.
fn by_value_and_token(uses: &[RecordedUse]) -> (BTreeMap<Key, ValueUse>, BTreeMap<TokenId, Timestamp>) {
    let (mut values, mut tokens) = (BTreeMap::<Key, ValueUse>::new(), BTreeMap::<TokenId, Timestamp>::new());
    for RecordedUse { token_id, generation, user, used } in uses {
        let value = values.entry((*token_id, *generation)).or_default();
        value.add(Some(used.last_seen_at), used.count);
        if let Some(user) = user {
            value.add_user(user.clone(), *used);
        }
        let last = tokens.entry(*token_id).or_insert(used.last_seen_at);
        *last = used.last_seen_at.max(*last);
    }
    (values, tokens)
}

async fn write_users(connection: &PoolTransaction, values: &BTreeMap<Key, ValueUse>) -> Result<(), Error> {
    let mut sql = Sql::new(connection.get_database_backend());
    sql.text(
        "INSERT INTO api_token_value_user (token_id, generation, address, user_agent, first_seen_at, last_seen_at, last_seen_hour, \
         use_count) VALUES ",
    );
    let users = values.iter().flat_map(|(key, value)| value.users().map(move |(user, used)| (key, user, used)));
    let mut rows = 0;
    for ((id, generation), User { address, user_agent }, UserUse { first_seen_at, last_seen_at, count }) in users {
        let text = |text: &Option<String>| Value::from(text.as_deref().unwrap_or_default());
        let row = if rows == 0 { "(?, ?, ?, ?, ?, ?, ?, ?)" } else { ", (?, ?, ?, ?, ?, ?, ?, ?)" };
        rows += 1;
        sql.push(
            row,
            [
                id.to_string().into(),
                i64::from(*generation).into(),
                text(address),
                text(user_agent),
                first_seen_at.unix_millis().into(),
                last_seen_at.unix_millis().into(),
                hour(last_seen_at).into(),
                to_i64(count).into(),
            ],
        );
    }
    if rows == 0 {
        return Ok(());
    }
    sql.text(ADD_USERS);
    connection.execute_raw(sql.statement()).await?;
    for (id, generation) in crowded(connection, values).await? {
        delete_oldest_users(connection, &id, generation).await?;
    }
    Ok(())
}

/// Which of these values have more users than are kept.
async fn crowded(connection: &PoolTransaction, values: &BTreeMap<Key, ValueUse>) -> Result<Vec<(String, i64)>, Error> {
    let mut sql = Sql::new(connection.get_database_backend());
    sql.text("SELECT known.token_id, known.generation FROM (VALUES ");
    for (number, (id, generation)) in values.keys().enumerate() {
        let row = if number == 0 { "(?, ?)" } else { ", (?, ?)" };
        sql.push(row, [id.to_string().into(), i64::from(*generation).into()]);
    }
    sql.push(
        ") AS used CROSS JOIN api_token_value_user AS known WHERE known.token_id = used.column1
         AND known.generation = used.column2 GROUP BY known.token_id, known.generation HAVING count(*) > ?",
        [kept().into()],
    );
    let rows = connection.query_all_raw(sql.statement()).await?;
    let key = |row| {
        let mut columns = Columns::new(row, 0);
        Ok((columns.take()?, columns.take()?))
    };
    rows.iter().map(key).collect()
}

async fn delete_oldest_users(connection: &PoolTransaction, id: &str, generation: i64) -> Result<(), Error> {
    let mut sql = Sql::new(connection.get_database_backend());
    // Another replica may be adding to the rows that are skipped.
    let skip = if sql.is_postgres() { " FOR UPDATE SKIP LOCKED" } else { "" };
    sql.push(
        "DELETE FROM api_token_value_user WHERE (token_id, generation, address, user_agent) IN (
             SELECT token_id, generation, address, user_agent FROM api_token_value_user WHERE token_id = ? AND generation = ?
             ORDER BY last_seen_at DESC, address, user_agent LIMIT ? OFFSET ?",
        [id.into(), generation.into(), i64::from(UNBOUNDED).into(), kept().into()],
    );
    sql.text(skip).text(")");
    connection.execute_raw(sql.statement()).await?;
    Ok(())
}

async fn lock_tokens(connection: &PoolTransaction, tokens: &BTreeMap<TokenId, Timestamp>) -> Result<(), Error> {
    if Sql::new(connection.get_database_backend()).is_postgres() {
        api_token::Entity::find()
            .select_only()
            .column(api_token::Column::Id)
            .filter(api_token::Column::Id.is_in(tokens.keys().map(ToString::to_string)))
            .order_by_asc(api_token::Column::Id)
            .lock_exclusive()
            .into_tuple::<String>()
            .all(connection)
            .await?;
    }
    Ok(())
}

async fn write_tokens(connection: &PoolTransaction, tokens: &BTreeMap<TokenId, Timestamp>) -> Result<(), Error> {
    let mut sql = Sql::new(connection.get_database_backend());
    sql.text("UPDATE api_token SET last_used_at = used.column2 FROM (VALUES ");
    for (number, (id, last)) in tokens.iter().enumerate() {
        let row = if number == 0 { "(?, ?)" } else { ", (?, ?)" };
        sql.push(row, [id.to_string().into(), last.unix_millis().into()]);
    }
    sql.text(
        ") AS used WHERE api_token.id = used.column1
         AND (api_token.last_used_at IS NULL OR api_token.last_used_at < used.column2)",
    );
    connection.execute_raw(sql.statement()).await?;
    Ok(())
}

async fn write_values(connection: &PoolTransaction, values: &BTreeMap<Key, ValueUse>) -> Result<(), Error> {
    let mut sql = Sql::new(connection.get_database_backend());
    sql.text(
        "UPDATE api_token_value SET use_count = api_token_value.use_count + used.column4,
         last_used_at = CASE WHEN api_token_value.last_used_at > used.column3 THEN api_token_value.last_used_at ELSE used.column3 END
         FROM (VALUES ",
    );
    for (number, ((id, generation), value)) in values.iter().enumerate() {
        let row = if number == 0 { "(?, ?, ?, ?)" } else { ", (?, ?, ?, ?)" };
        let last = value.last_used_at.map(Timestamp::unix_millis);
        let count = to_i64(value.count);
        sql.push(row, [id.to_string().into(), i64::from(*generation).into(), last.into(), count.into()]);
    }
    sql.text(") AS used WHERE api_token_value.token_id = used.column1 AND api_token_value.generation = used.column2");
    connection.execute_raw(sql.statement()).await?;
    Ok(())
}

fn kept() -> i64 {
    i64::try_from(MAX_KEPT_USERS).unwrap_or(i64::MAX)
}

fn to_i64(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
