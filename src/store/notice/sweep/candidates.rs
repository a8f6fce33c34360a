//! The tokens of which a deadline may be to be announced, in the order of that moment, each read from an index. The rules decide, on the tokens.

use sea_orm::{ConnectionTrait, DbBackend, Statement, Value};

use crate::domain::id::TokenId;
use crate::domain::listing::SortKey;
use crate::domain::notice::Deadline;
use crate::domain::timestamp::Timestamp;
use crate::domain::token::Token;
use crate::domain::value_use::LAST_USE_LAG_MINUTES;
use crate::store::sql::Sql;
use crate::store::token::columns::Columns;
use crate::store::token::read::{self, TokenRows};
use crate::store::{Error, Store, Transaction};

use super::position::SweepPosition;

const MILLIS_PER_MINUTE: i64 = 60_000;

/// A part of the candidates that one index has.
#[derive(Clone, Copy)]
enum Branch {
    /// Tokens with sort keys, by their expiry.
    Expiry,
    /// Values, by when they retire.
    Retirement,
    /// Tokens that were used, by their last use.
    LastUse,
    /// Tokens with sort keys that were never used, by their creation.
    NeverUsed,
    /// Tokens without sort keys, by their expiry.
    UnsortedExpiry,
    /// Tokens without sort keys, by their last use or creation.
    UnsortedUse,
    /// Current values, by when so much of each period has passed.
    Rotation(i64),
}

impl Deadline {
    fn branches(self) -> Vec<Branch> {
        match self {
            Self::Expiry(_) => vec![Branch::Expiry, Branch::UnsortedExpiry],
            Self::Rotation(passed) => vec![Branch::Rotation(passed.millis_left_per_minute())],
            Self::OverlapEnd(_) => vec![Branch::Retirement],
            Self::Unused(_) => vec![Branch::LastUse, Branch::NeverUsed, Branch::UnsortedUse],
        }
    }

    /// By how many milliseconds what is in the index is later than the announcement.
    fn index_offset(self) -> i64 {
        match self {
            Self::Expiry(minutes) | Self::OverlapEnd(minutes) => i64::from(minutes) * MILLIS_PER_MINUTE,
            // Unless the index has a later use by then, there was none after that lag.
            Self::Unused(minutes) => -(i64::from(minutes) + i64::from(LAST_USE_LAG_MINUTES)) * MILLIS_PER_MINUTE,
            Self::Rotation(_) => 0,
        }
    }
}

/// A range of what is in an index: after this moment and token, and until that moment.
struct Range {
    after: i64,
    token: String,
    until: i64,
}

/// The next candidates after this position and until this moment: ids, and the moments by which they were found.
fn statement(backend: DbBackend, deadline: Deadline, after: SweepPosition, until: Timestamp, most: u32) -> Statement {
    let offset = deadline.index_offset();
    let range = Range {
        after: after.at.unix_millis().saturating_add(offset),
        token: after.token(),
        until: until.unix_millis().saturating_add(offset),
    };
    let mut sql = Sql::new(backend);
    sql.merge(&deadline.branches(), "due, id", u64::from(most), |sql, branch| branch.write(sql, &range));
    sql.statement()
}

impl Branch {
    fn write(self, sql: &mut Sql, range: &Range) {
        let (due, id) = match self {
            Self::Expiry => {
                sql.text("SELECT sorted.token_id AS id, sorted.expires_at AS due FROM api_token_sort_key AS sorted");
                sql.indexed_by("api_token_sort_key_expires_at_idx").text(" WHERE 1 = 1");
                ("sorted.expires_at", "sorted.token_id")
            }
            Self::Retirement => {
                sql.text("SELECT value.token_id AS id, value.retires_at AS due FROM api_token_value AS value");
                sql.indexed_by("api_token_value_retires_at_idx").text(" WHERE value.retires_at IS NOT NULL");
                ("value.retires_at", "value.token_id")
            }
            Self::LastUse => {
                sql.text("SELECT sorted.token_id AS id, sorted.last_used_at AS due FROM api_token_sort_key AS sorted");
                sql.indexed_by("api_token_sort_key_last_used_at_idx");
                sql.text(&format!(" WHERE sorted.last_used_at > {}", SortKey::NOT_YET));
                ("sorted.last_used_at", "sorted.token_id")
            }
            Self::NeverUsed => {
                sql.text("SELECT sorted.token_id AS id, api_token.created_at AS due FROM api_token_sort_key AS sorted");
                sql.indexed_by("api_token_sort_key_last_used_at_idx");
                // Ids sort by creation.
                let first = |at: i64| Value::from(TokenId::first_of(Timestamp::from_unix_millis(at)).to_string());
                sql.text(&format!(
                    " CROSS JOIN api_token WHERE api_token.id = sorted.token_id AND sorted.last_used_at = {}",
                    SortKey::NOT_YET
                ));
                sql.push(
                    " AND sorted.token_id >= ? AND sorted.token_id < ?",
                    [first(range.after), first(range.until.saturating_add(1))],
                );
                ("api_token.created_at", "sorted.token_id")
            }
            Self::UnsortedExpiry => {
                sql.text("SELECT api_token.id AS id, api_token.expires_at AS due FROM api_token");
                sql.indexed_by("api_token_unsorted_idx").text(" WHERE NOT has_sort_keys");
                ("api_token.expires_at", "api_token.id")
            }
            Self::UnsortedUse => {
                sql.text("SELECT api_token.id AS id, coalesce(api_token.last_used_at, api_token.created_at) AS due FROM api_token");
                sql.indexed_by("api_token_unsorted_idx").text(" WHERE NOT has_sort_keys");
                ("coalesce(api_token.last_used_at, api_token.created_at)", "api_token.id")
            }
            Self::Rotation(left) => {
                write_rotation(sql, range, left);
                return;
            }
        };
        let Range { after, token, until } = range;
        sql.push(
            &format!(" AND {due} >= ? AND ({due}, {id}) > (?, ?) AND {due} <= ?"),
            [(*after).into(), (*after).into(), token.as_str().into(), (*until).into()],
        );
    }
}

