//! What the recorder wrote, and building it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

/// One call that changed the folder. Records of the same open file have the same number.
#[derive(Debug)]
pub enum Record<'a> {
    /// A process started: what it opened before is closed.
    Start,
    Open {
        file: u32,
        created: bool,
        emptied: bool,
        mode: u32,
        /// Empty for the folder itself.
        name: &'a str,
    },
    Write {
        file: u32,
        offset: u64,
        bytes: &'a [u8],
    },
    Truncate {
        file: u32,
        length: u64,
    },
    SyncBegin(u32),
    SyncEnd(u32),
    Rename {
        from: &'a str,
        to: &'a str,
    },
    Unlink(&'a str),
    /// A call that cannot be replayed.
    Unsupported(&'a str),
}

/// A program whose calls are recorded.
#[derive(Clone, Debug)]
pub struct Recorder {
    library: PathBuf,
    /// The folder whose files are recorded.
    pub folder: PathBuf,
    log: PathBuf,
}

impl Recorder {
    /// Compiles the library.
    pub fn build(place: &Path, folder: PathBuf) -> Self {
        let library = place.join("recorder.so");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/faults/power_cut/recorder.rs");
        let mut compiler = Command::new("rustc");
        compiler.args(["--edition", "2024", "--crate-type", "cdylib", "-O", "-C", "panic=abort", "-o"]);
        assert!(compiler.arg(&library).arg(source).status().unwrap().success(), "the recorder does not compile");
        // The recorder compares paths as SQLite opens them, without symbolic links.
        Self { library, folder: folder.canonicalize().unwrap(), log: place.join("recording") }
    }

    /// The environment in which a program is recorded.
    pub fn environment(&self) -> [(&'static str, OsString); 3] {
        [
            ("LD_PRELOAD", self.library.clone().into()),
            ("RECORDER_FOLDER", self.folder.clone().into()),
            ("RECORDER_LOG", self.log.clone().into()),
        ]
    }

    /// The number of bytes recorded so far. Whatever was done before this call is among them.
    pub fn length(&self) -> u64 {
        std::fs::metadata(&self.log).unwrap().len()
    }

    pub fn bytes(&self) -> Vec<u8> {
        std::fs::read(&self.log).unwrap()
    }
}

/// The records, each with the length of the recording after it.
pub fn records(bytes: &[u8]) -> impl Iterator<Item = (u64, Record<'_>)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = bytes.get(at..).filter(|rest| !rest.is_empty())?;
        let length = number(rest) as usize;
        at += length;
        Some((at as u64, record(rest[4], &rest[5..length])))
    })
}

fn record(kind: u8, fields: &[u8]) -> Record<'_> {
    match kind {
        0 => Record::Start,
        1 => Record::Open {
            file: number(fields),
            created: fields[4] & 1 != 0,
            emptied: fields[4] & 2 != 0,
            mode: number(&fields[5..]),
            name: text(&fields[9..]),
        },
        2 => Record::Write { file: number(fields), offset: long(&fields[4..]), bytes: &fields[12..] },
        3 => Record::Truncate { file: number(fields), length: long(&fields[4..]) },
        4 => Record::SyncBegin(number(fields)),
        5 => Record::SyncEnd(number(fields)),
        6 => {
            let (from, to) = fields[4..].split_at(number(fields) as usize);
            Record::Rename { from: text(from), to: text(to) }
        }
        7 => Record::Unlink(text(fields)),
        8 => Record::Unsupported(text(fields)),
        other => panic!("no record is of kind {other}"),
    }
}

fn number(bytes: &[u8]) -> u32 {
    u32::from_le_bytes(bytes[..4].try_into().unwrap())
}

fn long(bytes: &[u8]) -> u64 {
    u64::from_le_bytes(bytes[..8].try_into().unwrap())
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}
