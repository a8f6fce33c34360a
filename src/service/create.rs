//! `createAPIToken`: a new token, with no more than its creator holds.

use crate::domain::audit::Action;
use crate::domain::id::TokenId;
use crate::domain::settings::SettingsDraft;
use crate::domain::timestamp::Timestamp;
use crate::domain::token::{Actor, Permission, Settings, Token, ValueFacts};
use crate::domain::value::Value;
use crate::store::Transaction;

use super::{Caller, Error, Issued, Service, View};

impl Service {
    /// Creates a token with its first value. Needs `API_TOKEN_MODIFY` and every permission and scope asked for (R11).
    ///
    /// # Errors
    /// When the caller may not, or a setting is not as it must be.
    pub async fn create(&self, caller: &Caller, draft: SettingsDraft) -> Result<Issued, Error> {
        let now = self.now();
        let transaction = self.store.begin().await?;
        let authority = self.authority(&transaction, caller, now).await?;
        authority.require(Permission::ApiTokenModify)?;
        let settings = draft.validate(now)?;
        authority.require_all(&settings.permissions, &settings.scopes)?;
        let issued = self.insert(&transaction, settings, caller.actor(), now).await?;
        transaction.commit().await?;
        Ok(issued)
    }

    pub(super) async fn insert(
        &self,
        transaction: &Transaction,
        settings: Settings,
        actor: Actor,
        now: Timestamp,
    ) -> Result<Issued, Error> {
        let value = Value::from_entropy(settings.kind, &self.random()?);
        let token = Token {
            id: TokenId::new(now, self.random()?),
            settings,
            created_at: now,
            created_by: actor,
            last_used_at: None,
            revoked_at: None,
            current: ValueFacts {
                generation: 1,
                hint: value.hint(),
                created_at: now,
                created_by: actor,
                first_used_at: None,
                retires_at: None,
            },
            previous: None,
        };
        transaction.insert(&token, &value.hash()).await?;
        self.record(transaction, Action::Created, actor, &token, now).await?;
        Ok(Issued { view: View::new(token, now), value })
    }
}
