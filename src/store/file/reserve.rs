//! Space on the disk that is kept for revocations: a file beside the database that is given up when the disk is full.
//!
//! Without it a full disk would keep every leaked token alive. While it is given up only urgent changes are written, those
//! that take rights away or that verifying a value waits for. It is made again when there is room again.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use nix::sys::statvfs::statvfs;
use sea_orm::{DbErr, RuntimeErr, sqlx};

/// A write-ahead log grows to 4 MiB before SQLite writes over it again; the rest is for what the database grows by, about a
/// kilobyte a revocation.
const BYTES: u64 = 8 * 1024 * 1024;
/// What is written at once. It is longer than the records by which file systems compress.
const BLOCK_BYTES: usize = 1024 * 1024;
/// By how many of its first bytes it is known again.
const START_BYTES: usize = 64;

/// How often [`Reserve::keep`], which is called once a second, makes none after the disk was full although there seemed to be
/// room, as under a quota: it would take what was just given up.
const PAUSE: u32 = 60;

/// Nobody has looked yet, as in a command that is over at once.
const UNKNOWN: u8 = 0;
const HELD: u8 = 1;
const GIVEN_UP: u8 = 2;
/// It cannot be made, for another reason than a lack of space.
const IMPOSSIBLE: u8 = 3;

/// The reserve of a database file. Clones share it.
#[derive(Clone, Debug)]
pub(in crate::store) struct Reserve(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    state: AtomicU8,
    /// Held by whoever makes the file or gives it up, so that its space is free once it is given up: that of a file that is
    /// still being written would not be. Inside, for how many calls none is made.
    pause: Mutex<u32>,
}

impl Reserve {
    pub(in crate::store) fn at(path: PathBuf) -> Self {
        Self(Arc::new(Inner { path, state: AtomicU8::new(UNKNOWN), pause: Mutex::new(0) }))
    }

    /// Whether the disk is full, so that only urgent changes may be written.
    pub(in crate::store) fn is_given_up(&self) -> bool {
        self.0.state.load(Ordering::SeqCst) == GIVEN_UP
    }

    /// Gives the space to whoever writes next, if this is an error of a full disk; whether it is.
    pub(in crate::store) fn give_up_for(&self, err: &DbErr) -> bool {
        let full = is_full(err);
        if full {
            self.give_up();
        }
        full
    }

    fn give_up(&self) {
        let mut pause = self.0.pause.lock().unwrap_or_else(PoisonError::into_inner);
        self.give_up_alone(&mut pause);
    }

    /// As [`Reserve::give_up`], by whoever holds the lock.
    fn give_up_alone(&self, pause: &mut u32) {
        let path = self.0.path.display();
        // Asked before there is more.
        if has_room(&self.0.path).unwrap_or(true) {
            *pause = PAUSE;
        }
        match find(&self.0.path) {
            Ok(Found::Whole | Found::Part) => {
                if let Err(cause) = std::fs::remove_file(&self.0.path) {
                    tracing::error!(%path, %cause, "the reserve cannot be deleted");
                }
            }
            Ok(Found::Nothing | Found::Foreign) => {}
            Err(cause) => tracing::error!(%path, %cause, "the reserve cannot be looked at"),
        }
        if self.0.state.swap(GIVEN_UP, Ordering::SeqCst) != GIVEN_UP {
            tracing::error!(
                %path,
                "the disk is full: tokens can be verified and revoked, and all other changes are refused. Make room on it"
            );
        }
    }

    /// Makes the reserve if there is none and room for it. Another process may have used it up.
    pub(in crate::store) async fn keep(&self) {
        if self.0.state.load(Ordering::SeqCst) == HELD && is_whole(&self.0.path) {
            return;
        }
        let this = self.clone();
        // A failure to join is one of the whole process.
        let _ = tokio::task::spawn_blocking(move || this.make()).await;
    }

