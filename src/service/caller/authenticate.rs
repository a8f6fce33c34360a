//! The one way a credential becomes a caller.

use std::sync::Arc;

use crate::domain::audit::Provenance;
use crate::domain::id::TokenId;
use crate::domain::refusal::Refusal;
use crate::domain::restriction::Source;
use crate::domain::rule::lifecycle::Standing;
use crate::domain::rule::verification;
use crate::domain::timestamp::Timestamp;
use crate::domain::token::{Actor, Token};
use crate::domain::value::{Value, ValueHash};
use crate::service::judge::Presented;
use crate::service::{Error, Service, Visit};

use super::first_use::FirstUse;

/// Somebody who presented a value that works. What they may do is looked up anew by every operation.
#[derive(Debug)]
pub struct Caller {
    /// The token that they were recognised by, as it was then or up to ten seconds before.
    token: Arc<Token>,
    generation: u32,
    standing: Standing,
    presented: Value,
    hash: ValueHash,
    source: Source,
    provenance: Provenance,
    pub(crate) first_use: FirstUse,
}

impl Caller {
    /// The caller's token.
    pub fn token_id(&self) -> TokenId {
        self.token.id
    }

    /// The caller's token as it was known when the value was presented. It may have changed since, so whatever rests on this makes
    /// sure in the database that it has not.
    pub(crate) fn known(&self) -> &Token {
        &self.token
    }

    /// The generation of the value that was presented.
    pub fn generation(&self) -> u32 {
        self.generation
    }

    /// What the presented value was when it was presented.
    pub fn standing(&self) -> Standing {
        self.standing
    }

    /// Whether the caller, whose token is now this, may still do anything: its value works, and from where it came (R10, R12). A
    /// request may be long in coming after its headers.
    pub(crate) fn still_admitted(&self, token: &Token, now: Timestamp) -> Result<(), Refusal> {
        verification::judge(token, self.generation, &self.source, now).map(drop)
    }

    /// The value itself, for what is derived from it (R6).
    pub(crate) fn presented(&self) -> &Value {
        &self.presented
    }

    /// The caller as an actor, and the request it acts in.
    pub(crate) fn acting(&self) -> (Actor, Provenance) {
        (Actor::ApiToken(self.token.id), self.provenance.clone())
    }

    /// The SHA-256 of the value.
    pub(crate) fn hash(&self) -> &ValueHash {
        &self.hash
    }

    /// The request in which the value was presented, to present it again.
    pub(crate) fn visit(&self) -> Visit<'_> {
        let Provenance { user_agent, request_id, .. } = &self.provenance;
        let user_agent = user_agent.as_deref().map(str::as_bytes);
        Visit { source: self.source.clone(), user_agent, request_id: *request_id }
    }

    /// The same, as the audit log tells of it.
    pub(crate) fn provenance(&self) -> &Provenance {
        &self.provenance
    }
}

impl Service {
    /// The caller that a presented text stands for. The first use of a value is durable before this returns, so that the
    /// previous value can no longer cancel it (R5).
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] for a text that no token has as its value, or the reason why it does not work here and now.
    pub async fn authenticate(&self, presented: &str, visit: Visit<'_>) -> Result<Caller, Error> {
        let presented = self.present(presented, &visit, self.now()).await?;
        caller(presented.ok_or(Error::Unauthenticated)?, visit)
    }

    /// The caller that a presented text stands for, as [`Service::authenticate`] says it, for a door that does one thing: the
    /// first use of a value may still be pending, so that what the caller asks for can write it along. Whoever calls this calls
    /// [`Service::settle`] before it answers anything (R5).
    ///
    /// # Errors
    /// As [`Service::authenticate`].
    pub async fn recognise(&self, presented: &str, visit: Visit<'_>) -> Result<Caller, Error> {
        let presented = self.recognise_value(presented, &visit, self.now()).await?;
        caller(presented.ok_or(Error::Unauthenticated)?, visit)
    }
}

fn caller(presented: Presented<'_>, visit: Visit<'_>) -> Result<Caller, Error> {
    let first_use = FirstUse::of(&presented);
    let Presented { value, hash, token, generation, judgement } = presented;
    let standing = judgement?;
    let provenance = visit.provenance();
    Ok(Caller {
        token,
        generation,
        standing,
        presented: value.keep(),
        hash,
        source: visit.source,
        provenance,
        first_use,
    })
}
