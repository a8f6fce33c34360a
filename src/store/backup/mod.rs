//! Copies of a SQLite database: made while a server uses it, verified, and put in the place of one that no server uses.
//!
//! Files are written under a temporary name and renamed when they are whole and durable, so no part of one ever has the final name.

mod copy;
mod exclusive;
mod partial;
pub(super) mod restore;
pub(super) mod verify;
