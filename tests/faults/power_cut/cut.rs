//! Cutting the power: one of the states in which a disk may be found afterwards.
//!
//! - Sectors are written whole, each on its own, in any order: of what was written to a sector since the last sync, the disk has any
//!   beginning, none or all. So a long write may be torn, and a later write may be there without an earlier one.
//! - The length of a file is any that it had since the last sync. Where a file has grown and its new sectors were not written, it
//!   holds zeros, or whatever the disk held there before.
//! - Shortening a file is one step: sectors that it frees are not overwritten before it is durable.
//! - Changes of names are independent of each other and of the contents of files.

use std::collections::BTreeMap;
use std::fs::{OpenOptions, Permissions};
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use super::disk::{Change, Disk, StoredFile};

/// What reached the disk of what is pending.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Reached {
    Nothing,
    Everything,
    /// Each sector and each name with this chance; otherwise any beginning of what happened to it.
    Some(f64),
}

/// How the power is cut.
#[derive(Clone, Debug)]
pub struct Cut {
    pub reached: Reached,
    pub sector_bytes: usize,
    /// Whether sectors that were never written hold what was there before, rather than zeros.
    pub stale: bool,
    pub random: fastrand::Rng,
}

impl Cut {
    pub fn any(mut random: fastrand::Rng) -> Self {
        let reached = match random.u8(0..10) {
            0 => Reached::Nothing,
            1 => Reached::Everything,
            _ => Reached::Some(random.f64()),
        };
        Self { reached, sector_bytes: random.choice([512, 4096]).unwrap(), stale: random.bool(), random }
    }

    /// Writes what is found afterwards into an empty folder.
    pub fn write(mut self, disk: &Disk, folder: &Path) {
        let mut names = disk.durable_names.clone();
        for change in &disk.pending_names {
            if self.version(0, 1) == 1 {
                change.apply(&mut names);
            }
        }
        for (name, id) in &names {
            let file = &disk.files[*id];
            let contents = self.contents(file);
            create(&folder.join(name), file.mode, &contents);
            // The index of the log was never synced: it may be missing, empty, or hold anything.
            if name.ends_with("-wal") && self.random.bool() {
                let index: Vec<u8> = self.unwritten(32 * 1024);
                create(&folder.join(name.replace("-wal", "-shm")), file.mode, &index);
            }
        }
    }

    /// One of the versions of a sector, a length or a name, the last of which is the newest.
    fn version(&mut self, oldest: usize, newest: usize) -> usize {
        match self.reached {
            Reached::Nothing => oldest,
            Reached::Everything => newest,
            Reached::Some(chance) if self.random.f64() < chance => newest,
            Reached::Some(_) => self.random.usize(oldest..=newest),
        }
    }

    fn unwritten(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        if self.stale {
            self.random.fill(&mut bytes);
        }
        bytes
    }

    fn contents(&mut self, file: &StoredFile) -> Vec<u8> {
        let lengths = lengths(file);
        // How many times the file was shortened, and the shortenings that are durable. What came after the first that is not has
        // no place on the disk yet.
        let shortened: Vec<usize> =
            (0..file.pending.len()).filter(|index| lengths[index + 1] < lengths[*index]).collect();
        let durable = self.version(0, shortened.len());
        let pending = &file.pending[..shortened.get(durable).copied().unwrap_or(file.pending.len())];
        let (mut base, mut first_length) = (file.durable.clone(), 0);
        let mut sectors: BTreeMap<usize, Sector<'_>> = BTreeMap::new();
        for (index, change) in pending.iter().enumerate() {
            match change {
                Change::Write { offset, bytes } => {
                    let last = (offset + bytes.len()).div_ceil(self.sector_bytes);
                    for sector in offset / self.sector_bytes..last {
                        sectors.entry(sector).or_default().changes.push(change);
                    }
                }
                Change::Truncate { length } if shortened.contains(&index) => {
                    first_length = index + 1;
                    base.truncate(*length);
                    sectors.split_off(&length.div_ceil(self.sector_bytes));
                    if let Some(cut_in_two) = sectors.get_mut(&(length / self.sector_bytes)) {
                        cut_in_two.changes.push(change);
                        cut_in_two.oldest = cut_in_two.changes.len();
                    }
                }
                Change::Truncate { .. } => {}
            }
        }
        let length = lengths[self.version(first_length, pending.len())];
        let mut contents = base;
        let written = contents.len();
        contents.truncate(length);
        if length > written {
            let grown = self.unwritten(length - written);
            contents.extend(grown);
        }
        for (sector, Sector { changes, oldest }) in sectors {
            let version = self.version(oldest, changes.len());
            let start = sector * self.sector_bytes;
            if version > 0 {
                // A sector is written with zeros where nothing was written to it.
                let new = start.max(written).min(contents.len());
                contents[new..(start + self.sector_bytes).clamp(new, length)].fill(0);
            }
            for change in &changes[..version] {
                apply(change, &mut contents, start..start + self.sector_bytes);
            }
        }
        contents
    }
}

/// What happened to a sector, and the first version of it that the disk may have.
#[derive(Default)]
struct Sector<'a> {
    changes: Vec<&'a Change>,
    oldest: usize,
}

/// The lengths of a file: the durable one, then that after each pending change.
fn lengths(file: &StoredFile) -> Vec<usize> {
    let mut lengths = vec![file.durable.len()];
    let mut length = file.durable.len();
    for change in &file.pending {
        length = match change {
            Change::Write { offset, bytes } => length.max(offset + bytes.len()),
            Change::Truncate { length } => *length,
        };
        lengths.push(length);
    }
    lengths
}

/// Applies a change to the bytes in this range.
fn apply(change: &Change, contents: &mut [u8], range: std::ops::Range<usize>) {
    let end = range.end.min(contents.len());
    match change {
        Change::Write { offset, bytes } => {
            let (from, to) = (range.start.max(*offset), end.min(offset + bytes.len()));
            if from < to {
                contents[from..to].copy_from_slice(&bytes[from - offset..to - offset]);
            }
        }
        Change::Truncate { length } => {
            let from = range.start.max(*length);
            if from < end {
                contents[from..end].fill(0);
            }
        }
    }
}

fn create(path: &Path, mode: u32, contents: &[u8]) {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path).unwrap();
    file.set_permissions(Permissions::from_mode(mode & 0o777)).unwrap();
    file.write_all(contents).unwrap();
}
