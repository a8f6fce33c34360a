//! Reading tokens from rows: the list of columns, and how rows become tokens. One statement reads a token with its values.
//!
//! This bypasses SeaORM's entities because every cache miss waits for it: only the columns that are needed are read, and by
//! position. How each column is written and read is beside its entity.

use std::sync::LazyLock;

use sea_orm::sqlx::Row as _;
use sea_orm::{ConnectionTrait, DbBackend, DbErr, QueryResult, RuntimeErr, Statement};

use crate::domain::id::TokenId;
use crate::domain::token::{Token, ValueFacts};

use crate::store::Error;
use crate::store::entity::{api_token, api_token_value};

use super::columns::{self, Columns, JsonColumn};

/// The columns of a token joined with one of its values, in the order in which they are read.
static COLUMNS: LazyLock<String> = LazyLock::new(|| {
    let (value, settings) = (api_token_value::COLUMNS, api_token::SETTINGS);
    format!(
        "api_token.id, api_token.generation, api_token.previous_generation, {value}{settings}api_token.created_at, \
         api_token.created_by, api_token.updated_at, api_token.updated_by, api_token.last_used_at, api_token.revoked_at, \
         api_token.suspended_at"
    )
});

/// A column that is read before those of the token: the hash of a value.
pub(in crate::store) const PRESENTED_HASH: &str = "presented.hash";

/// The condition by which a token is joined with its current and its previous value. For `IN` alone, SQLite fills a temporary table
/// for every token; so the index is read by a range, and the `+` keeps `IN` from being used for that.
pub(in crate::store) const JOIN_VALUES: &str = "api_token_value.token_id = api_token.id \
    AND api_token_value.generation BETWEEN coalesce(api_token.previous_generation, api_token.generation) AND api_token.generation \
    AND +api_token_value.generation IN (api_token.generation, api_token.previous_generation)";

/// The rows of a statement that reads tokens. On SQLite they are one text, an array of arrays in JSON: the driver allocates for every
/// column, and hands every row over from the thread of the connection by itself.
pub(in crate::store) enum TokenRows {
    Json(Option<QueryResult>),
    Driver(Vec<QueryResult>),
}

/// The rows, to be read one after the other.
pub(in crate::store) enum Rows<'a> {
    Json(Vec<Vec<JsonColumn<'a>>>),
    Driver(&'a [QueryResult]),
}

/// As [`select_with`], without leading columns.
pub(in crate::store) fn select(backend: DbBackend) -> &'static str {
    static SQLITE: LazyLock<String> = LazyLock::new(|| select_with(DbBackend::Sqlite, ""));
    static POSTGRES: LazyLock<String> = LazyLock::new(|| select_with(DbBackend::Postgres, ""));
    if backend == DbBackend::Sqlite { &SQLITE } else { &POSTGRES }
}

/// Begins a statement whose rows are [`TokenRows`]: selects these columns (each with a comma after it) and those of a token.
pub(in crate::store) fn select_with(backend: DbBackend, leading: &str) -> String {
    let columns = format!("{leading}{}", *COLUMNS);
    if backend != DbBackend::Sqlite {
        return format!("SELECT {columns}");
    }
    // JSON has no bytes. SQLite takes those in any other column for its binary JSON, in which a zero byte is null: a damaged time of
    // revocation would be none. Bytes compare as greater than any number and text, and become a number that no column is read as.
    let column = |name: &str| match name {
        bytes if bytes == PRESENTED_HASH || api_token_value::BYTES.contains(&bytes) => format!("hex({bytes})"),
        other => format!("CASE WHEN {other} >= x'' THEN 0.5 ELSE {other} END"),
    };
    let columns: Vec<String> = columns.split(", ").map(column).collect();
    format!("SELECT json_group_array(json_array({}))", columns.join(", "))
}

impl TokenRows {
    /// Executes a statement that begins with [`select`] or [`select_with`].
    pub(in crate::store) async fn query(
        connection: &impl ConnectionTrait,
        statement: Statement,
    ) -> Result<Self, DbErr> {
        Ok(match statement.db_backend {
            DbBackend::Sqlite => Self::Json(connection.query_one_raw(statement).await?),
            _ => Self::Driver(connection.query_all_raw(statement).await?),
        })
    }

    pub(in crate::store) fn read(&self) -> Result<Rows<'_>, Error> {
        let row = match self {
            Self::Driver(rows) => return Ok(Rows::Driver(rows)),
            Self::Json(row) => row.as_ref().and_then(QueryResult::try_as_sqlite_row),
        };
        let text = row.map_or(Ok("[]"), |row| row.try_get(0));
        let text = text.map_err(|err| DbErr::Query(RuntimeErr::SqlxError(err.into())))?;
        // The message of the error names no column's contents beyond a number.
        serde_json::from_str(text).map(Rows::Json).map_err(|err| Error::Unreadable(format!("rows of tokens: {err}")))
    }
}

impl Rows<'_> {
    pub(in crate::store) fn iter(&self) -> impl Iterator<Item = Columns<'_>> {
        let (json, driver): (&[Vec<JsonColumn<'_>>], &[QueryResult]) = match self {
            Self::Json(rows) => (rows, &[]),
            Self::Driver(rows) => (&[], rows),
        };
        json.iter().map(|row| columns::Row::Json(row)).chain(driver.iter().map(columns::Row::Driver)).map(Columns::of)
    }

    /// The tokens, in the order of their rows, which must be adjacent for each token.
    pub(in crate::store) fn tokens(&self) -> Result<Vec<Token>, Error> {
        tokens(self.iter().map(Row::read))
    }
}

/// A row: a token joined with one of its values.
pub(in crate::store) struct Row<'a> {
    columns: Columns<'a>,
    id: TokenId,
    generation: u32,
    previous_generation: Option<u32>,
    value: ValueFacts,
}

impl<'a> Row<'a> {
    /// Reads a row from these columns.
    pub(in crate::store) fn read(mut columns: Columns<'a>) -> Result<Self, Error> {
        Ok(Self {
            id: columns.parse(TokenId::parse)?,
            generation: columns.number()?,
            previous_generation: columns.number_if_any()?,
            value: api_token_value::read(&mut columns)?,
            columns,
        })
    }

    /// The id of the token.
    pub(in crate::store) fn id(&self) -> TokenId {
        self.id
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
        suspended_at: columns.moment_if_any()?,
        current: value,
        previous: previous.map(|row| Box::new(row.value)),
    }))
}
