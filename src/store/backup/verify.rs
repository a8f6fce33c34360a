//! What a SQLite file holds, verified.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use migration::{Migrator, MigratorTrait};
use sea_orm::{ConnectionTrait, Database, DatabaseConnection, DbBackend, DbErr, Statement};

use crate::domain::timestamp::Timestamp;
use crate::store::Error;
use crate::store::connect::options::pool_options;
use crate::store::connect::schema::Schema;
use crate::store::connect::unusable::{self, unusable};
use crate::store::file::database_file::beside;
use crate::store::file::write_ahead_log::BUSY_TIMEOUT;

/// How every SQLite file begins (SQLite documentation, "Database File Format").
const HEADER: &[u8] = b"SQLite format 3\0";
/// What the library wants a URL for where the file is named otherwise, so that its name may have any letters.
const ANY_URL: &str = "sqlite://database";
const COUNTS: &str = "SELECT (SELECT count(*) FROM api_token), (SELECT count(*) FROM api_token_value), \
                      (SELECT count(*) FROM audit_event), (SELECT max(created_at) FROM api_token_value), \
                      (SELECT max(at) FROM audit_event), (SELECT max(version) FROM seaql_migrations)";

/// What a verified SQLite file holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contents {
    /// When the last value was issued or the last audit event recorded. `None` if there is neither.
    pub last_change: Option<Timestamp>,
    /// The last migration of its schema.
    pub schema: String,
    /// How many API tokens, revoked and expired ones included.
    pub tokens: u64,
    /// How many values of them, retired ones included.
    pub values: u64,
    /// How many audit events.
    pub events: u64,
    /// The size of the file.
    pub bytes: u64,
}

/// Opens a file that exists. One that is only read gets no side files, and may be on a disk that cannot be written: without a log of
/// changes beside it, all of the database is in the file itself, and no process uses it.
pub(super) async fn open(path: &Path, read_only: bool) -> Result<DatabaseConnection, DbErr> {
    let immutable = read_only && !["-wal", "-journal"].iter().any(|suffix| beside(path, suffix).exists());
    let path = path.to_path_buf();
    let mut options = pool_options(ANY_URL, 1);
    options.map_sqlx_sqlite_opts(move |options| {
        options
            .filename(&path)
            .create_if_missing(false)
            .read_only(read_only)
            .immutable(immutable)
            .busy_timeout(BUSY_TIMEOUT)
    });
    Database::connect(options).await
}

/// Makes sure that the file is a SQLite database, as no error of SQLite says clearly.
pub(super) fn require_sqlite(path: &Path) -> Result<(), Error> {
    let mut header = [0; HEADER.len()];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut header));
    match read {
        Ok(()) if header == *HEADER => Ok(()),
        Err(err) if err.kind() != std::io::ErrorKind::UnexpectedEof => {
            Err(failed(path, &format!("it cannot be read: {err}.")))
        }
        _ => Err(failed(path, "it is not a SQLite database. Name a file that `rotakey backup` made.")),
    }
}

/// Reads all of a file and checks that it is whole, and that it holds the tables of this version of Rotakey or of an earlier one.
pub(super) async fn verify(path: &Path) -> Result<Contents, Error> {
    let connection = open(path, true).await.map_err(|err| failed(path, &unusable::of_error(&err)))?;
    let verified = verify_open(path, &connection).await;
    let closed = connection.close().await;
    let contents = verified?;
    closed.map_err(|err| failed(path, &unusable::of_error(&err)))?;
    Ok(contents)
}

async fn verify_open(path: &Path, connection: &DatabaseConnection) -> Result<Contents, Error> {
    let words = |err: DbErr| failed(path, &unusable::of_error(&err));
    require_tables(path, connection).await?;
    let check = query(connection, "PRAGMA integrity_check(1)").await.map_err(words)?;
    let found: String = check.try_get_by_index(0).map_err(words)?;
    if found != "ok" {
        return Err(failed(path, &format!("it is damaged ({}). Use another backup.", found.replace("\n", " "))));
    }
    let row = query(connection, COUNTS).await.map_err(words)?;
    let count = |index| row.try_get_by_index::<i64>(index).map(i64::unsigned_abs).map_err(words);
    let moment = |index| row.try_get_by_index::<Option<i64>>(index).map_err(words);
    let last_change = moment(3)?.max(moment(4)?).map(Timestamp::from_unix_millis);
    let bytes = std::fs::metadata(path).map_err(|err| failed(path, &format!("it cannot be read: {err}.")))?.len();
    Ok(Contents {
        last_change,
        schema: row.try_get_by_index(5).map_err(words)?,
        tokens: count(0)?,
        values: count(1)?,
        events: count(2)?,
        bytes,
    })
}

async fn require_tables(path: &Path, connection: &DatabaseConnection) -> Result<(), Error> {
    let schema = Schema::find(connection).await.map_err(|err| failed(path, &unusable::of_error(&err)))?;
    match schema {
        Schema::Current | Schema::Behind | Schema::Ahead => Ok(()),
        Schema::Newer(migration) => {
            let known = Migrator::migrations().last().map_or_else(String::new, |last| last.name().to_owned());
            Err(failed(
                path,
                &format!(
                    "a newer version of Rotakey wrote it: its schema is {migration}, and this version knows {known}. Use that \
                     version, or a later one."
                ),
            ))
        }
        Schema::Missing | Schema::Foreign(_) => {
            Err(failed(path, "it holds no tables of Rotakey. Name the file of your server, or a backup of it."))
        }
    }
}

async fn query(connection: &DatabaseConnection, sql: &str) -> Result<sea_orm::QueryResult, DbErr> {
    let row = connection.query_one_raw(Statement::from_string(DbBackend::Sqlite, sql)).await?;
    row.ok_or_else(|| DbErr::RecordNotFound(sql.to_owned()))
}

/// The error of this file.
pub(super) fn failed(path: &Path, words: &str) -> Error {
    unusable(&path.display().to_string(), words)
}
