//! The open SQLite files, and whether they still have their names.
//!
//! SQLite does not notice when its file, its write-ahead log or the index of the log is deleted or replaced. It keeps writing to
//! files that no longer have a name, and everything that is committed to them is lost when the process ends. So after every commit,
//! before it is acknowledged, the names are checked.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use nix::sys::statvfs::statvfs;
use sea_orm::{DbErr, RuntimeErr};
use tokio::sync::watch;

use crate::metrics::{Exposition, Family};

use super::reserve::Reserve;

/// The files that make up the open database. Clones share it.
#[derive(Clone, Debug)]
pub(in crate::store) struct DatabaseFile(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    files: Vec<(PathBuf, Identity)>,
    wal: PathBuf,
    missing: watch::Sender<Option<PathBuf>>,
    reserve: Reserve,
}

/// Device and inode. SQLite keeps the file open, so no other file can get the same.
type Identity = (u64, u64);

impl DatabaseFile {
    /// The files of the database at this path, which has just been opened.
    ///
    /// # Errors
    /// When a file cannot be accessed.
    pub(in crate::store) fn opened(path: &Path, reserve: Reserve) -> io::Result<Self> {
        // SQLite resolves symbolic links once, when it opens the file, and creates the other files beside the target.
        let real = path.canonicalize()?;
        let mut files = vec![(path.to_path_buf(), identity(path)?)];
        let (wal, shared) = (beside(&real, "-wal"), beside(&real, "-shm"));
        for path in [&wal, &shared] {
            match identity(path) {
                Ok(identity) => files.push((path.clone(), identity)),
                Err(err) if err.kind() == io::ErrorKind::NotFound => {}
                Err(err) => return Err(err),
            }
        }
        let missing = watch::Sender::new(None);
        Ok(Self(Arc::new(Inner { files, wal, missing, reserve })))
    }

    /// Checks that every file still has its name. Once one has lost it, all later checks fail.
    ///
    /// # Errors
    /// When a file was deleted or replaced, or cannot be accessed.
    pub(in crate::store) fn check(&self) -> Result<(), DbErr> {
        if let Some(path) = &*self.0.missing.borrow() {
            return Err(unusable(&moved(path, &self.0.wal)));
        }
        for (path, expected) in &self.0.files {
            match identity(path) {
                Ok(found) if found == *expected => {}
                Err(err) if err.kind() != io::ErrorKind::NotFound => {
                    return Err(unusable(&format!("{} cannot be accessed: {err}", path.display())));
                }
                _ => {
                    self.0.missing.send_replace(Some(path.clone()));
                    return Err(unusable(&moved(path, &self.0.wal)));
                }
            }
        }
        Ok(())
    }

    /// Waits until a check finds that a file was deleted or replaced; returns what happened and what to do.
    pub(in crate::store) async fn moved(&self) -> String {
        let mut missing = self.0.missing.subscribe();
        let found = missing.wait_for(Option::is_some).await.ok().and_then(|path| path.clone());
        match found {
            Some(path) => moved(&path, &self.0.wal),
            // The sender lives as long as `self`.
            None => std::future::pending().await,
        }
    }

