//! The lock by which no process uses a SQLite file.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;

/// Where SQLite locks a file, and how many bytes (SQLite documentation, `os.h`: `PENDING_BYTE`, `RESERVED_BYTE` and `SHARED_SIZE`).
/// In WAL mode every connection holds a shared lock there for as long as it is open.
const FIRST: libc::off_t = 0x4000_0000;
const LENGTH: libc::off_t = 512;

/// Holds a SQLite file for this process alone, until it is dropped.
#[derive(Debug)]
pub(super) struct Exclusive {
    _file: File,
}

impl Exclusive {
    /// Takes the lock; `None` if another process has the file open. It writes nothing to the file, which may be damaged. While it
    /// is held, this process must not open the file in any other way: to close that would drop the lock (`fcntl`, POSIX).
    pub(super) fn try_acquire(path: &Path) -> io::Result<Option<Self>> {
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        #[expect(clippy::cast_possible_truncation, reason = "constants of the system that fit")]
        let lock = libc::flock {
            l_type: libc::F_WRLCK as libc::c_short,
            l_whence: libc::SEEK_SET as libc::c_short,
            l_start: FIRST,
            l_len: LENGTH,
            l_pid: 0,
        };
        match fcntl(&file, FcntlArg::F_SETLK(&lock)) {
            Ok(_) => Ok(Some(Self { _file: file })),
            Err(Errno::EACCES | Errno::EAGAIN) => Ok(None),
            Err(err) => Err(err.into()),
        }
    }
}
