//! The first use of a value: by which transaction it is written, and that no answer comes before it (R5).
//!
//! From then on the value before can no longer cancel this one, so it is durable before anything is answered. Most endpoints have
//! it written before they go on. Where a caller was only recognised it waits: the transaction of the change that the caller
//! asks for writes it along with the rest, whatever reads has it written first, and the endpoint writes what is still pending, of
//! a request that was refused or asked for nothing.

use crate::domain::timestamp::Timestamp;
use crate::domain::token::Token;
use crate::service::audit::report;
use crate::service::judge::write_use;
use crate::service::{Caller, Error, Service};
use crate::store::Transaction;

impl Caller {
    /// Lets the presented value count as used, if this is its first use: in this transaction, which holds the caller's token as
    /// [`Caller::hold`] says, and ends by [`Caller::finish`]. The token is then what it is at that.
    pub(crate) async fn use_in(
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

    /// Ends the transaction of an operation of the caller's, in which the first use was written: it is durable exactly if the
    /// operation is, and else still pending.
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
    /// Makes the first use of the caller's value durable if it is not yet. To be called before anything is answered to a caller
    /// that was recognised and not authenticated.
    ///
    /// # Errors
    /// Why the value works no more, if it has stopped since the request began, or when the database fails.
    pub async fn write_first_use(&self, caller: &Caller) -> Result<(), Error> {
        if caller.first_use_is_pending() {
            // Boxed, because callers whose value was used before should not carry its size.
            Box::pin(self.record_use(caller.token_id(), caller.generation(), self.now())).await?;
            caller.mark_first_use_durable();
        }
        Ok(())
    }
}
