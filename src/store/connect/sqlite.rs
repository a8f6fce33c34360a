//! Opening a SQLite file: durable at every commit, readable by its owner alone.

use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use nix::errno::Errno;
use nix::unistd::AccessFlags;
use sea_orm::sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sea_orm::sqlx::{self, Connection};
use sea_orm::{Database, DatabaseConnection, DbErr};

use crate::store::file::database_file::{DatabaseFile, beside};
use crate::store::file::reserve::Reserve;
use crate::store::{Error, Store};

use super::pool::Pool;
use super::schema::Schema;
use super::unusable::{self, unusable};
use super::{IfMissing, LISTING_WAIT, pool_options, steps};

/// How long SQLite waits for another process that is writing.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
const SQLITE_READERS: u32 = 4;
/// How many listings run at once. They have connections of their own, so that looking up a value never waits for one.
const SQLITE_LISTINGS: u32 = 2;
/// How long the write-ahead log may stay, in bytes. SQLite writes over it from the start after 4 MiB, unless somebody reads it.
pub(in crate::store) const WAL_LIMIT_BYTES: u64 = 16 * 1024 * 1024;
/// How long whoever shortens the log waits for readers, and writers wait with it.
const SHORTENING_TIMEOUT: Duration = Duration::from_millis(100);

pub(super) async fn connect(url: &str, if_missing: IfMissing) -> Result<Store, Error> {
    let parsed: SqliteConnectOptions =
        url.parse().map_err(|err| Error::Unsuitable(format!("at this URL, which cannot be read: {err}.")))?;
    let path = parsed.get_filename().to_path_buf();
    if path.as_os_str().is_empty() || url.contains(":memory:") || url.contains("mode=memory") {
        return Err(Error::Unsuitable("in memory: it would forget every token. Name a file.".into()));
    }
    // As an absolute path, because a relative one is looked for from wherever the command was started.
    let path = std::path::absolute(&path).unwrap_or(path);
    let place = path.display().to_string();
    if url.contains("mode=ro") || url.contains("immutable=") {
        return Err(unusable(&place, "it must be opened for writing. Remove mode=ro and immutable from the URL."));
    }
    may_be_used(&path, if_missing).map_err(|words| unusable(&place, &words))?;
    let reserve = Reserve::at(beside(&path.canonicalize().unwrap_or_else(|_| path.clone()), "-reserve"));
    let known = Known::default();
    let mut opened = open(url, &path, if_missing, &known).await;
    // Opening it takes room as well, and a server that was restarted on a full disk must revoke, too.
    if opened.as_ref().is_err_and(|err| reserve.give_up_for(err)) {
        opened = open(url, &path, if_missing, &known).await;
    }
    let opened = opened.unwrap_or_else(|err| Err(unusable::of_error(&err)));
    let Pools { write, read, listings } = opened.map_err(|words| unusable(&place, &words))?;
    let file =
        DatabaseFile::opened(&path, reserve).map_err(|err| unusable(&place, &format!("it cannot be found: {err}.")))?;
    // There is no other.
    let _ = known.set(file.clone());
    Ok(Store::on_file(place, read, write, listings, file))
}

/// The file, once all connections to it are open: one that must be opened later may not be to another.
type Known = Arc<OnceLock<DatabaseFile>>;

/// What a pool of connections is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Use {
    Write,
    Read,
    List,
}

/// The connections to a file, by what they are for.
struct Pools {
    write: DatabaseConnection,
    read: DatabaseConnection,
    listings: DatabaseConnection,
}

/// The pools, or why the file is not to be used. The error is that of the database.
async fn open(url: &str, path: &Path, if_missing: IfMissing, known: &Known) -> Result<Result<Pools, String>, DbErr> {
    if let Some(words) = look_before_writing(url, path, if_missing).await? {
        return Ok(Err(words));
    }
    if if_missing == IfMissing::Make
        && let Err(words) = create_private(path)
    {
        return Ok(Err(words));
    }
    // Writes first: the connection that switches to the write-ahead log should be alone.
    let write = sqlite_pool(url, 1, Use::Write, known).await?;
    let read = sqlite_pool(url, SQLITE_READERS, Use::Read, known).await?;
    Ok(Ok(Pools { write, read, listings: sqlite_pool(url, SQLITE_LISTINGS, Use::List, known).await? }))
}

/// What keeps the file from being used, as far as its folder and its permissions say. SQLite has few words for that.
fn may_be_used(path: &Path, if_missing: IfMissing) -> Result<(), String> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    let allow = "Let the user that runs Rotakey";
    let missing = |what: String| match if_missing {
        IfMissing::Make => format!("{what} Make the folder, or name another file with --database-url."),
        IfMissing::Refuse => format!("{what} Name the file of your server with --database-url."),
    };
    let may = |path: &Path, mode| nix::unistd::access(path, mode);
    match may(path, AccessFlags::F_OK) {
        Ok(()) if path.is_dir() => {
            return Err("it is a folder. Name a file, which may be in it, with --database-url.".to_owned());
        }
        Ok(()) => {}
        Err(Errno::ENOENT | Errno::ENOTDIR) if !folder.is_dir() => {
            return Err(missing(format!("its folder {} does not exist.", folder.display())));
        }
        Err(Errno::ENOENT) if if_missing == IfMissing::Refuse => {
            return Err(
                "there is no such file. Name the file of your server with --database-url, or start the server once, \
                        which makes it: rotakey serve"
                    .to_owned(),
            );
        }
        Err(Errno::ENOENT) => return Ok(()),
        Err(err) => return Err(format!("it may not be looked at ({err}). {allow} enter its folder.")),
    }
    may(path, AccessFlags::R_OK | AccessFlags::W_OK)
        .map_err(|err| format!("it may not be written ({err}). {allow} read and write it."))?;
    may(folder, AccessFlags::W_OK | AccessFlags::X_OK).map_err(|err| {
        format!("its folder {} may not be written ({err}). {allow} make files beside it.", folder.display())
    })
}

