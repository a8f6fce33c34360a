//! Creating an admin token, with every permission and every scope, directly on the database.

use crate::domain::audit::Provenance;
use crate::domain::token::{Actor, Limits, Permission, Scope, SettingsChange, SettingsDraft};
use crate::service::audit::report;
use crate::service::{Error, Issued, Service};

impl Service {
    /// Creates an admin token. This needs no authentication: who has access to the database can do anything anyway.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn bootstrap(&self) -> Result<Issued, Error> {
        let now = self.now();
        // Urgent, because it may be needed to revoke a token, even if the disk is full.
        let (issued, events) = self
            .retry_on_full_disk(|| async move {
                let transaction = self.store.begin_urgent().await?;
                let issued = self
                    .insert(&transaction, admin().validate(None, &Limits::default(), now)?, operator(), now)
                    .await?;
                let events = transaction.events();
                transaction.commit().await?;
                Ok((issued, events))
            })
            .await?;
        events.iter().for_each(|event| report(event));
        Ok(issued)
    }

    /// Creates the first admin token of an empty database; `None` if there is a token already.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn bootstrap_if_empty(&self) -> Result<Option<Issued>, Error> {
        let now = self.now();
        let transaction = self.store.begin_exclusive().await?;
        if !transaction.is_empty().await? {
            return transaction.finish(Ok(None)).await;
        }
        let issued =
            self.insert(&transaction, admin().validate(None, &Limits::default(), now)?, operator(), now).await?;
        let events = transaction.events();
        transaction.commit().await?;
        events.iter().for_each(|event| report(event));
        Ok(Some(issued))
    }
}

/// The operator acts at the command line, in no request.
pub(crate) fn operator() -> (Actor, Provenance) {
    (Actor::System, Provenance::default())
}

/// The settings of an admin token. It is protected, so that it cannot be revoked by mistake.
fn admin() -> SettingsDraft {
    let change = SettingsChange {
        name: Some("admin".into()),
        description: Some(Some("Created by the operator, with every permission and every scope.".into())),
        permissions: Some(Permission::ALL.to_vec()),
        scopes: Some(vec![Scope::all().to_string()]),
        protected: Some(true),
        ..SettingsChange::default()
    };
    SettingsDraft { change, ..SettingsDraft::default() }
}
