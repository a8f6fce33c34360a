//! What a use case answers of a token, and its id as a client sends it.

use std::sync::Arc;

use crate::domain::id::TokenId;
use crate::domain::rule::lifecycle::{self, Status};
use crate::domain::timestamp::Timestamp;
use crate::domain::token::Token;
use crate::domain::value::Value;
use crate::service::error::Error;

/// A token as it is at the moment of the operation that read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// The facts.
    pub token: Arc<Token>,
    /// What they come to at that moment.
    pub status: Status,
}

impl View {
    pub(crate) fn new(token: impl Into<Arc<Token>>, now: Timestamp) -> Self {
        let mut token = token.into();
        let status = lifecycle::status(&token, now);
        drop_ended_overlap(&mut token, now);
        Self { token, status }
    }
}

/// Leaves out a previous value whose overlap is over: whether there was one.
pub(crate) fn drop_ended_overlap(token: &mut Arc<Token>, now: Timestamp) -> bool {
    let ended = token.previous.is_some() && !lifecycle::overlap_lasts(token, now);
    if ended {
        Arc::make_mut(token).previous = None;
    }
    ended
}

/// A token with the value that was just issued for it. The value is told once and kept nowhere (R9).
#[derive(Debug)]
pub struct Issued {
    /// The token as it now is.
    pub view: View,
    /// The new value.
    pub value: Value,
    /// The generation of the value that was cancelled because nobody had used it (R5); `None` for none.
    pub cancelled_generation: Option<u32>,
}

/// Reads an id as a client sent it in this field. A text that is no id is the id of nothing.
pub(crate) fn token_id(field: &'static str, text: &str) -> Result<TokenId, Error> {
    TokenId::parse(text).ok_or(Error::NotFound { field })
}
