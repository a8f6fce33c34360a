//! Pending first uses: which transaction writes the first use of a value, so that it is durable before any answer is sent (R5).
//!
//! From the first use, the previous value can no longer cancel this one. Most endpoints have it written during authentication. An
//! endpoint with a single operation defers it: a change writes it in its own transaction, a read has it written first, and if the
//! request is refused or does nothing, the endpoint writes it before the answer.

use crate::domain::timestamp::Timestamp;
use crate::domain::token::Token;
use crate::service::audit::report;
use crate::service::judge::{Known, write_use};
use crate::service::{Caller, Error, Service};
use crate::store::Transaction;

impl Caller {
    /// Writes the first use of the presented value, if it is pending, in this transaction, and updates `token` accordingly. The
    /// transaction must hold the lock of [`Caller::lock_mode`] on the caller's token, and end with [`Caller::finish`].
    pub(crate) async fn write_first_use_in(
        &self,
        transaction: &Transaction,
        token: &mut Token,
        now: Timestamp,
    ) -> Result<(), Error> {
        if self.first_use_is_pending() {
            write_use(transaction, token, self.generation(), now).await?;
        }
        Ok(())
    }

    /// Ends the transaction of an operation in which the first use was written. The first use is durable if the operation is, and
    /// otherwise still pending.
    pub(crate) async fn finish<T>(&self, transaction: Transaction, outcome: Result<T, Error>) -> Result<T, Error> {
        let events = transaction.events();
        let outcome = transaction.finish(outcome).await;
        if outcome.is_ok() {
            self.mark_first_use_durable();
            events.iter().for_each(|event| report(event));
        }
        outcome
    }
}

impl Service {
    /// Makes the first use of the caller's value durable, if it is pending. Call this before any answer is sent to a caller of
    /// [`Service::authenticate_deferring_first_use`].
    ///
    /// # Errors
    /// Why the value no longer works, if it has stopped since the request began; or when the database fails.
    pub async fn write_first_use(&self, caller: &Caller) -> Result<(), Error> {
        if caller.first_use_is_pending() {
            // Boxed, because this is rare, and its future is large.
            Box::pin(self.write_pending_first_use(caller)).await?;
            caller.mark_first_use_durable();
        }
        Ok(())
    }

    async fn write_pending_first_use(&self, caller: &Caller) -> Result<(), Error> {
        let now = self.now();
        let known = Known { token: caller.token.clone(), generation: caller.generation, stamp: caller.stamp };
        if self.use_first_optimistically(&known, now).await?.is_none() {
            self.record_use(caller.token_id(), caller.generation(), now).await?;
        }
        Ok(())
    }
}
