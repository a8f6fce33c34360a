//! Backing up a SQLite database while a server uses it.

use std::path::{Path, PathBuf};

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, DbErr, Statement};

use crate::store::connect::sqlite::open::path_of;
use crate::store::connect::unusable;
use crate::store::file::database_file::{RESERVE, RESTORING, beside};
use crate::store::{Error, Store};

use super::partial::{LEFTOVERS, Partial};
use super::verify::{Contents, failed, open, require_sqlite, verify};

/// What follows the name of a backup while it is being written.
const SUFFIX: &str = "-partial";

impl Store {
    /// Copies the SQLite database at this URL to a file, as it is at one moment, and verifies the copy. A server may go on writing
    /// meanwhile. The file has its name only once it is whole and on disk; until then another one of that name stays as it is.
    ///
    /// # Errors
    /// When there is no such database, there is a file of that name that may not be overwritten, the copy cannot be written, or it
    /// is damaged.
    pub async fn back_up(url: &str, target: &Path, overwrite: bool) -> Result<Contents, Error> {
        let source = path_of(url)?;
        if !source.is_file() {
            let words = "there is no such file. Name the file of your server with --database-url.";
            return Err(failed(&source, words));
        }
        require_sqlite(&source)?;
        let target = target_of(target)?;
        if target.canonicalize().is_ok_and(|target| source.canonicalize().is_ok_and(|source| source == target)) {
            return Err(failed(&target, "it is the database itself. Name another file for the backup."));
        }
        if is_side_file(&target, &source) {
            return Err(failed(&target, "the database uses this name itself. Name another file for the backup."));
        }
        refuse_to_overwrite(&target, overwrite)?;
        let partial = Partial::create(&target, SUFFIX)?;
        // A connection that may write, so that SQLite deletes its side files with it if no server runs.
        copy(&source, &partial, false).await?;
        let contents = verify(partial.path()).await?;
        refuse_to_overwrite(&target, overwrite)?;
        partial.publish()?;
        Ok(contents)
    }
}

/// Copies the database in this file: all that was committed when it starts, and nothing later.
pub(super) async fn copy(source: &Path, target: &Partial, read_only: bool) -> Result<(), Error> {
    let words = |err: DbErr| failed(source, &format!("it cannot be copied: {}", unusable::of_error(&err)));
    let connection = open(source, read_only).await.map_err(words)?;
    let copied = vacuum_into(&connection, target.path()).await;
    let closed = connection.close().await;
    copied.and(closed).map_err(words)
}

/// SQLite copies within one read transaction, which no writer waits for, and accepts an empty file as target.
async fn vacuum_into(connection: &DatabaseConnection, target: &Path) -> Result<(), DbErr> {
    let target = target.to_str().ok_or_else(|| DbErr::Custom("the name of the copy is not UTF-8".to_owned()))?;
    let statement = Statement::from_sql_and_values(DbBackend::Sqlite, "VACUUM INTO ?", [target.into()]);
    connection.execute_raw(statement).await?;
    Ok(())
}

/// Whether a file has the name of one that SQLite or the server keeps beside this database. A backup in place of the write-ahead log,
/// for example, would be applied to the database.
fn is_side_file(path: &Path, database: &Path) -> bool {
    let in_folder = |path: &Path| Some(path.parent()?.canonicalize().ok()?.join(path.file_name()?));
    let database = database.canonicalize().unwrap_or_else(|_| database.to_path_buf());
    LEFTOVERS.iter().chain(&[RESERVE, RESTORING]).any(|suffix| in_folder(path) == Some(beside(&database, suffix)))
}

/// The absolute path of a file that may be written, in a folder that exists.
fn target_of(path: &Path) -> Result<PathBuf, Error> {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    let folder = path.parent().unwrap_or(Path::new("/"));
    if path.is_dir() || path.file_name().is_none() {
        return Err(failed(&path, "it is a folder. Name a file, which may be in it."));
    }
    if !folder.is_dir() {
        return Err(failed(&path, &format!("its folder {} does not exist. Create it.", folder.display())));
    }
    Ok(path)
}

fn refuse_to_overwrite(path: &Path, overwrite: bool) -> Result<(), Error> {
    if !overwrite && path.symlink_metadata().is_ok() {
        return Err(failed(path, "there is such a file already. Name another one, or add --force to replace it."));
    }
    Ok(())
}
