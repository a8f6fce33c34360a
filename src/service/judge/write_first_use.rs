//! Writing the first use of a value. From then on, the previous value can no longer cancel it (R5).

use std::sync::Arc;

use crate::domain::id::TokenId;
use crate::domain::rule::lifecycle::{self, Standing};
use crate::domain::timestamp::Timestamp;
use crate::domain::token::Token;
use crate::service::{Error, Service};
use crate::store::Transaction;

use super::cache::Known;
use super::judgement::{Judgement, Verdict};

impl Service {
    /// Makes the first use of a value durable; or refuses the value, if it has stopped working since it was looked up.
    pub(super) async fn use_first(
        &self,
        judgement: &mut Judgement<'_>,
        id: TokenId,
        generation: u32,
    ) -> Result<(), Error> {
        if let Some(known) = judgement.known().filter(|known| known.generation == generation)
            && let Some(used) = self.use_first_optimistically(known, judgement.now).await?
        {
            judgement.replace(used);
            return Ok(());
        }
        match self.record_use(id, generation, judgement.now).await {
            Ok((token, _)) => judgement.refresh(token),
            Err(Error::Refused(refusal)) => {
                if let Some(token) = self.store.find_token(id).await? {
                    judgement.refresh(token);
                }
                // The value lost a race. This is not a reuse, so it is not recorded.
                judgement.decide(Verdict::Refused(refusal));
            }
            Err(err) => return Err(err),
        }
        Ok(())
    }

    /// The ordinary first use, which is decided on what is known of the value; returns what is known afterwards, and caches it. `None` if
    /// the use starts an overlap, or if the token has changed since it was read. Then the use must be decided under a lock.
    pub(crate) async fn use_first_optimistically(&self, known: &Known, now: Timestamp) -> Result<Option<Known>, Error> {
        let Known { token, generation, stamp } = known;
        let works = lifecycle::standing(token, *generation, now).is_ok();
        if !works || lifecycle::overlap_begun_by_use(token, *generation, now).is_some() {
            return Ok(None);
        }
        let attempt = || async { Ok(self.store.use_first_optimistically(token, *generation, now).await?) };
        let Some(publication) = self.retry_on_full_disk(attempt).await? else { return Ok(None) };
        let token = Arc::new(lifecycle::apply_use((**token).clone(), *generation, now));
        let fresh = publication.stamp(*stamp);
        let known = Known { token, generation: *generation, stamp: fresh.unwrap_or(*stamp) };
        if let Some(value) = known.token.value(*generation).filter(|_| fresh.is_some() && self.in_contact(now)) {
            self.cache.insert(value.hash, known.clone());
        }
        Ok(Some(known))
    }

    /// Records a use of a value in a separate transaction; returns the token afterwards, and the standing of the value.
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

/// Writes a use of a value of this token, and updates `token` accordingly; returns the standing of the value.
pub(crate) async fn write_use(
    transaction: &Transaction,
    token: &mut Token,
    generation: u32,
    now: Timestamp,
) -> Result<Standing, Error> {
    // The value may have been cancelled between the lookup and the lock.
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
