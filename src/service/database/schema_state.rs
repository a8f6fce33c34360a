//! Whether this version can use the schema of the database.

use std::sync::atomic::AtomicBool;

/// Whether this version could use the schema at the last check. The server migrates it at startup.
#[derive(Debug)]
pub(crate) struct SchemaState(pub(super) AtomicBool);

impl Default for SchemaState {
    fn default() -> Self {
        Self(AtomicBool::new(true))
    }
}
