//! The reserve: a file beside the database whose space is released when the disk is full, so that revocations can still be written.
//!
//! Without it, no leaked token could be revoked while the disk is full. While the reserve is released, only urgent changes are
//! written: those that take rights away, and those that the verification of a value waits for. It is created again when the disk
//! has space.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use sea_orm::DbErr;

use super::disk_full::{is_full, is_shortage};
use super::reserve_file::{Found, create_if_missing, has_room, inspect, is_still_there};

/// How many calls of [`Reserve::maintain`], one a second, do not create the reserve after the disk was full although there seemed
/// to be space, as under a quota. The reserve would take the space that was just released.
const PAUSE: u32 = 60;

/// Not checked yet, as in a command that ends soon.
const UNKNOWN: u8 = 0;
const HELD: u8 = 1;
const RELEASED: u8 = 2;
/// It cannot be created, for another reason than a full disk.
const IMPOSSIBLE: u8 = 3;

/// The reserve of a database file. Clones share it.
#[derive(Clone, Debug)]
pub(in crate::store) struct Reserve(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    state: AtomicU8,
    /// The number of calls that do not create the file. Locked while the file is created or released: the space of a file that is
    /// still being written would not become free.
    pause: Mutex<u32>,
}

impl Reserve {
    pub(in crate::store) fn at(path: PathBuf) -> Self {
        Self(Arc::new(Inner { path, state: AtomicU8::new(UNKNOWN), pause: Mutex::new(0) }))
    }

    /// Whether the disk is full, so that only urgent changes may be written.
    pub(in crate::store) fn is_released(&self) -> bool {
        self.0.state.load(Ordering::SeqCst) == RELEASED
    }

    /// Releases the space for urgent writes if this error means that the disk is full; returns whether it does.
    pub(in crate::store) async fn release_if_full(&self, err: &DbErr) -> bool {
        let full = is_full(err);
        if full {
            // Waiting for the lock blocks, for as long as another thread writes the file.
            let this = self.clone();
            // Joining fails only when the whole process ends.
            let _ = tokio::task::spawn_blocking(move || this.release()).await;
        }
        full
    }

    fn release(&self) {
        let mut pause = self.0.pause.lock().unwrap_or_else(PoisonError::into_inner);
        self.release_locked(&mut pause);
    }

    /// As [`Reserve::release`], with the lock held.
    fn release_locked(&self, pause: &mut u32) {
        let path = self.0.path.display();
        match inspect(&self.0.path) {
            Ok(Found::Complete | Found::Incomplete) => {
                // Checked before the release frees more.
                self.pause_if_there_was_room(pause);
                if let Err(cause) = std::fs::remove_file(&self.0.path) {
                    tracing::error!(name: "reserve_not_deleted", %path, %cause, "the reserve cannot be deleted");
                }
            }
            // Nothing is released, so the pause does not start again: one full disk is often reported twice, by the commit that
            // failed and by the use case.
            Ok(Found::Missing | Found::Foreign) => {}
            Err(cause) => {
                tracing::error!(name: "reserve_not_accessible", %path, %cause, "the reserve cannot be accessed")
            }
        }
        if self.0.state.swap(RELEASED, Ordering::SeqCst) != RELEASED {
            tracing::error!(
                name: "disk_full",
                %path,
                "the disk is full: tokens can be verified and revoked, and all other changes are refused. Free some space on it"
            );
        }
    }

    /// Starts the pause if the disk was full although there seemed to be room.
    fn pause_if_there_was_room(&self, pause: &mut u32) {
        if has_room(&self.0.path).unwrap_or(true) {
            *pause = PAUSE;
        }
    }

    /// Creates the reserve if it is missing and there is space. Another process may have released it.
    pub(in crate::store) async fn maintain(&self) {
        if self.0.state.load(Ordering::SeqCst) == HELD && is_still_there(&self.0.path) {
            return;
        }
        let this = self.clone();
        // Joining fails only when the whole process ends.
        let _ = tokio::task::spawn_blocking(move || this.create()).await;
    }

    fn create(&self) {
        let mut pause = self.0.pause.lock().unwrap_or_else(PoisonError::into_inner);
        if *pause > 0 {
            *pause -= 1;
            return;
        }
        let path = self.0.path.display();
        match create_if_missing(&self.0.path) {
            Ok(()) => {
                if self.0.state.swap(HELD, Ordering::SeqCst) == RELEASED {
                    tracing::info!(name: "disk_has_space", %path, "there is space on the disk again: all changes are accepted");
                }
            }
            // A disk with less space than the reserve counts as full: what is left is for revocations.
            Err(err) if is_shortage(&err) => {
                self.pause_if_there_was_room(&mut pause);
                self.release_locked(&mut pause);
            }
            Err(cause) => {
                if self.0.state.swap(IMPOSSIBLE, Ordering::SeqCst) != IMPOSSIBLE {
                    tracing::warn!(name: "reserve_not_created", %path, %cause, "no reserve can be kept for revocations on a full disk");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
