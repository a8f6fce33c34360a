//! Opening the database that a URL names.

use crate::store::{Error, Store};

use super::options::IfMissing;
use super::{postgres, sqlite};

impl Store {
    /// Opens the database at a `sqlite:` or `postgres:` URL. A SQLite file that does not exist is created, readable only by its
    /// owner.
    ///
    /// # Errors
    /// When it cannot be opened, or the URL is of another kind.
    pub async fn connect(url: &str) -> Result<Self, Error> {
        Self::open(url, IfMissing::Make).await
    }

    /// As [`Store::connect`], but does not create a file.
    ///
    /// # Errors
    /// When there is no database, or as for [`Store::connect`].
    pub async fn connect_existing(url: &str) -> Result<Self, Error> {
        Self::open(url, IfMissing::Refuse).await
    }

    async fn open(url: &str, if_missing: IfMissing) -> Result<Self, Error> {
        if url.starts_with("sqlite:") {
            sqlite::open::connect(url, if_missing).await
        } else if url.starts_with("postgres:") || url.starts_with("postgresql:") {
            postgres::pools::connect(url).await
        } else {
            Err(Error::Unsuitable("The database URL must start with sqlite: or postgres:.".into()))
        }
    }

    /// A name of the database for people: the path of the file, or host, port and name. Never a user or a password.
    pub fn place(&self) -> &str {
        &self.place
    }
}
