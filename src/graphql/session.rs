//! In whose name resolvers run, and how large the answers to one HTTP request have grown.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::service::Caller;

/// In whose name requests are made.
#[derive(Debug, Default)]
pub struct Session {
    /// Who is calling; `None` for a request without a credential.
    pub caller: Option<Caller>,
    /// The caller's name for the rotations in the request, from the `Idempotency-Key` header.
    pub idempotency_key: Option<String>,
    /// How large the answers have grown that were made in it.
    pub size: Arc<AnswerSize>,
}

/// How many bytes the answers to one HTTP request have come to.
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
