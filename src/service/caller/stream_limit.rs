//! How many event streams and sockets there may be: each takes memory and is asked about every change, for as long as it lasts.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::domain::id::TokenId;
use crate::service::Error;

/// Those that are open, by the tokens that opened them.
#[derive(Debug, Default)]
pub(crate) struct Streams(Mutex<Open>);

#[derive(Debug, Default)]
struct Open {
    of_all: u32,
    of: HashMap<TokenId, u32>,
}

/// The place of one that is open, until this is dropped.
#[derive(Debug)]
pub struct StreamPermit {
    streams: Arc<Streams>,
    token_id: TokenId,
}

impl Streams {
    /// A place for one more, of this token.
    pub(super) fn open(
        self: &Arc<Self>,
        token_id: TokenId,
        max: u32,
        max_per_token: u32,
    ) -> Result<StreamPermit, Error> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if open.of.get(&token_id).is_some_and(|count| *count >= max_per_token) || max_per_token == 0 {
            return Err(Error::TooManyStreams { max_per_token });
        }
        if open.of_all >= max {
            return Err(Error::NoMoreStreams);
        }
        open.of_all += 1;
        *open.of.entry(token_id).or_default() += 1;
        Ok(StreamPermit { streams: self.clone(), token_id })
    }
}

impl Drop for StreamPermit {
    fn drop(&mut self) {
        let mut open = self.streams.0.lock().unwrap_or_else(PoisonError::into_inner);
        open.of_all -= 1;
        if let Some(count) = open.of.get_mut(&self.token_id) {
            *count -= 1;
            if *count == 0 {
                open.of.remove(&self.token_id);
            }
        }
    }
}