/// Current values by when so much of their rotation period has passed: for each different period, a range of when it ends. There are few
/// periods, and each is the next greater one in an index.
fn write_rotation(sql: &mut Sql, Range { after, token, until }: &Range, left: i64) {
    sql.text("WITH RECURSIVE period (minutes) AS (SELECT min(rotation_period_minutes) FROM api_token");
    sql.indexed_by("api_token_rotation_period_idx").text(" WHERE rotation_period_minutes > 0");
    sql.text(" UNION ALL SELECT (SELECT min(rotation_period_minutes) FROM api_token");
    sql.indexed_by("api_token_rotation_period_idx");
    sql.text(" WHERE rotation_period_minutes > 0 AND rotation_period_minutes > period.minutes)");
    sql.text(" FROM period WHERE period.minutes IS NOT NULL)");
    sql.text(&format!(
        " SELECT value.token_id AS id, value.overdue_at - period.minutes * {left} AS due
         FROM period CROSS JOIN api_token_value AS value"
    ));
    sql.indexed_by("api_token_value_overdue_at_idx");
    sql.push(
        &format!(
            " WHERE period.minutes IS NOT NULL AND value.overdue_at IS NOT NULL AND value.replaced_at IS NULL
             AND value.overdue_at >= ? + period.minutes * {left} AND value.overdue_at <= ? + period.minutes * {left}
             AND value.overdue_at - value.created_at = period.minutes * {MILLIS_PER_MINUTE}
             AND (value.overdue_at - period.minutes * {left}, value.token_id) > (?, ?)"
        ),
        [(*after).into(), (*until).into(), (*after).into(), token.as_str().into()],
    );
}

/// Reads ids and moments. A token may be found twice.
async fn find(
    connection: &impl ConnectionTrait,
    deadline: Deadline,
    after: SweepPosition,
    until: Timestamp,
    most: u32,
) -> Result<Vec<SweepPosition>, Error> {
    let rows = statement(connection.get_database_backend(), deadline, after, until, most);
    let rows = connection.query_all_raw(rows).await?;
    let offset = deadline.index_offset();
    let position = |row| {
        let mut columns = Columns::new(row, 0);
        let token_id = columns.parse(TokenId::parse)?;
        let due: i64 = columns.take()?;
        Ok(SweepPosition { at: Timestamp::from_unix_millis(due.saturating_sub(offset)), token_id: Some(token_id) })
    };
    rows.iter().map(position).collect()
}

impl Store {
    /// Whether a deadline may be to be announced after this position and until this moment.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn has_deadlines(
        &self,
        deadline: Deadline,
        after: SweepPosition,
        until: Timestamp,
    ) -> Result<bool, Error> {
        Ok(!find(&self.read, deadline, after, until, 1).await?.is_empty())
    }

    /// The query plan of the search for candidates, as that of [`Store::explain_list`].
    ///
    /// # Errors
    /// When the database fails.
    pub async fn explain_deadlines(
        &self,
        deadline: Deadline,
        after: SweepPosition,
        until: Timestamp,
        most: u32,
    ) -> Result<String, Error> {
        self.explain(statement(self.read.get_database_backend(), deadline, after, until, most)).await
    }
}

impl Transaction {
    /// The next candidates for a deadline after this position and until this moment, in the order of the moments by which they were found.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_deadlines(
        &self,
        deadline: Deadline,
        after: SweepPosition,
        until: Timestamp,
        most: u32,
    ) -> Result<Vec<SweepPosition>, Error> {
        find(self.connection(), deadline, after, until, most).await
    }

    /// The tokens of these ids, in the order of the ids, without those that do not exist.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_tokens(&self, ids: &[TokenId]) -> Result<Vec<Token>, Error> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let mut sql = Sql::new(self.connection().get_database_backend());
        sql.text(read::select(self.connection().get_database_backend()));
        sql.text(&format!(
            " FROM api_token CROSS JOIN api_token_value WHERE {} AND api_token.id IN (",
            read::JOIN_VALUES
        ));
        for (place, id) in ids.iter().enumerate() {
            sql.push(if place == 0 { "?" } else { ", ?" }, [id.to_string().into()]);
        }
        // The rows of a token must be adjacent. On SQLite they are.
        sql.text(if sql.is_postgres() { ") ORDER BY api_token.id" } else { ")" });
        let rows = TokenRows::query(self.connection(), sql.statement()).await?;
        let mut tokens = rows.read()?.tokens()?;
        tokens.sort_by_key(|token| token.id);
        Ok(tokens)
    }
}
