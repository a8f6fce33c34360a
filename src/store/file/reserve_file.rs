//! The file of the reserve: recognising it, creating it and filling it.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use nix::sys::statvfs::statvfs;

/// The size of the reserve. The write-ahead log grows to 4 MiB before SQLite reuses it. The rest is for the growth of the database,
/// about a kilobyte for each revocation.
pub(super) const BYTES: u64 = 8 * 1024 * 1024;
/// How much is written at once. It is longer than the records that file systems compress.
pub(super) const BLOCK_BYTES: usize = 1024 * 1024;
/// The number of bytes at its start by which it is recognised as ours.
const START_BYTES: usize = 64;

/// What is at the path of the reserve.
pub(super) enum Found {
    Missing,
    Complete,
    /// A process was killed while it wrote it, or the power was cut before it was synced.
    Incomplete,
    /// A link, or a file that is not ours. It is left as it is.
    Foreign,
}

/// Whether a reserve that was complete is still there. Reads nothing of it, because this is asked every second.
pub(super) fn is_still_there(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_file() && metadata.len() == BYTES)
}

/// What is at this path, without following a link. A file is ours if only its owner may use it and it starts with our bytes, as far
/// as it goes, or with zeros: after a power cut, a file may have its length without its contents. It is complete if all of its bytes are
/// there: the parts that a power cut lost take no space, and read as zeros.
pub(super) fn inspect(path: &Path) -> io::Result<Found> {
    let metadata = match std::fs::symlink_metadata(path) {
        Ok(metadata) => metadata,
        Err(err) if err.kind() == ErrorKind::NotFound => return Ok(Found::Missing),
        Err(err) => return Err(err),
    };
    if !metadata.is_file() || metadata.permissions().mode() & 0o777 != 0o600 || metadata.len() > BYTES {
        return Ok(Found::Foreign);
    }
    let mut contents = Vec::new();
    File::open(path)?.take(BYTES + 1).read_to_end(&mut contents)?;
    let block = block();
    let start = contents.get(..START_BYTES).unwrap_or(&contents);
    Ok(if start.iter().all(|byte| *byte == 0) {
        Found::Incomplete
    } else if !block.starts_with(start) {
        Found::Foreign
    } else if contents.len() as u64 == BYTES && contents.chunks(BLOCK_BYTES).all(|part| part == block) {
        Found::Complete
    } else {
        Found::Incomplete
    })
}

/// Whether there is space for twice the reserve, so that it is not created and released in turns.
pub(super) fn has_room(path: &Path) -> io::Result<bool> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let room = statvfs(folder)?;
    Ok(room.blocks_available() * room.fragment_size() >= 2 * BYTES)
}

/// Creates the file if it is missing or incomplete.
pub(super) fn create_if_missing(path: &Path) -> io::Result<()> {
    match inspect(path)? {
        Found::Complete => return Ok(()),
        Found::Foreign => return Err(io::Error::other("there is another file of that name: move it away")),
        Found::Incomplete => std::fs::remove_file(path)?,
        Found::Missing => {}
    }
    if !has_room(path)? {
        return Err(ErrorKind::StorageFull.into());
    }
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    let written = fill(file);
    if written.is_err() {
        // An incomplete file is of no use, and the space is needed.
        let _ = std::fs::remove_file(path);
    }
    written
}

/// What the file consists of, again and again. Always the same bytes, which are hard to compress: Xorshift (Marsaglia 2003).
fn block() -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    std::iter::repeat_with(move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    })
    .flatten()
    .take(BLOCK_BYTES)
    .collect()
}

/// Writes every byte, so that the space is really taken: a sparse file would take none, and zeros might be compressed.
fn fill(mut file: File) -> io::Result<()> {
    let block = block();
    for _ in 0..BYTES / BLOCK_BYTES as u64 {
        file.write_all(&block)?;
    }
    file.sync_data()
}
