//! The command `retire-values`: retires every value that was issued before a given time, directly on the database. When an older
//! backup is restored, values work again that have been replaced since.

use crate::domain::audit::Action;
use crate::domain::id::TokenId;
use crate::domain::invalid_input::InvalidInput;
use crate::domain::refusal::Refusal;
use crate::domain::rule::lifecycle::Retirement;
use crate::domain::rule::retire_values::{Retiring, retire_issued_before};
use crate::domain::rule::rotation::Rotation;
use crate::domain::timestamp::Timestamp;
use crate::domain::token::{Actor, Token, ValueFacts};
use crate::domain::value::Value;
use crate::service::{Error, Service};
use crate::store::{Rotated, Transaction};

use super::bootstrap::operator;

/// How many tokens one transaction changes, so that a server on the same database can keep writing.
const BATCH: u32 = 100;

/// What was retired.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RetiredValues {
    /// How many values that worked.
    pub values: u64,
    /// How many tokens no longer have a value that anyone knows.
    pub tokens_without_value: u64,
}

impl Service {
    /// Retires every value that was issued before this time. A token whose current value is among them works again once it is
    /// rotated by its id. Tokens that are revoked, expired or overdue stay as they are. If this fails, the values that were retired
    /// so far stay retired; run it again to retire the rest.
    ///
    /// # Errors
    /// When the time is in the future, or the database fails.
    pub async fn retire_values(&self, issued_before: Timestamp) -> Result<RetiredValues, Error> {
        let now = self.now();
        if issued_before > now {
            let message = format!("The moment must not be later than now, which by the database's clock is {now}.");
            return Err(InvalidInput::new("issuedBefore", message).into());
        }
        self.retire_all(issued_before).await
    }

    /// Retires every value that was issued before this moment, whatever the time is now.
    pub(super) async fn retire_all(&self, issued_before: Timestamp) -> Result<RetiredValues, Error> {
        let (mut retired, mut after) = (RetiredValues::default(), None);
        loop {
            let transaction = self.store.begin().await?;
            let batch = self.retire_batch(&transaction, issued_before, after).await;
            let (batch, last) = transaction.finish(batch).await?;
            retired.values += batch.values;
            retired.tokens_without_value += batch.tokens_without_value;
            if last.is_none() {
                return Ok(retired);
            }
            after = last;
        }
    }

    /// Retires values of the next tokens after this one; returns also the last of those tokens, if there were any.
    async fn retire_batch(
        &self,
        transaction: &Transaction,
        issued_before: Timestamp,
        after: Option<TokenId>,
    ) -> Result<(RetiredValues, Option<TokenId>), Error> {
        let mut retired = RetiredValues::default();
        let ids = transaction.tokens_with_values_before(issued_before, after, BATCH).await?;
        for id in &ids {
            let (token, _) = transaction.find_to_change(*id, None).await?;
            let Some(token) = token else { continue };
            let now = self.now();
            let Some(Retiring { previous, current }) = retire_issued_before(&token, issued_before, now) else {
                continue;
            };
            if let Some(generation) = previous {
                let ended = Retirement { generation, retires_at: Some(now) };
                transaction.retire(token.id, ended).await?;
                retired.values += 1;
            }
            match current {
                Some(rotation) => {
                    self.withhold(transaction, &token, &rotation, now).await?;
                    retired.values += 1;
                    retired.tokens_without_value += 1;
                }
                None => {
                    transaction.end_overlap(token.id).await?;
                    transaction.erase_salt(token.id, token.current.generation).await?;
                    let (by, subject) = (operator(), (token.id, token.current.generation));
                    self.record(transaction, Action::ValuesRetired, by, subject, now).await?;
                }
            }
        }
        Ok((retired, ids.last().copied()))
    }

    /// Replaces the current value by one that is not shown to anyone. The current value stops working immediately.
    async fn withhold(
        &self,
        transaction: &Transaction,
        token: &Token,
        rotation: &Rotation,
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
        let event = self.change(Action::ValuesRetired, operator(), (token.id, rotation.generation), now)?;
        match transaction.rotate(token.id, rotation, &withheld, None, &event).await? {
            Rotated::Won => Ok(()),
            // This cannot happen: the token is locked.
            Rotated::Lost => Err(Refusal::RotationConflict { retry_after_seconds: 1 }.into()),
        }
    }
}
