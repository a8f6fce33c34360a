//! Whether the schema of the database is this version's.

use std::sync::atomic::AtomicBool;

/// Whether the schema was this version's when it was looked at last. The start brings it there.
#[derive(Debug)]
pub(crate) struct SchemaState(pub(super) AtomicBool);

impl Default for SchemaState {
    fn default() -> Self {
        Self(AtomicBool::new(true))
    }
}
