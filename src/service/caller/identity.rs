//! The caller: the token whose value was presented, and the request.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::domain::audit::Provenance;
use crate::domain::id::TokenId;
use crate::domain::refusal::Refusal;
use crate::domain::restriction::Source;
use crate::domain::rule::lifecycle::due_soon::Warnings;
use crate::domain::rule::verification;
use crate::domain::timestamp::Timestamp;
use crate::domain::token::{Actor, Token};
use crate::domain::value::{Value, ValueHash};
use crate::service::RequestContext;
use crate::store::{LockMode, Stamp};

use super::pending_use::PendingUse;

/// An authenticated caller. Every operation checks again what it may do.
#[derive(Debug)]
pub struct Caller {
    /// The caller's token as it was at authentication, or up to ten seconds earlier if it came from the cache.
    pub(super) token: Arc<Token>,
    pub(super) generation: u32,
    /// The stamp of the token.
    pub(super) stamp: Stamp,
    pub(super) warnings: Warnings,
    /// Whether this request has rotated or revoked the token, so that the deadline of `warnings` no longer applies.
    pub(super) deadline_is_over: AtomicBool,
    pub(super) presented: Value,
    pub(super) hash: ValueHash,
    pub(super) source: Source,
    pub(super) provenance: Provenance,
    /// Whether the first use of the value has yet to be made durable.
    pub(super) first_use_is_pending: AtomicBool,
    pub(super) pending_use: PendingUse,
}

impl Caller {
    /// The caller's token.
    pub fn token_id(&self) -> TokenId {
        self.token.id
    }

    /// The caller's token as it was known at authentication. It may have changed since, so check in the database before you rely on
    /// it.
    pub(crate) fn known(&self) -> &Token {
        &self.token
    }

    /// The stamp from before the token was read.
    pub(crate) fn stamp(&self) -> Stamp {
        self.stamp
    }

    /// The generation of the value that was presented.
    pub fn generation(&self) -> u32 {
        self.generation
    }

    /// What the caller should know ahead, as it was at authentication.
    pub fn warnings(&self) -> Warnings {
        let rotate_soon_by = self.warnings.rotate_soon_by.filter(|_| !self.deadline_is_over.load(Ordering::Relaxed));
        Warnings { rotate_soon_by, ..self.warnings }
    }

    /// The request has rotated or revoked the token of this id. If it is the caller's, there is nothing left to warn of.
    pub(crate) fn note_end_of_period(&self, id: TokenId) {
        if id == self.token.id {
            self.deadline_is_over.store(true, Ordering::Relaxed);
        }
    }

    /// Checks that the caller's value still works, from the same source, if this is its token now (R10, R12). A request body may
    /// arrive long after the headers.
    pub(crate) fn check_still_valid(&self, token: &Token, now: Timestamp) -> Result<(), Refusal> {
        verification::judge(token, self.generation, &self.source, now).map(drop)
    }

    /// The value itself, to derive others from it (R6).
    pub(crate) fn presented(&self) -> &Value {
        &self.presented
    }

    /// The caller as an actor, and the request in which it acts.
    pub(crate) fn as_actor(&self) -> (Actor, Provenance) {
        (Actor::ApiToken(self.token.id), self.provenance.clone())
    }

    /// The SHA-256 of the value.
    pub(crate) fn hash(&self) -> &ValueHash {
        &self.hash
    }

    /// The context of the request in which the value was presented, to present it again.
    pub(crate) fn request_context(&self) -> RequestContext<'_> {
        let Provenance { user_agent, request_id, .. } = &self.provenance;
        let user_agent = user_agent.as_deref().map(str::as_bytes);
        RequestContext { source: self.source.clone(), user_agent, request_id: *request_id }
    }

    /// The request, for the audit log.
    pub(crate) fn provenance(&self) -> &Provenance {
        &self.provenance
    }

    /// Whether the first use of the presented value has yet to be written.
    pub(crate) fn first_use_is_pending(&self) -> bool {
        self.first_use_is_pending.load(Ordering::Acquire)
    }

    /// Records that the first use, if this was one, is durable.
    pub(crate) fn mark_first_use_durable(&self) {
        self.first_use_is_pending.store(false, Ordering::Release);
    }

    /// Records the use of the presented value by this request, unless that was done (R14).
    pub fn record_use(&self) {
        let Source { address, .. } = self.source;
        self.pending_use.record((self.token.id, self.generation), address, self.provenance.user_agent.as_deref());
    }

    /// The use of the presented value by this request does not count any more (R15).
    pub(crate) fn forget_use(&self) {
        self.pending_use.forget();
    }

    /// Whether this request was the first to use the presented value.
    pub(crate) fn is_first_use(&self) -> bool {
        self.pending_use.is_first
    }

    /// How a transaction must lock the caller's token.
    pub(crate) fn lock_mode(&self) -> LockMode {
        if self.first_use_is_pending() { LockMode::Exclusive } else { LockMode::Shared }
    }
}

impl Drop for Caller {
    /// However the request ends, its use counts.
    fn drop(&mut self) {
        self.record_use();
    }
}