/// Why the file is not ours to use, if it is not, before it is switched to the write-ahead log: another program's file is left
/// as it is.
async fn look_before_writing(url: &str, path: &Path, if_missing: IfMissing) -> Result<Option<String>, DbErr> {
    let missing = (if_missing == IfMissing::Refuse).then(|| unusable::MISSING.to_owned());
    if !std::fs::metadata(path).is_ok_and(|metadata| metadata.len() > 0) {
        return Ok(missing);
    }
    let mut options = pool_options(url, 1);
    options.map_sqlx_sqlite_opts(|options| options.busy_timeout(BUSY_TIMEOUT));
    let connection = Database::connect(options).await?;
    let schema = Schema::find(&connection).await;
    connection.close().await?;
    Ok(match schema? {
        Schema::Missing => missing,
        schema => unusable::of_schema(&schema),
    })
}

/// Makes the file if it is missing. SQLite gives its side files the same mode.
fn create_private(path: &Path) -> Result<(), String> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(_) => Ok(()),
        Err(err) if err.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(err) => Err(format!(
            "it cannot be made ({err}). Let the user that runs Rotakey write its folder, or name another file."
        )),
    }
}

async fn sqlite_pool(url: &str, connections: u32, used: Use, known: &Known) -> Result<DatabaseConnection, DbErr> {
    let mut options = pool_options(url, connections);
    // All at once, while the path is sure to name the file.
    options.min_connections(connections);
    let lists = used == Use::List;
    if lists {
        options.acquire_timeout(LISTING_WAIT);
    }
    options.map_sqlx_sqlite_opts(move |options| {
        options
            // So that closing one writes no log into the file, which might be another by then.
            .read_only(used != Use::Write)
            .journal_mode(SqliteJournalMode::Wal)
            // FULL waits for the disk at every commit; NORMAL would lose the last ones on a power cut (R13).
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            // A log that had to grow, because somebody kept reading, is cut down again as soon as it is written anew.
            .pragma("journal_size_limit", WAL_LIMIT_BYTES.to_string())
            // What savepoints need is little, and must not depend on room in another folder.
            .pragma("temp_store", "MEMORY")
            .busy_timeout(BUSY_TIMEOUT)
    });
    // A file does not go away between two uses, as a server may, so nothing is asked of a connection before it is used.
    options.test_before_acquire(false);
    // One that comes back with its transaction still open, because that could be neither committed nor undone in order, is
    // closed, which undoes it, and another is opened.
    let known = known.clone();
    options.map_sqlx_sqlite_pool_opts(move |options| {
        let known = known.clone();
        let options = options.after_connect(move |connection, _| {
            let known = known.clone();
            Box::pin(async move {
                if let Some(file) = known.get() {
                    file.check().map_err(|err| sqlx::Error::Io(std::io::Error::other(err.to_string())))?;
                }
                if lists { steps::count_anew(connection).await } else { Ok(()) }
            })
        });
        let options =
            options.after_release(|connection, _| Box::pin(async move { Ok(!connection.is_in_transaction()) }));
        // Otherwise none is closed while the store is open: with the last one SQLite deletes the write-ahead log, and the file
        // that is opened next could be another.
        let options = options.idle_timeout(None).max_lifetime(None);
        if lists { steps::limit(options) } else { options }
    });
    Database::connect(options).await
}

/// Writes the whole write-ahead log into the database and cuts it to nothing, unless somebody is still reading it: whether
/// that was so.
pub(in crate::store) async fn shorten_log(write: &Pool) -> Result<bool, sqlx::Error> {
    let mut connection = write.sqlite().ok_or(sqlx::Error::PoolClosed)?.acquire().await?;
    let wait = |timeout: Duration| sqlx::AssertSqlSafe(format!("PRAGMA busy_timeout = {}", timeout.as_millis()));
    sqlx::raw_sql(wait(SHORTENING_TIMEOUT)).execute(&mut *connection).await?;
    let done = sqlx::query_as("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(&mut *connection).await;
    sqlx::raw_sql(wait(BUSY_TIMEOUT)).execute(&mut *connection).await?;
    let (busy, _, _): (i64, i64, i64) = done?;
    Ok(busy == 0)
}

#[cfg(test)]
mod tests {
    use sea_orm::{ConnectionTrait, DbBackend, Statement};

    use super::*;

    #[tokio::test]
    async fn r13_every_connection_to_sqlite_is_durable_and_holds_to_foreign_keys() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("rotakey.db").display());
        let store = Store::connect(&url).await.unwrap();
        for connection in [&store.read, &store.write] {
            for (pragma, expected) in [("synchronous", "2"), ("foreign_keys", "1"), ("journal_mode", "wal")] {
                // As text, whatever type it is.
                let sql = format!("SELECT CAST({pragma} AS TEXT) AS told FROM pragma_{pragma}");
                let row = connection.query_one_raw(Statement::from_string(DbBackend::Sqlite, sql)).await.unwrap();
                assert_eq!(row.unwrap().try_get::<String>("", "told").unwrap(), expected, "{pragma}");
            }
        }
    }
}
