//! The command `retire-values`: retires every value that was issued before a given time, directly on the database. When an older
//! backup is restored, values work again that have been replaced since.

use crate::domain::id::TokenId;
use crate::domain::invalid_input::InvalidInput;
use crate::domain::rule::retire_values::{Retiring, retire_issued_before};
use crate::domain::timestamp::Timestamp;
use crate::service::{Error, Service};
use crate::store::Transaction;

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
            let Some(retiring) = retire_issued_before(&token, issued_before, now) else { continue };
            self.retire_at_once(transaction, &token, &retiring, operator(), now).await?;
            let Retiring { previous, current } = retiring;
            retired.values += u64::from(previous.is_some()) + u64::from(current.is_some());
            retired.tokens_without_value += u64::from(current.is_some());
        }
        Ok((retired, ids.last().copied()))
    }
}
