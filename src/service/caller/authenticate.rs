//! Authentication: from a presented text to a caller.

use std::sync::atomic::AtomicBool;

use crate::domain::rule::lifecycle::due_soon::Warnings;
use crate::service::judge::{FirstUse, Judged};
use crate::service::{Caller, Error, RequestContext, Service};

use super::pending_use::PendingUse;

impl Service {
    /// Authenticates a presented text. The first use of a value is durable before this returns, so that the previous value can no
    /// longer cancel it (R5).
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] if no token has this value, or the reason why it does not work.
    pub async fn authenticate(&self, presented: &str, context: RequestContext<'_>) -> Result<Caller, Error> {
        self.judged_caller(presented, context, FirstUse::Write).await
    }

    /// As [`Service::authenticate`], for an endpoint with a single operation: the first use of a value may still be pending, so
    /// that the transaction of that operation can write it. Call [`Service::write_first_use`] before any answer is sent (R5). The use itself
    /// is recorded later as well ([`Caller::record_use`]).
    ///
    /// # Errors
    /// As [`Service::authenticate`].
    pub async fn authenticate_deferring_first_use(
        &self,
        presented: &str,
        context: RequestContext<'_>,
    ) -> Result<Caller, Error> {
        self.judged_caller(presented, context, FirstUse::Defer).await
    }

    async fn judged_caller(
        &self,
        presented: &str,
        context: RequestContext<'_>,
        first_use: FirstUse,
    ) -> Result<Caller, Error> {
        let caller = self.find_caller(presented, context, first_use).await;
        self.counts.authenticated(&caller);
        caller
    }

    async fn find_caller(
        &self,
        presented: &str,
        context: RequestContext<'_>,
        first_use: FirstUse,
    ) -> Result<Caller, Error> {
        let at = self.now();
        let judged = self.judge(presented, &context, first_use, at).await?.ok_or(Error::Unauthenticated)?;
        let is_first = judged.is_first_use();
        let is_pending = AtomicBool::new(first_use == FirstUse::Defer);
        let pending_use = PendingUse { uses: self.uses.clone(), at, is_first, is_pending };
        let Judged { value, hash, token, generation, stamp, outcome } = judged;
        let warnings = Warnings::of(&token, outcome?, at);
        let (presented, provenance) = (value.keep(), context.provenance());
        Ok(Caller {
            token,
            generation,
            stamp,
            warnings,
            deadline_is_over: AtomicBool::new(false),
            presented,
            hash,
            source: context.source,
            provenance,
            first_use_is_pending: AtomicBool::new(is_first),
            pending_use,
        })
    }
}
