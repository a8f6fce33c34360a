//! From a presented text to a caller.

use std::sync::atomic::AtomicBool;

use crate::service::judge::{FirstUse, Judged};
use crate::service::{Caller, Error, RequestContext, Service};

impl Service {
    /// The caller that a presented text stands for. The first use of a value is durable before this returns, so that the
    /// previous value can no longer cancel it (R5).
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] for a text that no token has as its value, or the reason why it does not work here and now.
    pub async fn authenticate(&self, presented: &str, context: RequestContext<'_>) -> Result<Caller, Error> {
        self.judged_caller(presented, context, FirstUse::Write).await
    }

    /// The caller that a presented text stands for, as [`Service::authenticate`] says it, for an endpoint that does one thing: the
    /// first use of a value may still be pending, so that what the caller asks for can write it along. Whoever calls this calls
    /// [`Service::write_first_use`] before it answers anything (R5).
    ///
    /// # Errors
    /// As [`Service::authenticate`].
    pub async fn authenticate_deferring_first_use(
        &self,
        presented: &str,
        context: RequestContext<'_>,
    ) -> Result<Caller, Error> {
        self.judged_caller(presented, context, FirstUse::Leave).await
    }

    async fn judged_caller(
        &self,
        presented: &str,
        context: RequestContext<'_>,
        first_use: FirstUse,
    ) -> Result<Caller, Error> {
        let judged = self.judge(presented, &context, first_use, self.now()).await?.ok_or(Error::Unauthenticated)?;
        let first_use_is_pending = AtomicBool::new(judged.is_first_use());
        let Judged { value, hash, token, generation, judgement } = judged;
        let (standing, presented, provenance) = (judgement?, value.keep(), context.provenance());
        Ok(Caller {
            token,
            generation,
            standing,
            presented,
            hash,
            source: context.source,
            provenance,
            first_use_is_pending,
        })
    }
}
