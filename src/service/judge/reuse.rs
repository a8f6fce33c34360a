//! What follows from a refusal: it is recorded, and the reuse of a retired value may cost the token its life (R8).

use crate::domain::audit::Action;
use crate::domain::id::TokenId;
use crate::domain::refusal::Refusal;
use crate::domain::rule::lifecycle;
use crate::domain::timestamp::Timestamp;
use crate::domain::token::{Actor, ReusePolicy, Token};
use crate::service::audit::{Refused, report};
use crate::service::{Error, ErrorCode, RequestContext, Service};

use super::judgement::{Judgement, Verdict};

/// How often the reuse of a retired value is recorded at most, in seconds (R8).
const REUSE_RESOLUTION_SECONDS: u32 = 60;

impl Service {
    /// Records a refusal, and does what follows from it. If that fails the refusal stands all the same, and the log says why.
    pub(super) async fn record_verdict(
        &self,
        case: &mut Judgement<'_>,
        verdict: Verdict,
        context: &RequestContext<'_>,
    ) {
        let now = case.now;
        match (&verdict, case.known()) {
            (Verdict::Refused(Refusal::ValueRetired), Some(known)) => {
                let (token, generation) = (known.token.clone(), known.generation);
                match self.notice_reuse(&token, generation, context, now).await {
                    Ok(Some(token)) => case.refresh(token),
                    Ok(None) => {}
                    Err(cause) => tracing::warn!(%cause, "the reuse of a retired value could not be recorded"),
                }
            }
            (Verdict::Refused(refusal), Some(known)) => {
                let (action, code) = (Action::RestrictionRefused, Error::from(refusal.clone()).code());
                let presented = Some((known.token.id, known.generation));
                let refused = Refused { action, code, presented, target: None };
                self.record_refusal(refused, context.provenance(), now).await;
            }
            _ => {
                let (action, code) = (Action::SignInRefused, ErrorCode::Unauthenticated);
                let refused = Refused { action, code, presented: None, target: None };
                self.record_refusal(refused, context.provenance(), now).await;
            }
        }
        case.decide(verdict);
    }

    /// Records that a retired value was presented, at most once a minute a value on all replicas together, and revokes the
    /// token if it is set to be (R8): the token as it is then, where it was read.
    async fn notice_reuse(
        &self,
        seen: &Token,
        generation: u32,
        context: &RequestContext<'_>,
        now: Timestamp,
    ) -> Result<Option<Token>, Error> {
        let id = seen.id;
        // Whoever presents a retired value again and again must not keep the others from writing.
        if !self.reuse_revokes(seen, now) && !self.reuses.allows((id, generation), now) {
            return Ok(None);
        }
        self.retry_on_full_disk(|| self.write_reuse(id, generation, context, now)).await
    }

    /// The token as it is when that has been written, if there still is one.
    async fn write_reuse(
        &self,
        id: TokenId,
        generation: u32,
        context: &RequestContext<'_>,
        now: Timestamp,
    ) -> Result<Option<Token>, Error> {
        let transaction = self.store.begin_urgent().await?;
        let (found, _) = transaction.find_to_change(id, None).await?;
        let Some(mut token) = found else { return Ok(None) };
        if transaction.claim_reuse(id, generation, now.minus_seconds(REUSE_RESOLUTION_SECONDS), now).await? {
            let holder = (Actor::ApiToken(id), context.provenance());
            self.record(&transaction, Action::ValueReused, holder, (id, generation), now).await?;
        }
        // Whoever has not heard yet that the operator retired it is no thief.
        if self.reuse_revokes(&token, now)
            && !transaction.was_retired_by_operator(id, generation).await?
            && lifecycle::revoke(&token)?
        {
            token.revoked_at = Some(now);
            transaction.revoke(id, now).await?;
            self.record(&transaction, Action::Revoked, (Actor::System, context.provenance()), (id, generation), now)
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
        by_policy && self.time.uncertain_seconds() == 0 && !lifecycle::reuse_may_be_a_race(token, now)
    }
}
