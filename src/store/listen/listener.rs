//! The listener: it learns what other processes commit, and publishes it here.

use sea_orm::{ConnectionTrait, DbBackend, DbErr, RuntimeErr};

use crate::domain::timestamp::Timestamp;
use crate::store::connect::postgres::{pools, primary};
use crate::store::{Error, Store};

use super::{postgres, sqlite};

/// Polls for the commits of other processes.
#[derive(Debug)]
pub struct ChangeListener(Kind);

#[derive(Debug)]
enum Kind {
    Sqlite(sqlite::Watch),
    Postgres(postgres::Listener),
}

impl ChangeListener {
    /// [`ChangeListener::wait`] and then [`ChangeListener::poll`].
    ///
    /// # Errors
    /// As those.
    pub async fn wait_and_poll(&mut self) -> Result<(), Error> {
        self.wait().await?;
        self.poll().await?;
        Ok(())
    }

    /// Waits until the next poll is due: at most a second, less when there may be a change.
    ///
    /// # Errors
    /// When the connection to the database is lost. Then the listener no longer works.
    pub async fn wait(&mut self) -> Result<(), Error> {
        match &mut self.0 {
            Kind::Sqlite(watch) => watch.wait().await,
            Kind::Postgres(listener) => listener.wait().await?,
        }
        Ok(())
    }

    /// Polls the database for changes and publishes them: whatever any process committed before the call has been published when
    /// it returns. Returns the time by the database's clock; `None` on SQLite, which has no clock.
    ///
    /// # Errors
    /// When the database does not answer. Then the listener no longer works, and changes may have been missed.
    pub async fn poll(&mut self) -> Result<Option<Timestamp>, Error> {
        match &mut self.0 {
            Kind::Sqlite(watch) => watch.poll().await.map(|()| None),
            Kind::Postgres(listener) => listener.poll().await.map(Some),
        }
    }
}

impl Store {
    /// Begins to listen for what other processes commit. If contact with the database was lost, this regains it.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn listen(&self) -> Result<ChangeListener, Error> {
        if self.write.get_database_backend() == DbBackend::Sqlite {
            self.invalidate_all();
            return Ok(ChangeListener(Kind::Sqlite(sqlite::Watch::begin(self.clone()))));
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
        // Anything may have been committed while there was no listener. The order matters: after the listener's first snapshot and
        // before any connection to a server that was found anew. So what is read on those and stamped later can change only by
        // what the listener polls, and whatever was stamped earlier is stale, also if it was read on the previous server.
        self.invalidate_all();
        if found {
            self.listings.regain(pools::open_listings(server.clone()).await?);
            self.write.regain(pools::open(server).await?);
        }
        Ok(ChangeListener(Kind::Postgres(listener)))
    }
}
