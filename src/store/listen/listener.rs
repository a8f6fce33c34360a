//! Hearing what other processes commit.

use sea_orm::{ConnectionTrait, DbBackend, DbErr, RuntimeErr};

use crate::domain::timestamp::Timestamp;
use crate::store::connect::postgres::{pools, primary};
use crate::store::{Error, Store};

use super::{postgres, sqlite};

/// What hears of other processes' commits. Dropping it ends the hearing.
#[derive(Debug)]
pub struct Ear(Kind);

#[derive(Debug)]
enum Kind {
    Sqlite(sqlite::Watch),
    Postgres(postgres::Listener),
}

impl Ear {
    /// Waits as [`Ear::wait`] does and then asks as [`Ear::ask`] does.
    ///
    /// # Errors
    /// As those.
    pub async fn hear(&mut self) -> Result<(), Error> {
        self.wait().await?;
        self.ask().await?;
        Ok(())
    }

    /// Waits for up to a second, or until there may be something to hear.
    ///
    /// # Errors
    /// When the connection to the database is lost. The ear is then of no use any more.
    pub async fn wait(&mut self) -> Result<(), Error> {
        match &mut self.0 {
            Kind::Sqlite(watch) => watch.wait().await,
            Kind::Postgres(listener) => listener.wait().await?,
        }
        Ok(())
    }

    /// Asks the database what there is to hear, and publishes it: what any process committed before this was called has been
    /// published when it returns. What the database's own clock said at that; `None` on SQLite, which has none.
    ///
    /// # Errors
    /// When the database does not answer. The ear is then of no use any more, and something may have been missed.
    pub async fn ask(&mut self) -> Result<Option<Timestamp>, Error> {
        match &mut self.0 {
            Kind::Sqlite(watch) => watch.ask().await.map(|()| None),
            Kind::Postgres(listener) => listener.ask().await.map(Some),
        }
    }
}

impl Store {
    /// Begins to hear of what other processes commit. If contact with the database was lost, it is regained by this.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn listen(&self) -> Result<Ear, Error> {
        if self.write.get_database_backend() == DbBackend::Sqlite {
            self.begin_era();
            return Ok(Ear(Kind::Sqlite(sqlite::Watch::begin(self.clone()))));
        }
        let server = self.write.server();
        let found = server.is_none();
        let server = match server {
            Some(server) => server,
            None => {
                let found = primary::find_primary(&self.servers).await;
                found.map_err(|words| DbErr::Conn(RuntimeErr::Internal(words)))?
            }
        };
        let listener = postgres::Listener::begin(self.clone(), server.clone()).await?;
        // What was committed while nobody listened may be anything. This comes after the listener's first snapshot and before any
        // connection to a server that was found anew: what is read by one of those and stamped after this is changed only by what
        // the listener hears, and whatever was stamped before is stale, also if it was read on the server of before.
        self.begin_era();
        if found {
            self.listings.regain(pools::open_listings(server.clone()).await?);
            self.write.regain(pools::open(server).await?);
        }
        Ok(Ear(Kind::Postgres(listener)))
    }
}
