//! Space on the disk that is kept for revocations: a file beside the database that is given up when the disk is full.
//!
//! Without it a full disk would keep every leaked token alive. While it is given up only urgent changes are written, those
//! that take rights away or that verifying a value waits for. It is made again when there is room again.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use nix::sys::statvfs::statvfs;
use sea_orm::{DbErr, RuntimeErr, sqlx};

/// A write-ahead log grows to 4 MiB before SQLite writes over it again; the rest is for what the database grows by, about a
/// kilobyte a revocation.
const BYTES: u64 = 8 * 1024 * 1024;
/// What is written at once. It is longer than the records by which file systems compress.
const BLOCK_BYTES: usize = 1024 * 1024;

/// Nobody has looked yet, as in a command that is over at once.
const UNKNOWN: u8 = 0;
const HELD: u8 = 1;
const GIVEN_UP: u8 = 2;
/// It cannot be made, for another reason than a lack of space.
const IMPOSSIBLE: u8 = 3;

/// The reserve of a database file. Clones share it.
#[derive(Clone, Debug)]
pub(super) struct Reserve(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    state: AtomicU8,
}

impl Reserve {
    pub(super) fn at(path: PathBuf) -> Self {
        Self(Arc::new(Inner { path, state: AtomicU8::new(UNKNOWN) }))
    }

    /// Whether the disk is full, so that only urgent changes may be written.
    pub(super) fn is_given_up(&self) -> bool {
        self.0.state.load(Ordering::SeqCst) == GIVEN_UP
    }

    /// Gives the space to whoever writes next, if this is an error of a full disk; whether it is.
    pub(super) fn give_up_for(&self, err: &DbErr) -> bool {
        let full = is_full(err);
        if full {
            self.give_up();
        }
        full
    }

    fn give_up(&self) {
        let path = self.0.path.display();
        if let Err(cause) = std::fs::remove_file(&self.0.path)
            && cause.kind() != ErrorKind::NotFound
        {
            tracing::error!(%path, %cause, "the reserve cannot be deleted");
        }
        if self.0.state.swap(GIVEN_UP, Ordering::SeqCst) != GIVEN_UP {
            tracing::error!(
                %path,
                "the disk is full: tokens can be verified and revoked, and all other changes are refused. Make room on it"
            );
        }
    }

    /// Makes the reserve if there is none and room for it. Another process may have used it up.
    pub(super) async fn keep(&self) {
        if self.0.state.load(Ordering::SeqCst) == HELD && is_whole(&self.0.path) {
            return;
        }
        let this = self.clone();
        // A failure to join is one of the whole process.
        let _ = tokio::task::spawn_blocking(move || this.make()).await;
    }

    fn make(&self) {
        let path = self.0.path.display();
        match claim(&self.0.path) {
            Ok(()) => {
                if self.0.state.swap(HELD, Ordering::SeqCst) == GIVEN_UP {
                    tracing::info!(%path, "there is room on the disk again: all changes are written");
                }
            }
            // A disk with less room than the reserve is as good as full: what is left is for revocations.
            Err(err) if is_shortage(&err) => self.give_up(),
            Err(cause) => {
                if self.0.state.swap(IMPOSSIBLE, Ordering::SeqCst) != IMPOSSIBLE {
                    tracing::warn!(%path, %cause, "no space can be kept for revocations on a full disk");
                }
            }
        }
    }
}

fn is_whole(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|metadata| metadata.len() == BYTES)
}

/// Makes the file, unless it is there already.
fn claim(path: &Path) -> io::Result<()> {
    if is_whole(path) {
        return Ok(());
    }
    // With as much left again, so that it is not made and given up in turns.
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let room = statvfs(folder)?;
    if room.blocks_available() * room.fragment_size() < 2 * BYTES {
        return Err(ErrorKind::StorageFull.into());
    }
    let written = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path).and_then(fill);
    if written.is_err() {
        // What was written of it is of no use, and the room is needed.
        let _ = std::fs::remove_file(path);
    }
    written
}

/// Writes all of it, so that the space is taken: a length alone would take none, and zeros might be compressed.
fn fill(mut file: File) -> io::Result<()> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let noise = std::iter::repeat_with(|| {
        // Xorshift (Marsaglia 2003): it need not be random, only hard to compress.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    });
    let block: Vec<u8> = noise.take(BLOCK_BYTES / 8).flatten().collect();
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
        }
        reserve.keep().await;
        std::fs::remove_file(&path).unwrap();
        reserve.keep().await;
        assert!(path.exists(), "another process had deleted it");
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
        reserve.keep().await;
        store.begin().await.unwrap().commit().await.unwrap();
        store.close().await.unwrap();
    }
}
