//! Writing uses to the sort keys of tokens, from which listings read them. A token that has no sort keys yet gets them, with its last use,
//! from housekeeping.

use std::collections::BTreeMap;

use sea_orm::ConnectionTrait;

use crate::domain::id::TokenId;
use crate::domain::timestamp::Timestamp;
use crate::domain::value_use::{LAST_USE_LAG_MINUTES, ValueUse};
use crate::store::Error;
use crate::store::connect::pool::PoolTransaction;
use crate::store::sql::Sql;

const MILLIS_PER_MINUTE: i64 = 60_000;

/// Moves the last use of these tokens forward, where the one that is there is older by more than the lag. It changes an index, which on
/// PostgreSQL writes all indexes of the row; so a token that is used all the time costs that only now and then.
pub(super) async fn write_last_uses(
    connection: &PoolTransaction,
    tokens: &BTreeMap<TokenId, Timestamp>,
) -> Result<(), Error> {
    let mut sql = Sql::new(connection.get_database_backend());
    sql.text("UPDATE api_token_sort_key SET last_used_at = used.column2 FROM (VALUES ");
    for (number, (id, last)) in tokens.iter().enumerate() {
        let row = if number == 0 { "(?, ?)" } else { ", (?, ?)" };
        sql.push(row, [id.to_string().into(), last.unix_millis().into()]);
    }
    sql.push(
        ") AS used WHERE api_token_sort_key.token_id = used.column1 AND api_token_sort_key.last_used_at < used.column2 - ?",
        [(i64::from(LAST_USE_LAG_MINUTES) * MILLIS_PER_MINUTE).into()],
    );
    connection.execute_raw(sql.statement()).await?;
    Ok(())
}

/// Moves the last use of a previous value forward, for those of these values that are one.
pub(in crate::store) async fn write_previous_uses(
    connection: &PoolTransaction,
    values: &BTreeMap<(TokenId, u32), ValueUse>,
) -> Result<(), Error> {
    let mut sql = Sql::new(connection.get_database_backend());
    sql.text("UPDATE api_token_sort_key SET previous_used_at = used.column3 FROM (VALUES ");
    for (number, ((id, generation), value)) in values.iter().enumerate() {
        let row = if number == 0 { "(?, ?, ?)" } else { ", (?, ?, ?)" };
        let last = value.last_used_at.map(Timestamp::unix_millis);
        sql.push(row, [id.to_string().into(), i64::from(*generation).into(), last.into()]);
    }
    sql.text(
        ") AS used CROSS JOIN api_token WHERE api_token_sort_key.token_id = used.column1 AND api_token.id = used.column1
         AND api_token.previous_generation = used.column2
         AND (api_token_sort_key.previous_used_at IS NULL OR api_token_sort_key.previous_used_at < used.column3)",
    );
    connection.execute_raw(sql.statement()).await?;
    Ok(())
}