    fn make(&self) {
        let mut pause = self.0.pause.lock().unwrap_or_else(PoisonError::into_inner);
        if *pause > 0 {
            *pause -= 1;
            return;
        }
        let path = self.0.path.display();
        match claim(&self.0.path) {
            Ok(()) => {
                if self.0.state.swap(HELD, Ordering::SeqCst) == GIVEN_UP {
                    tracing::info!(%path, "there is room on the disk again: all changes are written");
                }
            }
            // A disk with less room than the reserve is as good as full: what is left is for revocations.
            Err(err) if is_shortage(&err) => self.give_up_alone(&mut pause),
            Err(cause) => {
                if self.0.state.swap(IMPOSSIBLE, Ordering::SeqCst) != IMPOSSIBLE {
                    tracing::warn!(%path, %cause, "no space can be kept for revocations on a full disk");
                }
            }
        }
    }
}

/// What is at the path of the reserve.
enum Found {
    Nothing,
    Whole,
    /// A process was killed while it wrote it.
    Part,
    /// A link, or a file that is not ours, which is left as it is.
    Foreign,
}

fn is_whole(path: &Path) -> bool {
    matches!(find(path), Ok(Found::Whole))
}

/// It follows no link. A file is ours if its owner alone may use it and it begins as we begin it, as far as it goes.
fn find(path: &Path) -> io::Result<Found> {
    let metadata = match std::fs::symlink_metadata(path) {
        Ok(metadata) => metadata,
        Err(err) if err.kind() == ErrorKind::NotFound => return Ok(Found::Nothing),
        Err(err) => return Err(err),
    };
    if !metadata.is_file() || metadata.permissions().mode() & 0o777 != 0o600 || metadata.len() > BYTES {
        return Ok(Found::Foreign);
    }
    let mut start = Vec::new();
    File::open(path)?.take(START_BYTES as u64).read_to_end(&mut start)?;
    Ok(if start.iter().copied().ne(noise().take(start.len())) {
        Found::Foreign
    } else if metadata.len() == BYTES {
        Found::Whole
    } else {
        Found::Part
    })
}

/// Whether there is room for the reserve, and as much left again, so that it is not made and given up in turns.
fn has_room(path: &Path) -> io::Result<bool> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let room = statvfs(folder)?;
    Ok(room.blocks_available() * room.fragment_size() >= 2 * BYTES)
}

/// Makes the file, unless it is there already.
fn claim(path: &Path) -> io::Result<()> {
    match find(path)? {
        Found::Whole => return Ok(()),
        Found::Foreign => return Err(io::Error::other("there is another file of that name: move it away")),
        Found::Part => std::fs::remove_file(path)?,
        Found::Nothing => {}
    }
    if !has_room(path)? {
        return Err(ErrorKind::StorageFull.into());
    }
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    let written = fill(file);
    if written.is_err() {
        // What was written of it is of no use, and the room is needed.
        let _ = std::fs::remove_file(path);
    }
    written
}

/// Bytes that are hard to compress, always the same: Xorshift (Marsaglia 2003).
fn noise() -> impl Iterator<Item = u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    std::iter::repeat_with(move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    })
    .flatten()
}

/// Writes all of it, so that the space is taken: a length alone would take none, and zeros might be compressed.
fn fill(mut file: File) -> io::Result<()> {
    let block: Vec<u8> = noise().take(BLOCK_BYTES).collect();
    for _ in 0..BYTES / BLOCK_BYTES as u64 {
        file.write_all(&block)?;
    }
    file.sync_data()
}

fn is_shortage(err: &io::Error) -> bool {
    matches!(err.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge)
}

