//! Putting a backup in the place of a SQLite database that no server uses.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::domain::timestamp::Timestamp;
use crate::store::connect::sqlite::open::path_of;
use crate::store::file::database_file::{RESTORING, beside};
use crate::store::{Error, Store};

use super::copy::copy;
use super::exclusive::Exclusive;
use super::partial::{Partial, remove_if_there, sync_folder};
use super::verify::{Contents, failed, require_sqlite, verify};

/// What follows the name of the database that was replaced, before the moment at which it was.
const REPLACED: &str = "-replaced-";

/// A copy of a backup that is to become the database. Until [`Restoration::finish`] the database stays as it is; no server can
/// open it meanwhile.
#[derive(Debug)]
pub struct Restoration {
    copy: Partial,
    target: PathBuf,
    backup: Contents,
    /// `None` if there is no database yet.
    lock: Option<Exclusive>,
}

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replaced {
    /// The database.
    pub path: PathBuf,
    /// What it holds now.
    pub contents: Contents,
    /// Where the database is that was there before.
    pub kept: Option<PathBuf>,
}

impl Restoration {
    /// Verifies a backup and copies it beside the database at this URL.
    ///
    /// # Errors
    /// When the backup is damaged, or of a newer version; when a server uses the database; when there is one that may not be
    /// replaced; or when the copy cannot be written.
    pub async fn begin(url: &str, backup: &Path, replace: bool) -> Result<Self, Error> {
        let target = path_of(url)?;
        // SQLite keeps its side files beside the file that a symbolic link leads to.
        let target = target.canonicalize().unwrap_or(target);
        let backup = std::path::absolute(backup).unwrap_or_else(|_| backup.to_path_buf());
        if !backup.is_file() {
            return Err(failed(&backup, "there is no such file. Name a file that `rotakey backup` made."));
        }
        // By the file and not by its name: to open and close a locked file would drop its lock, and the copy is emptied first.
        if is_same_file(&backup, &target) {
            return Err(failed(&backup, "it is the database itself. Name a backup of it."));
        }
        if is_same_file(&backup, &beside(&target, RESTORING)) {
            return Err(failed(
                &backup,
                "a restore writes to it. Name the backup, or copy this file to another folder.",
            ));
        }
        let lock = lock(&target, replace)?;
        require_sqlite(&backup)?;
        let contents = verify(&backup).await?;
        let folder = target.parent().unwrap_or(Path::new("/"));
        if !folder.is_dir() {
            return Err(failed(&target, &format!("its folder {} does not exist. Create it.", folder.display())));
        }
        let partial = Partial::create(&target, RESTORING)?;
        match lock {
            Some(_) => partial.take_permissions_of(&target)?,
            None => partial.give_to_owner_of(folder)?,
        }
        copy(&backup, &partial, true).await?;
        Ok(Self { copy: partial, target, backup: contents, lock })
    }

    /// What the backup holds.
    pub fn backup(&self) -> &Contents {
        &self.backup
    }

    /// Opens the copy and brings its schema up to date. Close it before [`Restoration::finish`].
    ///
    /// # Errors
    /// When it cannot be opened or migrated.
    pub async fn open(&self) -> Result<Store, Error> {
        let path = self.copy.path();
        let name = path.to_str().ok_or_else(|| failed(path, "its name is not UTF-8."))?;
        // The letters that end a path in a URL, and the one that writes them.
        let name = name.replace('%', "%25").replace('?', "%3F").replace('#', "%23");
        let store = Store::connect_existing(&format!("sqlite://{name}")).await?;
        store.migrate().await?;
        Ok(store)
    }

    /// Verifies the copy and makes it the database. What was there before is kept under a name that ends in this moment.
    ///
    /// # Errors
    /// When the copy is damaged, or a file cannot be renamed.
    pub async fn finish(self, now: Timestamp) -> Result<Replaced, Error> {
        let Self { copy, target, backup: _, lock } = self;
        let contents = verify(copy.path()).await?;
        if lock.is_none() && target.symlink_metadata().is_ok() {
            return Err(failed(
                &target,
                "it was created while the backup was restored. Stop what created it, and try again.",
            ));
        }
        let digits = now.to_string().replace(|letter: char| !letter.is_ascii_alphanumeric(), "");
        let kept = beside(&target, &format!("{REPLACED}{digits}"));
        // What can fail is done while the old database still has its name.
        copy.sync()?;
        let was_there = set_aside(&target, &kept).map_err(|err| {
            failed(&target, &format!("it cannot be renamed to {}: {err}. Try again.", kept.display()))
        })?;
        copy.publish().inspect_err(|_| put_back(&kept, &target))?;
        drop(lock);
        Ok(Replaced { path: target, contents, kept: was_there.then_some(kept) })
    }
}

/// The lock of the database, if there is one.
fn lock(target: &Path, replace: bool) -> Result<Option<Exclusive>, Error> {
    if target.symlink_metadata().is_err() {
        return Ok(None);
    }
    if !target.is_file() {
        return Err(failed(target, "it is not a file. Name the file of your server with --database-url."));
    }
    let lock = Exclusive::try_acquire(target).map_err(|err| failed(target, &format!("it cannot be locked: {err}.")))?;
    let Some(lock) = lock else {
        let words = "another process uses it, such as a server or Litestream. Stop that process, and try again.";
        return Err(failed(target, words));
    };
    if !replace {
        let words = "there is a database already. Add --force to replace it; it is then kept under another name.";
        return Err(failed(target, words));
    }
    Ok(Some(lock))
}

/// Gives a database and its write-ahead log another name; false if there is none. Both have their new names before they lose the old
/// ones, because the latest changes may be in the log alone. Its index (`-shm`) is created again when the file is opened.
fn set_aside(target: &Path, kept: &Path) -> io::Result<bool> {
    let (log, kept_log) = (beside(target, "-wal"), beside(kept, "-wal"));
    let was_there = link_if_there(target, kept)?;
    link_if_there(&log, &kept_log)?;
    sync_folder(target)?;
    // A log without its database would be applied to another one.
    remove_if_there(target)?;
    remove_if_there(&log)?;
    remove_if_there(&beside(target, "-shm"))?;
    Ok(was_there)
}

/// Undoes [`set_aside`]: the log first, because a database without its log lacks its last changes. Nothing can be done about an error.
fn put_back(kept: &Path, target: &Path) {
    if target.symlink_metadata().is_err() {
        let _ = std::fs::rename(beside(kept, "-wal"), beside(target, "-wal"));
        let _ = std::fs::rename(kept, target);
    }
}

/// Whether two paths lead to one file, by whatever names.
fn is_same_file(one: &Path, other: &Path) -> bool {
    let id = |path: &Path| std::fs::metadata(path).ok().map(|metadata| (metadata.dev(), metadata.ino()));
    id(one).is_some_and(|one| id(other) == Some(one))
}

/// Where the file system has no hard links, the file is renamed.
fn link_if_there(path: &Path, other: &Path) -> io::Result<bool> {
    let linked = std::fs::hard_link(path, other).or_else(|err| match err.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::AlreadyExists => Err(err),
        _ => std::fs::rename(path, other),
    });
    match linked {
        Ok(()) => Ok(true),
        Err(err) if err.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(err) => Err(err),
    }
}