    /// Creates an empty file, readable only by its owner, to save the contents of the database in; `None` unless the database file
    /// itself was deleted or replaced.
    ///
    /// # Errors
    /// When the file cannot be created, or exists already.
    pub(in crate::store) fn place_to_save(&self) -> Option<io::Result<PathBuf>> {
        let missing = self.0.missing.borrow().clone()?;
        let (path, _) = self.0.files.first().filter(|(path, _)| *path == missing)?;
        let saved = beside(path, "-rescued");
        let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&saved);
        Some(made.map(|_| saved))
    }

    /// The length of the write-ahead log, in bytes.
    pub(in crate::store) fn wal_bytes(&self) -> u64 {
        std::fs::metadata(&self.0.wal).map_or(0, |metadata| metadata.len())
    }

    /// Describes the file, its log and the room on its disk.
    pub(in crate::store) fn describe(&self, exposition: &mut Exposition) {
        let Some((path, _)) = self.0.files.first() else { return };
        let bytes = std::fs::metadata(path).map_or(0, |metadata| metadata.len());
        exposition.add(Family::gauge("rotakey_sqlite_file_bytes", "Size of the database file.").sample([], bytes));
        exposition.add(
            Family::gauge(
                "rotakey_sqlite_wal_bytes",
                "Size of the write-ahead log. It is shortened once it exceeds 16 MiB.",
            )
            .sample([], self.wal_bytes()),
        );
        if let Ok(disk) = statvfs(path) {
            let available = disk.blocks_available().saturating_mul(disk.fragment_size());
            exposition.add(
                Family::gauge(
                    "rotakey_sqlite_disk_available_bytes",
                    "Free space on the disk of the database, in bytes.",
                )
                .sample([], available),
            );
        }
        exposition.add(
            Family::gauge(
                "rotakey_sqlite_disk_full",
                "Whether the disk was found full: then only urgent changes, such as revocations, are written. 1 or 0.",
            )
            .sample([], self.reserve().is_released()),
        );
    }

    /// The reserve for when the disk is full.
    pub(in crate::store) fn reserve(&self) -> &Reserve {
        &self.0.reserve
    }
}

/// What follows the name of the database in the name of its reserve.
pub(in crate::store) const RESERVE: &str = "-reserve";
/// What follows the name of the database while a restore prepares its successor.
pub(in crate::store) const RESTORING: &str = "-restoring";

/// The path of a file beside the database: its name with this suffix.
pub(in crate::store) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Found by name, without opening the file: closing it would drop the locks that SQLite has on it (`fcntl`, POSIX).
fn identity(path: &Path) -> io::Result<Identity> {
    let metadata = std::fs::metadata(path)?;
    Ok((metadata.dev(), metadata.ino()))
}

fn moved(path: &Path, wal: &Path) -> String {
    format!(
        "{} was deleted or replaced while the server was using it. Nothing was acknowledged after that. Put the file back or \
         restore a backup, and start the server again. If the server was killed before it said this, delete {} and its -shm file \
         before you start with another file: they belong to the old one. Stop the server before you move, restore or delete its \
         database.",
        path.display(),
        wal.display()
    )
}

fn unusable(text: &str) -> DbErr {
    DbErr::Conn(RuntimeErr::Internal(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reserve() -> Reserve {
        Reserve::at(PathBuf::from("/nowhere"))
    }

    #[test]
    fn a_file_that_was_deleted_or_replaced_is_not_the_one_that_was_opened() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rotakey.db");
        let names = ["rotakey.db", "rotakey.db-wal", "rotakey.db-shm"].map(|name| folder.path().join(name));
        for name in &names {
            for replaced in [false, true] {
                names.iter().for_each(|name| std::fs::write(name, "").unwrap());
                let file = DatabaseFile::opened(&path, reserve()).unwrap();
                file.check().unwrap();
                let kept = folder.path().join("kept");
                std::fs::rename(name, &kept).unwrap();
                if replaced {
                    std::fs::write(name, "").unwrap();
                }
                let refused = file.check().unwrap_err().to_string();
                assert!(refused.contains(&format!("{} was deleted or replaced", name.display())), "{refused}");
                // Also if it is put back: commits may have been refused in between.
                std::fs::rename(&kept, name).unwrap();
                assert!(file.check().is_err());
            }
        }
    }

    #[test]
    fn a_symbolic_link_is_followed_and_may_not_be_pointed_elsewhere() {
        let folder = tempfile::tempdir().unwrap();
        let [one, two, link] = ["one.db", "two.db", "link.db"].map(|name| folder.path().join(name));
        for name in ["one.db", "one.db-wal", "one.db-shm", "two.db"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        std::os::unix::fs::symlink(&one, &link).unwrap();
        let file = DatabaseFile::opened(&link, reserve()).unwrap();
        file.check().unwrap();
        std::fs::remove_file(&link).unwrap();
        std::os::unix::fs::symlink(&two, &link).unwrap();
        assert!(file.check().is_err());
    }
}
