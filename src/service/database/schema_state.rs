//! Whether the database has the schema of this version.

use std::sync::atomic::AtomicBool;

/// Whether the database had the schema of this version at the last check. The server migrates it at startup.
#[derive(Debug)]
pub(crate) struct SchemaState(pub(super) AtomicBool);

impl Default for SchemaState {
    fn default() -> Self {
        Self(AtomicBool::new(true))
    }
}
