//! A wall clock that a scenario sets while a program runs, by libfaketime. The monotonic clock goes on as it is.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::support::cluster::folder;

/// Where Debian's package `faketime` has its libraries.
const LIBRARIES: &str = "/usr/lib";

pub struct SteppedClock {
    /// Readable for every user.
    folder: TempDir,
}

impl SteppedClock {
    /// One that is right.
    pub fn new() -> Self {
        let clock = Self { folder: folder() };
        clock.set_ahead(0);
        clock
    }

    /// Sets it: from now it is ahead by so many seconds.
    pub fn set_ahead(&self, seconds: i64) {
        // In one step, since programs read it at any time.
        let next = self.folder.path().join("next");
        std::fs::write(&next, format!("{seconds:+}\n")).unwrap();
        std::fs::rename(next, self.file()).unwrap();
    }

    /// What a program needs in its environment to go by it.
    pub fn environment(&self) -> Vec<(String, String)> {
        let library = library();
        let settings = [
            ("LD_PRELOAD", library.to_str().unwrap()),
            ("FAKETIME_TIMESTAMP_FILE", self.file().to_str().unwrap()),
            ("FAKETIME_NO_CACHE", "1"),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
            ("FAKETIME_DISABLE_SHM", "1"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
        settings.into()
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("ahead")
    }
}

fn library() -> PathBuf {
    let folders = std::fs::read_dir(LIBRARIES).unwrap().map(|entry| entry.unwrap().path());
    let mut libraries = folders.map(|folder| folder.join("faketime/libfaketimeMT.so.1"));
    libraries
        .find(|library| library.exists())
        .unwrap_or_else(|| panic!("this scenario needs Debian's package `faketime`"))
}

impl Drop for SteppedClock {
    /// Removes what the library has left of programs that were killed.
    fn drop(&mut self) {
        for entry in std::fs::read_dir("/dev/shm").into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let pid = name.strip_prefix("faketime_shm_").or_else(|| name.strip_prefix("sem.faketime_sem_"));
            if pid.is_some_and(|pid| !Path::new("/proc").join(pid).exists()) {
                // Another one may have removed it meanwhile.
                let _ = std::fs::remove_file(entry.path());
            }
        }
    }
}
