//! A caller: who presented a value that works, and in which request.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::domain::audit::Provenance;
use crate::domain::id::TokenId;
use crate::domain::refusal::Refusal;
use crate::domain::restriction::Source;
use crate::domain::rule::lifecycle::Standing;
use crate::domain::rule::verification;
use crate::domain::timestamp::Timestamp;
use crate::domain::token::{Actor, Token};
use crate::domain::value::{Value, ValueHash};
use crate::service::RequestContext;
use crate::store::LockMode;

/// Somebody who presented a value that works. What they may do is looked up anew by every operation.
#[derive(Debug)]
pub struct Caller {
    /// The token that they were recognised by, as it was then or up to ten seconds before.
    pub(super) token: Arc<Token>,
    pub(super) generation: u32,
    pub(super) standing: Standing,
    pub(super) presented: Value,
    pub(super) hash: ValueHash,
    pub(super) source: Source,
    pub(super) provenance: Provenance,
    /// Whether the first use of the value is still to be made durable.
    pub(super) first_use_is_pending: AtomicBool,
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
    pub(crate) fn check_still_valid(&self, token: &Token, now: Timestamp) -> Result<(), Refusal> {
        verification::judge(token, self.generation, &self.source, now).map(drop)
    }

    /// The value itself, for what is derived from it (R6).
    pub(crate) fn presented(&self) -> &Value {
        &self.presented
    }

    /// The caller as an actor, and the request it acts in.
    pub(crate) fn as_actor(&self) -> (Actor, Provenance) {
        (Actor::ApiToken(self.token.id), self.provenance.clone())
    }

    /// The SHA-256 of the value.
    pub(crate) fn hash(&self) -> &ValueHash {
        &self.hash
    }

    /// The request in which the value was presented, to present it again.
    pub(crate) fn context(&self) -> RequestContext<'_> {
        let Provenance { user_agent, request_id, .. } = &self.provenance;
        let user_agent = user_agent.as_deref().map(str::as_bytes);
        RequestContext { source: self.source.clone(), user_agent, request_id: *request_id }
    }

    /// The same, as the audit log tells of it.
    pub(crate) fn provenance(&self) -> &Provenance {
        &self.provenance
    }

    /// Whether the first use of the presented value is still to be written.
    pub(crate) fn first_use_is_pending(&self) -> bool {
        self.first_use_is_pending.load(Ordering::Acquire)
    }

    /// Takes note that the first use, if this was one, has been written and is durable.
    pub(crate) fn mark_first_use_durable(&self) {
        self.first_use_is_pending.store(false, Ordering::Release);
    }

    /// How the caller's token is to be held by a transaction that rests on it.
    pub(crate) fn hold(&self) -> LockMode {
        if self.first_use_is_pending() { LockMode::Exclusive } else { LockMode::Shared }
    }
}
