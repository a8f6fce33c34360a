//! The operator's way in: a token with every permission and every scope, made straight on the database.

use crate::domain::scope::Scope;
use crate::domain::settings::SettingsDraft;
use crate::domain::token::{Actor, Permission};

use super::{Error, Issued, Service};

impl Service {
    /// Makes an admin token. Whoever may run this on the database may do anything anyway, so nothing is asked.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn bootstrap(&self) -> Result<Issued, Error> {
        let now = self.now();
        let transaction = self.store.begin().await?;
        let issued = self.insert(&transaction, admin().validate(now)?, Actor::System, now).await?;
        transaction.commit().await?;
        Ok(issued)
    }

    /// Makes the first admin token of an empty database; `None` where there is a token already.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn bootstrap_if_empty(&self) -> Result<Option<Issued>, Error> {
        let now = self.now();
        let transaction = self.store.begin_exclusive().await?;
        if !transaction.is_empty().await? {
            return Ok(None);
        }
        let issued = self.insert(&transaction, admin().validate(now)?, Actor::System, now).await?;
        transaction.commit().await?;
        Ok(Some(issued))
    }
}

fn admin() -> SettingsDraft {
    SettingsDraft {
        description: Some("Made by the operator, with every permission and every scope.".into()),
        permissions: Permission::ALL.to_vec(),
        scopes: vec![Scope::all().to_string()],
        ..SettingsDraft::new("admin")
    }
}
