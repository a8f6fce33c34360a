//! Whether this replica can do its work, for load balancers: from what is known anyway, so that being asked often costs nothing.

use std::sync::atomic::Ordering;

use crate::service::{Error, Service};

/// What must hold for a replica to be given requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Readiness {
    /// The database answered when it was asked last, and takes writes.
    pub database: bool,
    /// Everything that any replica committed up to ten seconds ago is known here (R10).
    pub contact: bool,
    /// The database has the schema of this version.
    pub schema: bool,
}

impl Service {
    /// What is known of the replica just now. Asks nobody.
    pub fn readiness(&self) -> Readiness {
        Readiness {
            database: self.contact.is_listening(),
            contact: self.in_contact(self.now()),
            schema: self.schema.0.load(Ordering::Relaxed),
        }
    }

    /// Looks at the schema of the database.
    pub(crate) async fn check_schema(&self) -> Result<(), Error> {
        let is_current = self.store.has_current_schema().await?;
        if !is_current && self.schema.0.swap(false, Ordering::Relaxed) {
            tracing::warn!("another version of Rotakey has changed the schema of the database; replace this one");
        }
        self.schema.0.store(is_current, Ordering::Relaxed);
        Ok(())
    }
}
