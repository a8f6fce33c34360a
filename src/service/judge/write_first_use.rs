//! Writing the first use of a value, from which on the previous value can no longer cancel it (R5).

use crate::domain::id::TokenId;
use crate::domain::rule::lifecycle::{self, Standing};
use crate::domain::timestamp::Timestamp;
use crate::domain::token::Token;
use crate::service::{Error, Service};
use crate::store::Transaction;

use super::judgement::{Judgement, Verdict};

impl Service {
    /// Makes the first use of a good value durable, or decides that it has stopped working since it was looked up.
    pub(super) async fn use_first(&self, case: &mut Judgement<'_>, id: TokenId, generation: u32) -> Result<(), Error> {
        match self.record_use(id, generation, case.now).await {
            Ok((token, _)) => case.refresh(token),
            Err(Error::Refused(refusal)) => {
                if let Some(token) = self.store.find_token(id).await? {
                    case.refresh(token);
                }
                // It lost a race and is no reuse, so nothing follows from it.
                case.decide(Verdict::Refused(refusal));
            }
            Err(err) => return Err(err),
        }
        Ok(())
    }

    /// Records a use of a value in a transaction of its own; the token as it is at that, and as what the value works.
    pub(crate) async fn record_use(
        &self,
        id: TokenId,
        generation: u32,
        now: Timestamp,
    ) -> Result<(Token, Standing), Error> {
        self.retry_on_full_disk(move || async move {
            let transaction = self.store.begin_urgent().await?;
            let used = record_use_in(&transaction, id, generation, now).await;
            transaction.finish(used).await
        })
        .await
    }
}

async fn record_use_in(
    transaction: &Transaction,
    id: TokenId,
    generation: u32,
    now: Timestamp,
) -> Result<(Token, Standing), Error> {
    let (found, _) = transaction.find_to_change(id, None).await?;
    let mut token = found.ok_or(Error::Unauthenticated)?;
    let standing = write_use(transaction, &mut token, generation, now).await?;
    Ok((token, standing))
}

/// Writes a use of a value of this token, and makes the token what it is at that; as what the value works.
pub(crate) async fn write_use(
    transaction: &Transaction,
    token: &mut Token,
    generation: u32,
    now: Timestamp,
) -> Result<Standing, Error> {
    // The value may have been cancelled between the look-up and the lock; whoever came first has won.
    let standing = lifecycle::standing(token, generation, now)?;
    match lifecycle::overlap_begun_by_use(token, generation, now) {
        Some(Some(retirement)) => transaction.retire(token.id, retirement).await?,
        Some(None) => transaction.end_overlap(token.id).await?,
        None => {}
    }
    transaction.record_use(token.id, generation, now).await?;
    *token = lifecycle::apply_use(token.clone(), generation, now);
    Ok(standing)
}
