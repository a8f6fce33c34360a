//! Retiring values at once, whoever holds them: by the operator's command, or because one of them has leaked.

use crate::domain::audit::{Action, Provenance};
use crate::domain::refusal::Refusal;
use crate::domain::rule::lifecycle::Retirement;
use crate::domain::rule::retire_values::Retiring;
use crate::domain::rule::rotation::Rotation;
use crate::domain::timestamp::Timestamp;
use crate::domain::token::{Actor, Token, ValueFacts};
use crate::domain::value::Value;
use crate::service::{Error, Service};
use crate::store::{Rotated, Transaction};

impl Service {
    /// Retires these values of a token that is locked, with an event.
    pub(crate) async fn retire_at_once(
        &self,
        transaction: &Transaction,
        token: &Token,
        Retiring { previous, current }: &Retiring,
        by: (Actor, Provenance),
        now: Timestamp,
    ) -> Result<(), Error> {
        if let Some(generation) = *previous {
            transaction.retire(token.id, Retirement { generation, retires_at: Some(now) }).await?;
        }
        if let Some(rotation) = current {
            return self.withhold(transaction, token, rotation, by, now).await;
        }
        transaction.end_overlap(token.id).await?;
        transaction.erase_salt(token.id, token.current.generation).await?;
        self.record(transaction, Action::ValuesRetired, by, (token.id, token.current.generation), now).await
    }

    /// Replaces the current value by one that is not shown to anyone. The current value stops working immediately.
    async fn withhold(
        &self,
        transaction: &Transaction,
        token: &Token,
        rotation: &Rotation,
        by: (Actor, Provenance),
        now: Timestamp,
    ) -> Result<(), Error> {
        let value = Value::from_entropy(token.settings.kind, &self.random()?);
        let withheld = ValueFacts {
            generation: rotation.generation,
            hash: value.hash(),
            hint: value.hint(),
            format: None,
            created_at: now,
            created_by: Actor::System,
            first_used_at: None,
            last_used_at: None,
            replaced_at: None,
            retires_at: None,
            overlap_minutes: rotation.overlap_minutes,
            brown_out: rotation.brown_out,
            salt: None,
        };
        let event = self.change(Action::ValuesRetired, by, (token.id, rotation.generation), now)?;
        match transaction.rotate(token.id, rotation, &withheld, None, &event).await? {
            Rotated::Won => Ok(()),
            // This cannot happen: the token is locked.
            Rotated::Lost => Err(Refusal::RotationConflict { retry_after_seconds: 1 }.into()),
        }
    }
}
