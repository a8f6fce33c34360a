//! Opening a SQLite file: durable at every commit, readable only by its owner.

use std::path::{Path, PathBuf};

use sea_orm::sqlx::sqlite::SqliteConnectOptions;
use sea_orm::{DatabaseConnection, DbErr};

use crate::store::connect::options::IfMissing;
use crate::store::connect::unusable::{self, unusable};
use crate::store::file::database_file::{DatabaseFile, RESERVE, beside};
use crate::store::file::reserve::Reserve;
use crate::store::{Error, Store};

use super::checks::{create_private, look_before_writing, may_be_used};
use super::connection_options::{Known, Use, sqlite_pool};

const SQLITE_READERS: u32 = 4;
/// How many listings run at once. They have separate connections, so that a lookup never waits for one.
const SQLITE_LISTINGS: u32 = 2;

/// The file that a URL names.
pub(in crate::store) fn path_of(url: &str) -> Result<PathBuf, Error> {
    let parsed: SqliteConnectOptions =
        url.parse().map_err(|err| Error::Unsuitable(format!("at this URL, which cannot be read: {err}.")))?;
    let path = parsed.get_filename().to_path_buf();
    if path.as_os_str().is_empty() || url.contains(":memory:") || url.contains("mode=memory") {
        return Err(Error::Unsuitable("in memory: it would forget every token. Name a file.".into()));
    }
    // Absolute, so that messages name the file wherever the command was started.
    Ok(std::path::absolute(&path).unwrap_or(path))
}

pub(in crate::store::connect) async fn connect(url: &str, if_missing: IfMissing) -> Result<Store, Error> {
    let path = path_of(url)?;
    let place = path.display().to_string();
    if url.contains("mode=ro") || url.contains("immutable=") {
        return Err(unusable(&place, "it must be opened for writing. Remove mode=ro and immutable from the URL."));
    }
    may_be_used(&path, if_missing).map_err(|words| unusable(&place, &words))?;
    let reserve = Reserve::at(beside(&path.canonicalize().unwrap_or_else(|_| path.clone()), RESERVE));
    let known = Known::default();
    let mut opened = open(url, &path, if_missing, &known).await;
    // Opening the file needs space as well, and a server that is restarted on a full disk must be able to revoke.
    if let Err(err) = &opened
        && reserve.release_if_full(err).await
    {
        opened = open(url, &path, if_missing, &known).await;
    }
    let opened = opened.unwrap_or_else(|err| Err(unusable::of_error(&err)));
    let Pools { write, read, listings } = opened.map_err(|words| unusable(&place, &words))?;
    let file =
        DatabaseFile::opened(&path, reserve).map_err(|err| unusable(&place, &format!("it cannot be found: {err}.")))?;
    // This cannot fail: it is set once.
    let _ = known.set(file.clone());
    Ok(Store::on_file(place, read, write, listings, file))
}

/// The connection pools of a file, by purpose.
struct Pools {
    write: DatabaseConnection,
    read: DatabaseConnection,
    listings: DatabaseConnection,
}

/// Opens the pools; or returns why the file must not be used. An error is one of the database.
async fn open(url: &str, path: &Path, if_missing: IfMissing, known: &Known) -> Result<Result<Pools, String>, DbErr> {
    if let Some(words) = look_before_writing(url, path, if_missing).await? {
        return Ok(Err(words));
    }
    if if_missing == IfMissing::Make
        && let Err(words) = create_private(path)
    {
        return Ok(Err(words));
    }
    // The writing connection first: it should be alone when it switches to the write-ahead log.
    let write = sqlite_pool(url, 1, Use::Write, known).await?;
    let read = sqlite_pool(url, SQLITE_READERS, Use::Read, known).await?;
    Ok(Ok(Pools { write, read, listings: sqlite_pool(url, SQLITE_LISTINGS, Use::List, known).await? }))
}

#[cfg(test)]
mod tests {
    use sea_orm::{ConnectionTrait, DbBackend, Statement};

    use super::*;

    #[tokio::test]
    async fn r13_every_connection_to_sqlite_is_durable_and_enforces_foreign_keys() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("rotakey.db").display());
        let store = Store::connect(&url).await.unwrap();
        for connection in [&store.read, &store.write] {
            for (pragma, expected) in [("synchronous", "2"), ("foreign_keys", "1"), ("journal_mode", "wal")] {
                // As text, whatever type it is.
                let sql = format!("SELECT CAST({pragma} AS TEXT) AS text FROM pragma_{pragma}");
                let row = connection.query_one_raw(Statement::from_string(DbBackend::Sqlite, sql)).await.unwrap();
                assert_eq!(row.unwrap().try_get::<String>("", "text").unwrap(), expected, "{pragma}");
            }
        }
    }
}
