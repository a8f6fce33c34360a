//! `reviveAPIToken`: gives a token that missed its rotation period a new value, which is shown once. The old values stay retired.

use crate::domain::audit::Action;
use crate::domain::id::TokenId;
use crate::domain::invalid_input::InvalidInput;
use crate::domain::reason::{Reason, ReasonDraft};
use crate::domain::refusal::Refusal;
use crate::domain::rule::authority::Authority;
use crate::domain::rule::lifecycle;
use crate::domain::rule::rotation::revival::revive;
use crate::domain::rule::rotation::{self, Plan, Repeatable};
use crate::domain::timestamp::Timestamp;
use crate::domain::token::Permission;
use crate::domain::value::derivation::IdempotencyKey;
use crate::service::{Caller, Error, Issued, Service, View, token_id};
use crate::store::{Rotated, Transaction};

use super::rotate::RETRY_AFTER_RACE_SECONDS;

/// A request for a revival.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReviveRequest {
    /// The id of the token.
    pub id: String,
    /// Why it is revived. The text is required.
    pub reason: ReasonDraft,
    /// The caller's name for this revival, by which a repeated request gets the same answer (R6).
    pub idempotency_key: Option<String>,
}

impl Service {
    /// Gives the token of this id a new value, if it missed its rotation period no longer ago than the operator allows (R3). Needs what
    /// rotating another's token needs, because this reveals its value as well (R11).
    ///
    /// # Errors
    /// When the caller may not, no token has this id, it cannot be revived, or the reason is missing or invalid.
    pub async fn revive(&self, caller: &Caller, request: &ReviveRequest) -> Result<Issued, Error> {
        let now = self.now();
        let id = token_id("id", &request.id)?;
        let key = request.idempotency_key.as_deref().map(IdempotencyKey::parse).transpose()?;
        let reason = request.reason.clone().validate()?;
        if reason.text.is_none() {
            let message = "Say why the API token is revived: one line of 1 to 255 characters, for the audit log.";
            return Err(InvalidInput::new("reason", message).into());
        }
        let transaction = self.store.begin().await?;
        let issued = self.revive_in(&transaction, caller, id, (key, reason), now).await;
        caller.finish(transaction, issued).await
    }

    async fn revive_in(
        &self,
        transaction: &Transaction,
        caller: &Caller,
        id: TokenId,
        (key, reason): (Option<IdempotencyKey>, Reason),
        now: Timestamp,
    ) -> Result<Issued, Error> {
        let (own, token) = self.find_to_change(transaction, caller, id, now).await?;
        let authority = Authority::of(&own);
        // First, so that only a caller that may change tokens learns that no token has this id.
        authority.require(Permission::ApiTokenModify)?;
        let token = token.ok_or(Error::NotFound { field: "id" })?;
        authority.require_to_rotate(&token)?;
        let repeatable = key.as_ref().map(|key| Repeatable { presented: caller.presented(), key });
        let (token, value) = match revive(&token, self.policy.revival_window_minutes, repeatable, now)? {
            Plan::Repeat(value) => {
                self.record_repeated(transaction, caller, &token, now).await?;
                (token, value)
            }
            Plan::Issue(rotation) => {
                let (value, issued, event) =
                    self.issue((&token, &rotation), Action::Revived, repeatable, caller, now)?;
                let event = event.with_reason(reason);
                if transaction.rotate(id, &rotation, &issued, None, &event).await? == Rotated::Lost {
                    return Err(Refusal::RotationConflict { retry_after_seconds: RETRY_AFTER_RACE_SECONDS }.into());
                }
                let token = rotation::apply(token, &rotation, issued);
                // Listings would not look for it among those that work.
                transaction.write_status(id, lifecycle::status(&token, now)).await?;
                (token, value)
            }
        };
        Ok(Issued { view: View::new(token, now), value, cancelled_generation: None })
    }
}
