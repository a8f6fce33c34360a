//! Acting on a refusal: it is recorded, and the reuse of a retired value may revoke the token (R8).

use crate::domain::audit::Action;
use crate::domain::id::TokenId;
use crate::domain::notice::NoticeKind;
use crate::domain::reason::Reason;
use crate::domain::refusal::Refusal;
use crate::domain::rule::{conflict_guard, lifecycle};
use crate::domain::timestamp::Timestamp;
use crate::domain::token::{Actor, ReusePolicy, Token};
use crate::service::audit::{Refused, report};
use crate::service::{Error, ErrorCode, RequestContext, Service};

use super::judgement::{Judgement, Verdict};

/// The least time between two records of the reuse of one value, in seconds (R8).
const REUSE_RESOLUTION_SECONDS: u32 = 60;

impl Service {
    /// Records a refusal and acts on it. If that fails, the value is refused anyway, and the log has the cause.
    pub(super) async fn record_verdict(
        &self,
        judgement: &mut Judgement<'_>,
        verdict: Verdict,
        context: &RequestContext<'_>,
    ) {
        let now = judgement.now;
        match (&verdict, judgement.known()) {
            (Verdict::Refused(Refusal::ValueRetired), Some(known)) => {
                let (token, generation) = (known.token.clone(), known.generation);
                match self.notice_reuse(&token, generation, context, now).await {
                    Ok(Some(token)) => judgement.refresh(token),
                    Ok(None) => {}
                    Err(cause) => {
                        tracing::warn!(name: "reuse_not_recorded", cause = %cause.cause(), "the reuse of a retired value could not be recorded")
                    }
                }
            }
            (Verdict::Refused(refusal), Some(known)) => {
                let (action, code) = (Action::RestrictionRefused, Error::from(refusal.clone()).code());
                let presented = Some((known.token.id, known.generation));
                let refused = Refused { action, code, presented, target: None };
                let announced = Some((NoticeKind::RestrictionRefused, &*known.token));
                self.record_and_announce_refusal(refused, announced, context.provenance(), now).await;
            }
            _ => {
                let (action, code) = (Action::SignInRefused, ErrorCode::Unauthenticated);
                let refused = Refused { action, code, presented: None, target: None };
                self.record_refusal(refused, context.provenance(), now).await;
            }
        }
        judgement.decide(verdict);
    }

    /// Records that a retired value was presented, at most once a minute for each value on all replicas together, and revokes the
    /// token if its settings say so (R8). Returns the token afterwards, if it was read.
    async fn notice_reuse(
        &self,
        seen: &Token,
        generation: u32,
        context: &RequestContext<'_>,
        now: Timestamp,
    ) -> Result<Option<Token>, Error> {
        let id = seen.id;
        // A client that presents a retired value again and again must not block other writers.
        if !self.reuse_revokes(seen, now) && !self.reuses.allows((id, generation), now) {
            return Ok(None);
        }
        self.retry_on_full_disk(|| self.write_reuse(id, generation, context, now)).await
    }

    /// Writes the reuse; returns the token afterwards, if it still exists.
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
            let event = self.change(Action::ValueReused, holder, (id, generation), now)?;
            transaction.append(&event).await?;
            self.announce(&transaction, NoticeKind::ValueReused, &token, &event).await?;
        }
        // If the operator retired the value, its holder may not know yet; this is no sign of a theft.
        if self.reuse_revokes(&token, now)
            && !transaction.was_retired_by_operator(id, generation).await?
            && lifecycle::revoke(&token)?
        {
            let by = (Actor::System, context.provenance());
            self.write_revocation(&transaction, &mut token, (by, generation), Reason::default(), now).await?;
        }
        let events = transaction.events();
        transaction.commit().await?;
        events.iter().for_each(|event| report(event));
        Ok(Some(token))
    }

    /// Whether the token is revoked if a retired value of it is presented now.
    fn reuse_revokes(&self, token: &Token, now: Timestamp) -> bool {
        let by_policy = token.settings.on_reuse == ReusePolicy::Revoke;
        by_policy && self.time.uncertain_seconds() == 0 && !conflict_guard::reuse_may_be_a_race(token, now)
    }
}
