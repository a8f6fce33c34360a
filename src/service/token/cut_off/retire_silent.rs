//! Retiring a previous value that has fallen silent, if the overlap of its token ends so (R15). A value is retired when it is presented, so
//! that it stops in time; or by housekeeping, so that the token shows it.

use crate::domain::audit::{Action, Provenance};
use crate::domain::id::TokenId;
use crate::domain::rule::lifecycle::silence::is_silent_by;
use crate::domain::timestamp::Timestamp;
use crate::domain::token::{Actor, Token};
use crate::service::audit::report;
use crate::service::{Error, Service};
use crate::store::Transaction;

/// How many tokens are found by one statement, and how many statements one run takes. Those that are left are for the next run.
const BATCH: u32 = 100;
const MAX_BATCHES: u32 = 10;

impl Service {
    /// Retires the previous value of this token if it is silent; returns the token after that, if it exists.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn retire_silent(&self, id: TokenId, now: Timestamp) -> Result<Option<Token>, Error> {
        self.retry_on_full_disk(move || async move {
            let transaction = self.store.begin_urgent().await?;
            let token = self.retire_silent_in(&transaction, id, now).await;
            let events = transaction.events();
            let token = transaction.finish(token).await?;
            events.iter().for_each(|event| report(event));
            Ok(token)
        })
        .await
    }

    /// The lock keeps uses from being written meanwhile, so nothing that was read changes before it is decided.
    async fn retire_silent_in(
        &self,
        transaction: &Transaction,
        id: TokenId,
        now: Timestamp,
    ) -> Result<Option<Token>, Error> {
        let (Some(mut token), _) = transaction.find_to_change(id, None).await? else { return Ok(None) };
        self.add_buffered_use(&mut token);
        if is_silent_by(&token, self.time.set_at(), now) {
            transaction.end_overlap(id).await?;
            let by = (Actor::System, Provenance::default());
            self.record(transaction, Action::OverlapEnded, by, (id, token.current.generation), now).await?;
            token.previous = None;
        }
        Ok(Some(token))
    }

    /// Retires previous values that are silent. A token that fails, such as one whose row is damaged, does not keep others from it.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn retire_silent_values(&self, now: Timestamp) -> Result<(), Error> {
        let mut after = None;
        for _ in 0..MAX_BATCHES {
            let ids = self.store.find_silent(now, after, BATCH).await?;
            for id in &ids {
                match self.retire_silent(*id, now).await {
                    Ok(_) => {}
                    // The others would fail as well.
                    Err(err @ Error::Unavailable(_)) => return Err(err),
                    Err(err) => tracing::warn!(
                        name: "silent_value_not_retired", token_id = %id, cause = %err.cause(),
                        "a silent value could not be retired; retrying in a minute"
                    ),
                }
            }
            if ids.len() < usize::try_from(BATCH).unwrap_or(usize::MAX) {
                break;
            }
            after = ids.last().copied();
        }
        Ok(())
    }
}
