//! The two drivers of a judgement: one waits for what has to be done, the other gives up instead.
//!
//! A gateway asks about every request of its own clients, nearly always about a value that was good a moment ago. The second
//! driver answers that without a future.

use crate::domain::restriction::Source;
use crate::domain::timestamp::Timestamp;
use crate::service::token::drop_ended_overlap;
use crate::service::{Error, Service};

use super::judgement::{FirstUse, Judged, Judgement, Step, Verdict};
use super::request_context::RequestContext;

impl Service {
    /// Judges a presented text, taking every step that it needs; `None` for one that is the value of no token.
    ///
    /// # Errors
    /// When the database fails and it matters to the judgement.
    pub(crate) async fn judge<'a>(
        &self,
        text: &'a str,
        context: &'a RequestContext<'_>,
        first_use: FirstUse,
        now: Timestamp,
    ) -> Result<Option<Judged<'a>>, Error> {
        let mut case = Judgement::new((text, &context.source), first_use, now, |hash| self.cached(hash, now));
        loop {
            match case.judge() {
                Ok(verdict) => return Ok(self.conclude(case, verdict)),
                // Boxed, because most judgements need no step and should not carry the size of one.
                Err(step) => Box::pin(self.take(step, &mut case, context)).await?,
            }
        }
    }

    /// Judges a presented text now: `None` where that takes a step, or where the value does not work. Nothing has been done then,
    /// and the other driver judges the same anew.
    pub(crate) fn try_judge<'a>(&self, text: &'a str, source: &'a Source, now: Timestamp) -> Option<Judged<'a>> {
        let case = Judgement::new((text, source), FirstUse::Write, now, |hash| self.cached(hash, now));
        let verdict = case.judge().ok().filter(|verdict| matches!(verdict, Verdict::Works(_)))?;
        self.conclude(case, verdict)
    }

    /// Takes a step, so that the case can be judged further.
    async fn take(&self, step: Step, case: &mut Judgement<'_>, context: &RequestContext<'_>) -> Result<(), Error> {
        match step {
            Step::LookUp(hash) => case.looked_up(self.look_up(&hash, case.now).await?),
            Step::WriteFirstUse(id, generation) => self.use_first(case, id, generation).await?,
            Step::Record(verdict) => self.record_verdict(case, verdict, context).await,
        }
        Ok(())
    }

    fn conclude<'a>(&self, case: Judgement<'a>, verdict: Verdict) -> Option<Judged<'a>> {
        let now = case.now;
        case.conclude(verdict, |hash, known| {
            let noted = self.note_use(known, now);
            let forgotten = drop_ended_overlap(&mut known.token, now);
            // Cached, so that the token is copied once and not for each answer. This is sound also while contact is lost: the entry
            // keeps the stamp of its read, so it is trusted no longer than before. (`look_up` caches nothing then, because an entry
            // without contact would never be used, and an unknown value has no stamp.)
            if noted || forgotten {
                self.cache.remember(*hash, known.clone());
            }
        })
    }
}
