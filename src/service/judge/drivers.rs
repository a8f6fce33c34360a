//! The two drivers of a judgement: one takes the steps and waits for them, the other gives up at the first.
//!
//! A gateway verifies a value for every request, and nearly always one that worked a moment ago. The second driver answers those
//! without a future.

use crate::domain::restriction::Source;
use crate::domain::timestamp::Timestamp;
use crate::service::token::drop_ended_overlap;
use crate::service::{Error, Service};

use super::judgement::{FirstUse, Judged, Judgement, Step, Verdict};
use super::lookup::note_use;
use super::request_context::RequestContext;

impl Service {
    /// Judges a presented text, and takes every step that this needs; `None` if no token has this value.
    ///
    /// # Errors
    /// When the judgement needs the database, and it fails.
    pub(crate) async fn judge<'a>(
        &self,
        text: &'a str,
        context: &'a RequestContext<'_>,
        first_use: FirstUse,
        now: Timestamp,
    ) -> Result<Option<Judged<'a>>, Error> {
        let mut judgement = Judgement::new((text, &self.foreign_formats, &context.source), first_use, now, |hash| {
            self.cached(hash, now)
        });
        let mut looked_up = false;
        loop {
            match judgement.judge() {
                Ok(verdict) => {
                    if judgement.is_value() {
                        self.counts.judged(looked_up);
                    }
                    let judged = self.conclude(judgement, verdict);
                    // A caller records its use later, if it gets that far.
                    let counts = |judged: &&Judged<'_>| {
                        judged.is_use() && (first_use == FirstUse::Write || judged.outcome.is_err())
                    };
                    if let Some(judged) = judged.as_ref().filter(counts) {
                        self.record_value_use(judged.presented(), (&context.source, context.user_agent), now);
                    }
                    return Ok(judged);
                }
                Err(step) => {
                    looked_up |= matches!(step, Step::LookUp(_));
                    // Boxed, because most judgements need no step, and its future is large.
                    Box::pin(self.take(step, &mut judgement, context)).await?;
                }
            }
        }
    }

    /// Judges a presented text without waiting; `None` if this needs a step, or if the value does not work. Nothing has been done
    /// then, and the other driver judges again. Call [`Service::record_value_use`] once it is certain that it need not.
    pub(crate) fn try_judge<'a>(&self, text: &'a str, source: &'a Source, now: Timestamp) -> Option<Judged<'a>> {
        let judgement =
            Judgement::new((text, &self.foreign_formats, source), FirstUse::Write, now, |hash| self.cached(hash, now));
        let verdict = judgement.judge().ok().filter(|verdict| matches!(verdict, Verdict::Works(_)))?;
        self.conclude(judgement, verdict)
    }

    /// Takes a step, so that judging can continue.
    async fn take(&self, step: Step, judgement: &mut Judgement<'_>, context: &RequestContext<'_>) -> Result<(), Error> {
        match step {
            Step::LookUp(hash) => {
                let now = judgement.now;
                let found = if judgement.is_foreign() {
                    self.look_up_foreign(&hash, now).await?
                } else {
                    self.look_up(&hash, now).await?
                };
                judgement.looked_up(found, |hash| self.cached(hash, now));
            }
            Step::WriteFirstUse(id, generation) => self.use_first(judgement, id, generation).await?,
            Step::RetireSilent(id) => judgement.silence_decided(self.retire_silent(id, judgement.now).await?),
            Step::Record(verdict) => self.record_verdict(judgement, verdict, context).await,
        }
        Ok(())
    }

    fn conclude<'a>(&self, judgement: Judgement<'a>, verdict: Verdict) -> Option<Judged<'a>> {
        let now = judgement.now;
        judgement.conclude(verdict, |hash, known| {
            let noted = note_use(known, now);
            let forgotten = drop_ended_overlap(&mut known.token, now);
            // Cached, so that the token is copied once and not for each answer. This is sound also while contact is lost: the entry
            // keeps the stamp of its read, so it is trusted no longer than before. (`look_up` caches nothing then, because an entry
            // without contact would never be used, and an unknown value has no stamp.)
            if noted || forgotten {
                self.cache.insert(*hash, known.clone());
            }
        })
    }
}
