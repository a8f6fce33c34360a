//! From a presented text to a judged token: the one path for every value that comes in, whoever presents it and whatever for.
//!
//! Separate from `authenticate` and `verify`, which only say what follows from the judgement, so that a use counts, and a
//! reuse is noticed, at every door alike (R5, R8).

use std::sync::Arc;

use crate::domain::audit::Action;
use crate::domain::id::TokenId;
use crate::domain::refusal::Refusal;
use crate::domain::rule::lifecycle::{self, Standing};
use crate::domain::rule::verification;
use crate::domain::timestamp::Timestamp;
use crate::domain::token::{Actor, ReusePolicy, Token};
use crate::domain::value::{PresentedValue, ValueHash};
use crate::service::audit::{Refused, report};
use crate::service::caller::FirstUse;
use crate::service::{Error, ErrorCode, Service, Visit};

use super::cache::Known;
use super::uses::Uses;

/// How often the reuse of a retired value is recorded at most, in seconds (R8).
const REUSE_RESOLUTION_SECONDS: u32 = 60;

/// A presented value that a token has or had.
#[derive(Debug)]
pub(crate) struct Presented<'a> {
    /// The value itself.
    pub(crate) value: PresentedValue<'a>,
    /// Its SHA-256.
    pub(crate) hash: ValueHash,
    /// Its token, as it is after this use or refusal.
    pub(crate) token: Arc<Token>,
    /// Which value of the token it is.
    pub(crate) generation: u32,
    /// As what it works here and now, or why it does not.
    pub(crate) judgement: Result<Standing, Refusal>,
}

impl Service {
    /// Judges a presented text; `None` for one that is the value of no token. A value that works is used by this, and its first
    /// use is durable before this returns, so that the previous value can no longer cancel it (R5).
    ///
    /// # Errors
    /// When the database fails and it matters to the judgement.
    pub(crate) async fn present<'a>(
        &self,
        text: &'a str,
        visit: &Visit<'_>,
        now: Timestamp,
    ) -> Result<Option<Presented<'a>>, Error> {
        let Some(mut presented) = self.recognise_value(text, visit, now).await? else { return Ok(None) };
        if FirstUse::of(&presented).is_pending() {
            // It decides what the previous value may still do, so it is written, whatever is remembered (R5).
            presented.judgement = Box::pin(self.use_first(&mut presented, now)).await?;
        }
        Ok(Some(presented))
    }

    /// Judges a presented text as [`Service::present`] does, but leaves a first use to whoever asked.
    ///
    /// # Errors
    /// When the database fails and it matters to the judgement.
    pub(crate) async fn recognise_value<'a>(
        &self,
        text: &'a str,
        visit: &Visit<'_>,
        now: Timestamp,
    ) -> Result<Option<Presented<'a>>, Error> {
        // The checksum spares the database every mistyped, truncated and made-up value.
        let found = match PresentedValue::parse(text) {
            Ok(value) => {
                let hash = value.hash();
                self.find_value(&hash, now).await?.map(|known| (value, hash, known))
            }
            Err(_) => None,
        };
        let Some((value, hash, mut known)) = found else {
            let code = ErrorCode::Unauthenticated;
            let refused = Refused { action: Action::SignInRefused, code, presented: None, target: None };
            Box::pin(self.record_refusal(refused, visit.provenance(), now)).await;
            return Ok(None);
        };
        let generation = known.generation;
        let judgement = match verification::judge(&known.token, generation, &visit.source, now) {
            Ok(standing) => {
                self.note_use(&hash, &mut known, now);
                Ok(standing)
            }
            Err(refusal) => {
                Box::pin(self.notice(&refusal, &mut known.token, generation, visit, now)).await;
                Err(refusal)
            }
        };
        Ok(Some(Presented { value, hash, token: known.token, generation, judgement }))
    }

    /// Lets a good value count as used once more. Its first use is another matter.
    pub(crate) fn note_use(&self, hash: &ValueHash, known: &mut Known, now: Timestamp) {
        let used = known.token.value(known.generation).is_some_and(|value| value.first_used_at.is_some());
        if used && Uses::is_due(known.token.last_used_at, now) && self.uses.note(known.token.id, now) {
            Arc::make_mut(&mut known.token).last_used_at = Some(now);
            self.cache.remember(*hash, known.clone());
        }
    }

    /// Remembers what is worth knowing of a refusal. If that fails the refusal stands all the same, and the log says why.
    async fn notice(
        &self,
        refusal: &Refusal,
        token: &mut Arc<Token>,
        generation: u32,
        visit: &Visit<'_>,
        now: Timestamp,
    ) {
        match refusal {
            Refusal::ValueRetired => {
                if let Err(cause) = self.notice_reuse(token, generation, visit, now).await {
                    tracing::warn!(%cause, "the reuse of a retired value could not be recorded");
                }
            }
            Refusal::AddressRefused | Refusal::OriginRefused => {
                let code = Error::from(refusal.clone()).code();
                let presented = Some((token.id, generation));
                let refused = Refused { action: Action::RestrictionRefused, code, presented, target: None };
                self.record_refusal(refused, visit.provenance(), now).await;
            }
            _ => {}
        }
    }

    /// Records that a retired value was presented, at most once a minute a value on all replicas together, and revokes the
    /// token if it is set to be (R8).
    async fn notice_reuse(
        &self,
        seen: &mut Arc<Token>,
        generation: u32,
        visit: &Visit<'_>,
        now: Timestamp,
    ) -> Result<(), Error> {
        let id = seen.id;
        // Whoever presents a retired value again and again must not keep the others from writing.
        if !self.reuse_revokes(seen, now) && !self.reuses.admits((id, generation), now) {
            return Ok(());
        }
        let noticed = self.urgently(|| self.write_reuse(id, generation, visit, now)).await?;
        if let Some(token) = noticed {
            *seen = Arc::new(token);
        }
        Ok(())
    }

    /// The token as it is when that has been written, if there still is one.
    async fn write_reuse(
        &self,
        id: TokenId,
        generation: u32,
        visit: &Visit<'_>,
        now: Timestamp,
    ) -> Result<Option<Token>, Error> {
        let transaction = self.store.begin_urgent().await?;
        let (found, _) = transaction.find_to_change(id, None).await?;
        let Some(mut token) = found else { return Ok(None) };
        if transaction.claim_reuse(id, generation, now.minus_seconds(REUSE_RESOLUTION_SECONDS), now).await? {
            let holder = (Actor::ApiToken(id), visit.provenance());
            self.record(&transaction, Action::ValueReused, holder, (id, generation), now).await?;
        }
        // Whoever has not heard yet that the operator retired it is no thief.
        if self.reuse_revokes(&token, now)
            && !transaction.was_retired_by_operator(id, generation).await?
            && lifecycle::revoke(&token)?
        {
            token.revoked_at = Some(now);
            transaction.revoke(id, now).await?;
            self.record(&transaction, Action::Revoked, (Actor::System, visit.provenance()), (id, generation), now)
                .await?;
        }
        let events = transaction.events();
        transaction.commit().await?;
        events.iter().for_each(|event| report(event));
        Ok(Some(token))
    }

    /// Whether the token is revoked when a retired value of it is presented now.
    fn reuse_revokes(&self, token: &Token, now: Timestamp) -> bool {
        let by_policy = token.settings.on_reuse == ReusePolicy::Revoke;
        by_policy && self.time.unsettled_seconds() == 0 && !lifecycle::reuse_may_be_a_race(token, now)
    }
}
