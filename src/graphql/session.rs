//! The session of a request: the caller for whom resolvers run, and the size of the responses so far.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::domain::timestamp::Timestamp;
use crate::service::Caller;

/// What the resolvers of a request share.
#[derive(Debug, Default)]
pub struct Session {
    /// The caller; `None` for a request without a credential.
    pub caller: Option<Caller>,
    /// The idempotency key for the rotations in the request, from the `Idempotency-Key` header.
    pub idempotency_key: Option<String>,
    /// The total size of the responses.
    pub size: Arc<AnswerSize>,
}

impl Session {
    /// Until when the caller's token must be rotated, if that is soon.
    pub(crate) fn rotate_soon_by(&self) -> Option<Timestamp> {
        self.caller.as_ref()?.warnings().rotate_soon_by
    }
}

/// The total size of the responses to one HTTP request, in bytes.
#[derive(Debug, Default)]
pub struct AnswerSize(AtomicUsize);

impl AnswerSize {
    pub(crate) fn bytes(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    pub(crate) fn add(&self, bytes: usize) {
        self.0.fetch_add(bytes, Ordering::Relaxed);
    }
}