/// Whether a statement failed for want of space. SQLite says so by FULL where it runs out, and by an I/O error where a quota is
/// reached (`IOERR_WRITE`) or the shared index cannot grow (`IOERR_SHMSIZE`).
fn is_full(err: &DbErr) -> bool {
    let (DbErr::Exec(RuntimeErr::SqlxError(err))
    | DbErr::Query(RuntimeErr::SqlxError(err))
    | DbErr::Conn(RuntimeErr::SqlxError(err))) = err
    else {
        return false;
    };
    let sqlx::Error::Database(err) = err.as_ref() else { return false };
    err.code().is_some_and(|code| matches!(code.as_ref(), "13" | "778" | "4874"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    use super::*;

    #[tokio::test]
    async fn the_reserve_takes_its_space_is_given_up_and_is_made_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rotakey.db-reserve");
        let reserve = Reserve::at(path.clone());
        assert!(!reserve.is_given_up());
        for _ in 0..2 {
            reserve.keep().await;
            assert!(!reserve.is_given_up());
            let metadata = std::fs::metadata(&path).unwrap();
            assert_eq!((metadata.len(), metadata.permissions().mode() & 0o777), (BYTES, 0o600));
            assert!(metadata.blocks() * 512 >= BYTES, "it is sparse");
            reserve.give_up();
            assert!(reserve.is_given_up() && !path.exists());
            // As if it had been seen that there was no room.
            *reserve.0.pause.lock().unwrap() = 0;
        }
        reserve.keep().await;
        std::fs::remove_file(&path).unwrap();
        reserve.keep().await;
        assert!(path.exists(), "another process had deleted it");
    }

    #[tokio::test]
    async fn what_is_not_the_reserve_is_neither_written_over_nor_deleted() {
        let folder = tempfile::tempdir().unwrap();
        let [path, target] = ["rotakey.db-reserve", "precious"].map(|name| folder.path().join(name));
        let whole = vec![7; usize::try_from(BYTES).unwrap()];
        for (mode, contents) in [(0o600, b"precious".as_slice()), (0o644, b"precious"), (0o600, &whole), (0o644, b"")] {
            for link in [false, true] {
                let written = if link { &target } else { &path };
                std::fs::write(written, contents).unwrap();
                std::fs::set_permissions(written, std::fs::Permissions::from_mode(mode)).unwrap();
                if link {
                    std::os::unix::fs::symlink(&target, &path).unwrap();
                }
                let reserve = Reserve::at(path.clone());
                reserve.keep().await;
                assert!(!reserve.is_given_up());
                reserve.give_up();
                assert!(std::fs::read(&path).unwrap() == contents, "mode {mode:o}, link: {link}");
                std::fs::remove_file(&path).unwrap();
            }
        }
    }

    #[tokio::test]
    async fn a_reserve_that_was_not_finished_is_made_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rotakey.db-reserve");
        for bytes in [0, 10, BLOCK_BYTES as u64] {
            Reserve::at(path.clone()).keep().await;
            OpenOptions::new().write(true).open(&path).unwrap().set_len(bytes).unwrap();
            Reserve::at(path.clone()).keep().await;
            assert!(is_whole(&path));
        }
    }

    #[tokio::test]
    async fn a_full_database_takes_urgent_changes_only_until_there_is_room_again() {
        use sea_orm::ConnectionTrait;

        use crate::store::Store;

        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("rotakey.db").display());
        let store = Store::connect(&url).await.unwrap();
        let reserve = store.file.as_ref().unwrap().reserve();
        reserve.keep().await;
        let run = async |sql: &str| store.write.execute_unprepared(sql).await.unwrap();
        run("CREATE TABLE ballast (bytes BLOB); PRAGMA max_page_count = 10").await;
        let transaction = store.begin().await.unwrap();
        let too_much = "INSERT INTO ballast VALUES (zeroblob(100000))";
        let failed = transaction.connection().execute_unprepared(too_much).await.unwrap_err().into();
        drop(transaction);
        assert!(store.has_made_room(&failed) && reserve.is_given_up());
        assert!(!store.has_made_room(&crate::store::Error::Unreadable("another".into())));
        for _ in 0..2 {
            assert!(matches!(store.begin().await, Err(crate::store::Error::Unavailable(_))));
            store.begin_urgent().await.unwrap().commit().await.unwrap();
        }
        // There was room on the disk, as under a quota: what was given up is not taken again at once.
        for _ in 0..PAUSE {
            reserve.keep().await;
            assert!(reserve.is_given_up());
        }
        reserve.keep().await;
        store.begin().await.unwrap().commit().await.unwrap();
        store.close().await.unwrap();
    }
}
