//! A token as a use case returns it, and reading a token id that a client sent.

use std::sync::Arc;

use crate::domain::id::TokenId;
use crate::domain::rule::lifecycle::{self, Status};
use crate::domain::timestamp::Timestamp;
use crate::domain::token::Token;
use crate::domain::value::Value;
use crate::service::error::Error;

/// A token at the time of the operation that read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// The facts.
    pub token: Arc<Token>,
    /// The status at that time.
    pub status: Status,
}

impl View {
    pub(crate) fn new(token: impl Into<Arc<Token>>, now: Timestamp) -> Self {
        let mut token = token.into();
        let status = lifecycle::status(&token, now);
        drop_ended_overlap(&mut token, now);
        Self { token, status }
    }

    /// Which values its token has.
    pub fn values(&self) -> impl Iterator<Item = (TokenId, u32)> + '_ {
        self.token.values().map(|value| (self.token.id, value.generation))
    }
}

/// Removes a previous value whose overlap has ended; returns whether there was one.
pub(crate) fn drop_ended_overlap(token: &mut Arc<Token>, now: Timestamp) -> bool {
    let ended = token.previous.is_some() && !lifecycle::overlap_lasts(token, now);
    if ended {
        Arc::make_mut(token).previous = None;
    }
    ended
}

/// A token with the value that was just issued for it. The value is shown once and stored nowhere (R9).
#[derive(Debug)]
pub struct Issued {
    /// The token as it now is.
    pub view: View,
    /// The new value.
    pub value: Value,
    /// The generation of the unused value that was cancelled (R5), if there was one.
    pub cancelled_generation: Option<u32>,
}

/// Reads an id that a client sent in this field. A malformed id is not found.
pub(crate) fn token_id(field: &'static str, text: &str) -> Result<TokenId, Error> {
    TokenId::parse(text).ok_or(Error::NotFound { field })
}
