//! The clock of the database.

use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement};

use crate::domain::timestamp::Timestamp;
use crate::store::{Error, Store};

const TIME: &str = "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint";

impl Store {
    /// The time by the database's clock; `None` on SQLite, which has no clock of its own.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn time(&self) -> Result<Option<Timestamp>, Error> {
        if self.write.get_database_backend() != DbBackend::Postgres {
            return Ok(None);
        }
        let row = self.write.query_one_raw(Statement::from_string(DbBackend::Postgres, TIME)).await?;
        let millis = row.ok_or_else(|| DbErr::RecordNotFound("the time".to_owned()))?.try_get_by_index(0)?;
        Ok(Some(Timestamp::from_unix_millis(millis)))
    }
}
