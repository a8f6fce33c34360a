//! Space on the disk that is kept for revocations: a file beside the database that is given up when the disk is full.
//!
//! Without it a full disk would keep every leaked token alive. While it is given up only urgent changes are written, those
//! that take rights away or that verifying a value waits for. It is made again when there is room again.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use sea_orm::DbErr;

use super::disk_full::{is_full, is_shortage};
use super::reserve_file::{Found, claim, find, has_room, is_whole};

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

    /// Releases the space for urgent writes if this is an error of a full disk; returns whether it is.
    pub(in crate::store) async fn give_up_for(&self, err: &DbErr) -> bool {
        let full = is_full(err);
        if full {
            // The file may be being written at this moment, which would block a worker for as long as the disk takes.
            let this = self.clone();
            // Joining fails only when the whole process ends.
            let _ = tokio::task::spawn_blocking(move || this.give_up()).await;
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
            Err(cause) => tracing::error!(%path, %cause, "the reserve cannot be accessed"),
        }
        if self.0.state.swap(GIVEN_UP, Ordering::SeqCst) != GIVEN_UP {
            tracing::error!(
                %path,
                "the disk is full: tokens can be verified and revoked, and all other changes are refused. Free some space on it"
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
                    tracing::info!(%path, "there is space on the disk again: all changes are accepted");
                }
            }
            // A disk with less room than the reserve is as good as full: what is left is for revocations.
            Err(err) if is_shortage(&err) => self.give_up_alone(&mut pause),
            Err(cause) => {
                if self.0.state.swap(IMPOSSIBLE, Ordering::SeqCst) != IMPOSSIBLE {
                    tracing::warn!(%path, %cause, "no reserve can be kept for revocations on a full disk");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
