//! Readiness, for load balancers: whether this replica can serve requests. It uses only what is already known, so frequent checks
//! are cheap.

use std::sync::atomic::Ordering;

use crate::service::{Error, Service};

/// What must hold before a load balancer sends requests to a replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Readiness {
    /// The database answered the last poll, and accepts writes.
    pub database: bool,
    /// Everything that any replica committed up to ten seconds ago is known here (R10).
    pub contact: bool,
    /// This version can use the schema of the database.
    pub schema: bool,
}

impl Readiness {
    /// Whether everything holds.
    pub fn is_ready(self) -> bool {
        let Self { database, contact, schema } = self;
        database && contact && schema
    }
}

impl Service {
    /// The readiness of this replica, without a query.
    pub fn readiness(&self) -> Readiness {
        Readiness {
            database: self.contact.is_listening(),
            contact: self.in_contact(self.now()),
            schema: self.schema.0.load(Ordering::Relaxed),
        }
    }

    /// Checks the schema of the database.
    pub(crate) async fn check_schema(&self) -> Result<(), Error> {
        let is_usable = self.store.has_usable_schema().await?;
        if !is_usable && self.schema.0.swap(false, Ordering::Relaxed) {
            tracing::warn!(
                name: "schema_changed",
                "another version of Rotakey has changed the schema of the database, which this version cannot use; replace this one"
            );
        }
        self.schema.0.store(is_usable, Ordering::Relaxed);
        Ok(())
    }
}
