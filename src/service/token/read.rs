//! `currentAPIToken`, `apiToken` and `apiTokens`: reading tokens, never their values.

use std::sync::Arc;

use crate::domain::rule::authority::Authority;
use crate::domain::rule::lifecycle::due_soon::Warnings;
use crate::domain::timestamp::Timestamp;
use crate::domain::token::{Permission, Token};
use crate::service::judge::Judged;
use crate::service::{Caller, Connection, Error, PageRequest, RequestContext, Service, View, token_id};

impl Service {
    /// The caller's own token; needs no permission.
    ///
    /// # Errors
    /// When it has stopped working since the request began.
    pub async fn current(&self, caller: &Caller) -> Result<View, Error> {
        let now = self.now();
        Ok(View::new(self.own_token(caller, now).await?, now))
    }

    /// As [`Service::current`], without waiting, for a caller that presents a value in this request; returns also what the
    /// caller should know ahead. `None` if it has to wait, or if the value does not work.
    pub fn try_current(&self, (caller, context): (&str, &RequestContext<'_>)) -> Option<(Warnings, View)> {
        let now = self.now();
        let judged = self.try_judge(caller, &context.source, now)?;
        self.record_value_use(judged.presented(), (&context.source, context.user_agent), now);
        let Judged { token, outcome, .. } = judged;
        let warnings = Warnings::of(&token, outcome.ok()?, now);
        self.counts.authenticated_at_once();
        Some((warnings, View::new(token, now)))
    }

    /// The token of this id. One's own needs no permission, another's `API_TOKEN_READ`.
    ///
    /// # Errors
    /// When the caller may not, or no token has this id.
    pub async fn get(&self, caller: &Caller, id: &str) -> Result<View, Error> {
        let now = self.now();
        let id = token_id("id", id)?;
        let own = self.own_token(caller, now).await?;
        Authority::of(&own).require_unless_own(Permission::ApiTokenRead, id)?;
        if id == own.id {
            return Ok(View::new(own, now));
        }
        let found = self.uses.and_written(|uses| uses.latest(id, None), self.store.find_token(id)).await?;
        let (buffered, Some(mut token)) = found else { return Err(Error::NotFound { field: "id" }) };
        token.last_used_at = token.last_used_at.max(buffered);
        Ok(View::new(token, now))
    }

    /// A page of tokens. Needs `API_TOKEN_READ`.
    ///
    /// # Errors
    /// When the caller may not, or the page is invalid.
    pub async fn list(&self, caller: &Caller, request: PageRequest) -> Result<Connection, Error> {
        let now = self.now();
        let own = self.own_token(caller, now).await?;
        Authority::of(&own).require(Permission::ApiTokenRead)?;
        let page = request.validate()?;
        let mut listing = self.store.list(&page, now).await?;
        for token in &mut listing.tokens {
            token.last_used_at = self.uses.latest(token.id, token.last_used_at);
        }
        Ok(Connection::new(&page, listing, now))
    }

    pub(crate) async fn own_token(&self, caller: &Caller, now: Timestamp) -> Result<Arc<Token>, Error> {
        self.write_first_use(caller).await?;
        caller.record_use();
        let token = self.find_value(caller.hash(), now).await?.ok_or(Error::Unauthenticated)?.token;
        caller.check_still_valid(&token, now)?;
        Ok(token)
    }
}
