//! `rotateAPIToken`: the main job. A new value for a token, told once; the old one works until its overlap ends.

use crate::domain::audit::Action;
use crate::domain::lifecycle::{self, Rotator};
use crate::domain::refusal::Refusal;
use crate::domain::token::{Permission, ValueFacts};
use crate::domain::value::Value;
use crate::store::Rotated;

use super::{Caller, Error, Issued, Service, View, token_id};

/// After how many seconds one that lost a race to the database may try again.
const RETRY_AFTER_RACE_SECONDS: u32 = 1;

impl Service {
    /// Rotates the token of this id, or the caller's own where none is given. Another's token needs `API_TOKEN_MODIFY` and
    /// every permission and scope that it holds, because to rotate it is to learn its value (R11).
    ///
    /// # Errors
    /// When the caller may not, the token is dead, or another rotation won (R7).
    pub async fn rotate(&self, caller: &Caller, target: Option<&str>) -> Result<Issued, Error> {
        let now = self.now();
        let id = target.map_or(Ok(caller.token_id()), token_id)?;
        let transaction = self.store.begin().await?;
        let (token, rotator) = if id == caller.token_id() {
            let token = transaction.lock_token(id, now).await?.ok_or(Error::Unauthenticated)?;
            (token, Rotator::Holder { generation: caller.generation() })
        } else {
            let authority = self.authority(&transaction, caller, now).await?;
            authority.require(Permission::ApiTokenModify)?;
            let token = transaction.lock_token(id, now).await?.ok_or(Error::NotFound)?;
            authority.require_all(&token.settings.permissions, &token.settings.scopes)?;
            (token, Rotator::Other)
        };
        let rotation = lifecycle::rotate(&token, rotator, now)?;

        let value = Value::from_entropy(token.settings.kind, &self.random()?);
        let issued = ValueFacts {
            generation: rotation.generation,
            hint: value.hint(),
            created_at: now,
            created_by: caller.actor(),
            first_used_at: None,
            retires_at: None,
        };
        if transaction.rotate(id, &rotation, &issued, &value.hash()).await? == Rotated::Lost {
            return Err(Refusal::RotationConflict { retry_after_seconds: RETRY_AFTER_RACE_SECONDS }.into());
        }
        let action = if rotation.recovers { Action::Recovered } else { Action::Rotated };
        let token = lifecycle::apply(token, &rotation, issued);
        self.record(&transaction, action, caller.actor(), &token, now).await?;
        transaction.commit().await?;
        Ok(Issued { view: View::new(token, now), value })
    }
}
