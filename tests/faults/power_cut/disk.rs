//! What a disk holds for certain, and what it may hold, at a moment of a recording.
//!
//! These are the rules, which promise no more than POSIX does, and less than ext4 and XFS do:
//!
//! - What was written to a file is durable after a sync of that file that began later.
//! - A name is durable after a sync of its folder. A sync of the file is not enough.
//! - Anything else may or may not have reached the disk, in any order.

use std::collections::{BTreeMap, HashMap};

use super::recording::Record;

/// A file, by its place in [`Disk::files`]. It may have no name any more.
pub type FileId = usize;

/// A change of a file's contents.
#[derive(Clone, Debug)]
pub enum Change {
    Write { offset: usize, bytes: Vec<u8> },
    Truncate { length: usize },
}

/// A change of the folder. A rename is one change: it is never seen half done.
#[derive(Clone, Debug)]
pub enum NameChange {
    Create(String, FileId),
    Unlink(String),
    Rename(String, String),
}

#[derive(Clone, Debug, Default)]
pub struct StoredFile {
    pub mode: u32,
    /// What is durable.
    pub durable: Vec<u8>,
    /// What is not, in the order in which it was written.
    pub pending: Vec<Change>,
    /// How many changes are durable.
    synced: usize,
}

#[derive(Clone, Debug, Default)]
pub struct Disk {
    pub files: Vec<StoredFile>,
    /// The names as programs see them.
    names: BTreeMap<String, FileId>,
    pub durable_names: BTreeMap<String, FileId>,
    pub pending_names: Vec<NameChange>,
    synced_names: usize,
    /// `None` for the folder itself.
    open: HashMap<u32, Option<FileId>>,
    /// How many changes had been made when a sync began.
    syncing: HashMap<u32, usize>,
}

impl Disk {
    /// Replays a record. If the disk ignores syncs, a sync that has ended has made nothing durable.
    pub fn replay(&mut self, record: Record<'_>, ignores_sync: bool) {
        match record {
            Record::Start => {
                self.open.clear();
                self.syncing.clear();
            }
            Record::Open { file, created, emptied, mode, name } => self.open(file, created, emptied, mode, name),
            Record::Write { file, offset, bytes } => {
                let offset = usize::try_from(offset).unwrap();
                self.opened(file).pending.push(Change::Write { offset, bytes: bytes.to_vec() });
            }
            Record::Truncate { file, length } => {
                let length = usize::try_from(length).unwrap();
                self.opened(file).pending.push(Change::Truncate { length });
            }
            Record::SyncBegin(file) => {
                let made = match self.open[&file] {
                    None => self.synced_names + self.pending_names.len(),
                    Some(id) => self.files[id].synced + self.files[id].pending.len(),
                };
                self.syncing.insert(file, made);
            }
            Record::SyncEnd(file) => {
                let made = self.syncing.remove(&file).unwrap();
                match self.open[&file] {
                    _ if ignores_sync => {}
                    None => self.sync_names(made),
                    Some(id) => self.files[id].sync(made),
                }
            }
            Record::Rename { from, to } => self.change_name(NameChange::Rename(from.to_owned(), to.to_owned())),
            Record::Unlink(name) => self.change_name(NameChange::Unlink(name.to_owned())),
            Record::Unsupported(call) => panic!("the server calls {call}, which cannot be replayed"),
        }
    }

    /// Whether something has not reached the disk for certain.
    pub fn is_pending(&self) -> bool {
        !self.pending_names.is_empty() || self.files.iter().any(|file| !file.pending.is_empty())
    }

    /// The files as programs see them.
    pub fn seen(&self) -> BTreeMap<&str, Vec<u8>> {
        self.names.iter().map(|(name, id)| (name.as_str(), self.files[*id].seen())).collect()
    }

    fn open(&mut self, file: u32, created: bool, emptied: bool, mode: u32, name: &str) {
        if name.is_empty() {
            self.open.insert(file, None);
            return;
        }
        if created {
            self.files.push(StoredFile { mode, ..StoredFile::default() });
            self.change_name(NameChange::Create(name.to_owned(), self.files.len() - 1));
        }
        let id = self.names[name];
        if emptied && !created {
            self.files[id].pending.push(Change::Truncate { length: 0 });
        }
        self.open.insert(file, Some(id));
    }

    fn opened(&mut self, file: u32) -> &mut StoredFile {
        &mut self.files[self.open[&file].unwrap()]
    }

    fn change_name(&mut self, change: NameChange) {
        change.apply(&mut self.names);
        self.pending_names.push(change);
    }

    fn sync_names(&mut self, made: usize) {
        // Another sync may have made them durable in the meantime.
        let count = made.saturating_sub(self.synced_names);
        self.pending_names.drain(..count).for_each(|change| change.apply(&mut self.durable_names));
        self.synced_names += count;
    }
}

impl StoredFile {
    fn sync(&mut self, made: usize) {
        let count = made.saturating_sub(self.synced);
        self.pending.drain(..count).for_each(|change| change.apply(&mut self.durable));
        self.synced += count;
    }

    fn seen(&self) -> Vec<u8> {
        let mut contents = self.durable.clone();
        self.pending.iter().for_each(|change| change.apply(&mut contents));
        contents
    }
}

impl Change {
    fn apply(&self, contents: &mut Vec<u8>) {
        match self {
            Self::Write { offset, bytes } => {
                let end = offset + bytes.len();
                contents.resize(contents.len().max(end), 0);
                contents[*offset..end].copy_from_slice(bytes);
            }
            Self::Truncate { length } => contents.resize(*length, 0),
        }
    }
}

impl NameChange {
    pub fn apply(&self, names: &mut BTreeMap<String, FileId>) {
        match self {
            Self::Create(name, id) => {
                names.insert(name.clone(), *id);
            }
            Self::Unlink(name) => {
                names.remove(name);
            }
            Self::Rename(from, to) => {
                if let Some(id) = names.remove(from) {
                    names.insert(to.clone(), id);
                }
            }
        }
    }
}
