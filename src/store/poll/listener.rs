//! The change listener: it polls for what other processes commit, and publishes it in this process.

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
    Sqlite(sqlite::Poller),
    Postgres(postgres::Poller),
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

    /// Waits until the next poll is due: at most a second, and less if there may be a change.
    ///
    /// # Errors
    /// When the connection to the database is lost. The listener cannot be used any more.
    pub async fn wait(&mut self) -> Result<(), Error> {
        match &mut self.0 {
            Kind::Sqlite(poller) => poller.wait().await,
            Kind::Postgres(poller) => poller.wait().await?,
        }
        Ok(())
    }

    /// Polls the database for changes and publishes them. When this returns, everything that any process committed before the call
    /// has been published. Returns the time by the database's clock; `None` on SQLite, which has no clock of its own.
    ///
    /// # Errors
    /// When the database does not answer. The listener cannot be used any more, and changes may have been missed.
    pub async fn poll(&mut self) -> Result<Option<Timestamp>, Error> {
        match &mut self.0 {
            Kind::Sqlite(poller) => poller.poll().await.map(|()| None),
            Kind::Postgres(poller) => poller.poll().await.map(Some),
        }
    }
}

impl Store {
    /// Starts to listen for what other processes commit. If contact with the database was lost, this regains it.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn listen(&self) -> Result<ChangeListener, Error> {
        if self.write.get_database_backend() == DbBackend::Sqlite {
            self.invalidate_all();
            return Ok(ChangeListener(Kind::Sqlite(sqlite::Poller::begin(self.clone()))));
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
        let poller = postgres::Poller::begin(self.clone(), &server).await?;
        // Anything may have been committed while there was no listener, so every stamp becomes stale. The order matters: after the
        // first snapshot of the listener, and before any connection to a new primary. So everything that is read with a later stamp
        // can only change by what the listener polls. Everything with an earlier stamp is stale, also if it was read from the
        // previous server.
        self.invalidate_all();
        if found {
            self.listings.regain(pools::open_listings(&server).await?);
            self.write.regain(pools::open(&server).await?);
        }
        Ok(ChangeListener(Kind::Postgres(poller)))
    }
}
