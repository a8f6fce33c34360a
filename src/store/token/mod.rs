//! Tokens and their values: lookups, locks, reads, writes and uses.

pub(super) mod columns;
pub(super) mod find;
pub(super) mod hash_lookup;
pub(super) mod import;
pub(super) mod lock;
pub(super) mod read;
pub(super) mod uses;
pub(super) mod write;
