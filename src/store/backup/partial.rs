//! A file under a temporary name beside its final one, which it gets when it is whole and durable.

use std::fs::{File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::fcntl::{Flock, FlockArg, OFlag};

use crate::store::Error;
use crate::store::file::database_file::beside;

use super::verify::failed;

/// What SQLite may leave beside a file when a process is killed. It belongs to the old contents of the file.
pub(super) const LEFTOVERS: [&str; 3] = ["-journal", "-wal", "-shm"];

/// A file that is being written. Dropping it deletes it.
#[derive(Debug)]
pub(super) struct Partial {
    /// Locked, so that no two processes write it. Open until the end: to close it would drop the locks of SQLite (`fcntl`, POSIX).
    file: Flock<File>,
    path: PathBuf,
    target: PathBuf,
    published: bool,
}

impl Partial {
    /// An empty file that only its owner can read. One that a killed process left is used again.
    pub(super) fn create(target: &Path, suffix: &str) -> Result<Self, Error> {
        let path = beside(target, suffix);
        let words = |err: io::Error| failed(&path, &format!("it cannot be written: {err}."));
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600).custom_flags(OFlag::O_NOFOLLOW.bits());
        let file = options.open(&path).map_err(words)?;
        let busy = || failed(&path, "another process is writing it. Wait until it has finished.");
        let file = Flock::lock(file, FlockArg::LockExclusiveNonblock).map_err(|_| busy())?;
        // The process that had the lock before may have renamed the file, which must not be written to.
        let (locked, named) = (file.metadata().map_err(words)?, std::fs::symlink_metadata(&path));
        if !named.is_ok_and(|named| (named.dev(), named.ino()) == (locked.dev(), locked.ino())) {
            return Err(busy());
        }
        for suffix in LEFTOVERS {
            remove_if_there(&beside(&path, suffix)).map_err(words)?;
        }
        file.set_len(0).and_then(|()| file.set_permissions(Permissions::from_mode(0o600))).map_err(words)?;
        Ok(Self { file, path, target: target.to_path_buf(), published: false })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Gives the file to the owner of this one, as SQLite does with its files: a command that root runs must not make a file that
    /// the server cannot read.
    pub(super) fn give_to_owner_of(&self, other: &Path) -> Result<(), Error> {
        let words = |err: io::Error| {
            failed(&self.path, &format!("it cannot be given to the owner of {}: {err}.", other.display()))
        };
        let (owner, own) = (std::fs::metadata(other).map_err(words)?, self.file.metadata().map_err(words)?);
        // Root alone may give a file away, and made this one.
        if (own.uid(), own.gid()) == (owner.uid(), owner.gid()) || own.uid() != 0 {
            return Ok(());
        }
        std::os::unix::fs::fchown(&*self.file, Some(owner.uid()), Some(owner.gid())).map_err(words)
    }

    /// Gives the file the owner and the permissions of the one that it will replace: a group that could read that one, such as the one
    /// that backs it up, still can.
    pub(super) fn take_permissions_of(&self, replaced: &Path) -> Result<(), Error> {
        self.give_to_owner_of(replaced)?;
        let words = |err: io::Error| {
            failed(&self.path, &format!("it cannot get the permissions of {}: {err}.", replaced.display()))
        };
        let (replaced, own) = (std::fs::metadata(replaced).map_err(words)?, self.file.metadata().map_err(words)?);
        // Without its group, the permissions would be those of another group.
        let kept = if own.gid() == replaced.gid() { 0o666 } else { 0o600 };
        let mode = (replaced.mode() & kept) | 0o600;
        self.file.set_permissions(Permissions::from_mode(mode)).map_err(words)
    }

    /// Waits until the file is on disk, whole: all that is left is to rename it.
    pub(super) fn sync(&self) -> Result<(), Error> {
        let target = &self.target;
        let words = |err: io::Error| failed(target, &format!("it cannot be written: {err}."));
        // All of it must be in the one file that is renamed.
        if std::fs::metadata(beside(&self.path, "-wal")).is_ok_and(|log| log.len() > 0) {
            return Err(failed(&self.path, "its write-ahead log could not be written into it. Try again."));
        }
        for suffix in LEFTOVERS {
            remove_if_there(&beside(&self.path, suffix)).map_err(&words)?;
        }
        self.file.sync_all().map_err(words)
    }

    /// Syncs and renames the file. Whatever had the final name is replaced.
    pub(super) fn publish(mut self) -> Result<(), Error> {
        self.sync()?;
        let target = self.target.clone();
        let words = |err: io::Error| failed(&target, &format!("it cannot be written: {err}."));
        std::fs::rename(&self.path, &self.target).map_err(&words)?;
        self.published = true;
        sync_folder(&self.target).map_err(&words)
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        // Once it was renamed, a file of this name is that of another process.
        if self.published {
            return;
        }
        // Nothing is left to be done about an error.
        for suffix in LEFTOVERS {
            let _ = remove_if_there(&beside(&self.path, suffix));
        }
        let _ = remove_if_there(&self.path);
    }
}

/// Makes the names in the folder of this file durable.
pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path.parent().unwrap_or(Path::new("/")))?.sync_all()
}

pub(super) fn remove_if_there(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(err) if err.kind() != io::ErrorKind::NotFound => Err(err),
        _ => Ok(()),
    }
}
