//! How far a deadline has been announced.

use sea_orm::ConnectionTrait;

use crate::domain::id::TokenId;
use crate::domain::notice::Deadline;
use crate::domain::timestamp::Timestamp;
use crate::store::sql::Sql;
use crate::store::token::columns::Columns;
use crate::store::{Error, Store, Transaction};

/// What is written for a moment that is done for all tokens. It is greater than every identity of a token.
pub(super) const ALL_TOKENS: &str = "~";

/// Up to which moment a deadline was announced, and of that moment, up to which token by id; `None` for all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SweepPosition {
    /// The moment.
    pub at: Timestamp,
    /// The token.
    pub token_id: Option<TokenId>,
}

impl SweepPosition {
    pub(super) fn token(self) -> String {
        self.token_id.map_or_else(|| ALL_TOKENS.to_owned(), |id| id.to_string())
    }
}

impl Store {
    /// How far a deadline was announced; `None` if it never was.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sweep_position(&self, deadline: Deadline) -> Result<Option<SweepPosition>, Error> {
        let sql = select(deadline, &self.read);
        read(self.read.query_one_raw(sql.statement()).await?.as_ref())
    }
}

impl Transaction {
    /// Locks and reads how far a deadline was announced; if it never was, that is this position. `None` if another replica announces it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn lock_sweep(&self, deadline: Deadline, first: SweepPosition) -> Result<Option<SweepPosition>, Error> {
        let mut insert = Sql::new(self.connection().get_database_backend());
        insert.push(
            "INSERT INTO notice_sweep (name, swept_until, swept_token_id) VALUES (?, ?, ?) ON CONFLICT (name) DO NOTHING",
            [deadline.name().into(), first.at.unix_millis().into(), first.token().into()],
        );
        self.connection().execute_raw(insert.statement()).await?;
        let mut sql = select(deadline, self.connection());
        if sql.is_postgres() {
            sql.text(" FOR UPDATE SKIP LOCKED");
        }
        read(self.connection().query_one_raw(sql.statement()).await?.as_ref())
    }

    /// Writes how far a deadline was announced.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn advance_sweep(&self, deadline: Deadline, to: SweepPosition) -> Result<(), Error> {
        let mut sql = Sql::new(self.connection().get_database_backend());
        sql.push(
            "UPDATE notice_sweep SET swept_until = ?, swept_token_id = ? WHERE name = ?",
            [to.at.unix_millis().into(), to.token().into(), deadline.name().into()],
        );
        self.connection().execute_raw(sql.statement()).await?;
        Ok(())
    }
}

fn select(deadline: Deadline, connection: &impl ConnectionTrait) -> Sql {
    let mut sql = Sql::new(connection.get_database_backend());
    sql.push("SELECT swept_until, swept_token_id FROM notice_sweep WHERE name = ?", [deadline.name().into()]);
    sql
}

fn read(row: Option<&sea_orm::QueryResult>) -> Result<Option<SweepPosition>, Error> {
    let Some(row) = row else { return Ok(None) };
    let mut columns = Columns::new(row, 0);
    let at = columns.moment()?;
    let token_id = columns.parse(|text| match text {
        ALL_TOKENS => Some(None),
        text => TokenId::parse(text).map(Some),
    })?;
    Ok(Some(SweepPosition { at, token_id }))
}
