//! The first use of a value: by which transaction it is written, and that no answer comes before it (R5).
//!
//! From then on the value before can no longer cancel this one, so it is durable before anything is answered. Most doors have
//! it written before they go on. Where a caller was only recognised it waits: the transaction of the change that the caller
//! asks for writes it along with the rest, whatever reads has it written first, and the door settles what is left over, of
//! a request that was refused or asked for nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::domain::id::TokenId;
use crate::domain::refusal::Refusal;
use crate::domain::rule::lifecycle::{self, Standing};
use crate::domain::timestamp::Timestamp;
use crate::domain::token::Token;
use crate::service::audit::report;
use crate::service::judge::Presented;
use crate::service::{Caller, Error, Service};
use crate::store::{Hold, Transaction};

/// Whether the first use of a caller's value is still to be made durable.
#[derive(Debug)]
pub(crate) struct FirstUse(AtomicBool);

impl FirstUse {
    /// Of a value that has been presented; one that is not good will not be used.
    pub(crate) fn of(presented: &Presented<'_>) -> Self {
        let value = presented.token.value(presented.generation);
        Self(AtomicBool::new(presented.judgement.is_ok() && value.is_some_and(|value| value.first_used_at.is_none())))
    }

    pub(crate) fn is_pending(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

impl Caller {
    /// Whether the first use of the presented value is still to be written.
    pub(crate) fn awaits_first_use(&self) -> bool {
        self.first_use.is_pending()
    }

    /// How the caller's token is to be held by a transaction that rests on it.
    pub(crate) fn hold(&self) -> Hold {
        if self.awaits_first_use() { Hold::ToChange } else { Hold::ToKeep }
    }

    /// Lets the presented value count as used, if this is its first use: in this transaction, which holds the caller's token as
    /// [`Caller::hold`] says, and ends by [`Caller::settle`]. The token is then what it is at that.
    pub(crate) async fn use_in(
        &self,
        transaction: &Transaction,
        token: &mut Token,
        now: Timestamp,
    ) -> Result<(), Error> {
        if self.awaits_first_use() {
            write_use(transaction, token, self.generation(), now).await?;
        }
        Ok(())
    }

    /// Ends the transaction of an operation of the caller's, in which the first use was written: it is durable exactly if the
    /// operation is, and else still pending.
    pub(crate) async fn settle<T>(&self, transaction: Transaction, outcome: Result<T, Error>) -> Result<T, Error> {
        let events = transaction.events();
        let outcome = transaction.settle(outcome).await;
        if outcome.is_ok() {
            self.first_use_is_durable();
            events.iter().for_each(|event| report(event));
        }
        outcome
    }

    /// Takes note that the first use, if this was one, has been written and is durable.
    pub(crate) fn first_use_is_durable(&self) {
        self.first_use.0.store(false, Ordering::Release);
    }
}

impl Service {
    /// Makes the first use of the caller's value durable if it is not yet. To be called before anything is answered to a caller
    /// that was recognised and not authenticated.
    ///
    /// # Errors
    /// Why the value works no more, if it has stopped since the request began, or when the database fails.
    pub async fn settle(&self, caller: &Caller) -> Result<(), Error> {
        if caller.awaits_first_use() {
            // In a box of its own, so that those who have nothing to settle carry none of it.
            Box::pin(self.record_use(caller.token_id(), caller.generation(), self.now())).await?;
            caller.first_use_is_durable();
        }
        Ok(())
    }

    /// Makes the first use of a good value durable: as what it works, or why it has stopped since it was looked up.
    pub(crate) async fn use_first(
        &self,
        presented: &mut Presented<'_>,
        now: Timestamp,
    ) -> Result<Result<Standing, Refusal>, Error> {
        let id = presented.token.id;
        match self.record_use(id, presented.generation, now).await {
            Ok((token, standing)) => {
                presented.token = Arc::new(token);
                Ok(Ok(standing))
            }
            Err(Error::Refused(refusal)) => {
                if let Some(token) = self.store.find_token(id).await? {
                    presented.token = Arc::new(token);
                }
                Ok(Err(refusal))
            }
            Err(err) => Err(err),
        }
    }

    /// Records a use of a value in a transaction of its own; the token as it is at that, and as what the value works.
    async fn record_use(&self, id: TokenId, generation: u32, now: Timestamp) -> Result<(Token, Standing), Error> {
        self.urgently(move || async move {
            let transaction = self.store.begin_urgent().await?;
            let used = record_use_in(&transaction, id, generation, now).await;
            transaction.settle(used).await
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
async fn write_use(
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
