//! Limits the number of event streams and sockets: each takes memory, and is woken by every change, as long as it is open.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::domain::id::TokenId;
use crate::service::Error;

/// The open streams, counted for each token.
#[derive(Debug, Default)]
pub(crate) struct Streams(Mutex<Open>);

#[derive(Debug, Default)]
struct Open {
    total: u32,
    per_token: HashMap<TokenId, u32>,
}

/// Permits one open stream, until this is dropped.
#[derive(Debug)]
pub struct StreamPermit {
    streams: Arc<Streams>,
    token_id: TokenId,
}

impl Streams {
    /// How many are open.
    pub(crate) fn count(&self) -> u32 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).total
    }

    /// A permit for one more stream of this token.
    pub(super) fn open(
        self: &Arc<Self>,
        token_id: TokenId,
        max: u32,
        max_per_token: u32,
    ) -> Result<StreamPermit, Error> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if open.per_token.get(&token_id).is_some_and(|count| *count >= max_per_token) || max_per_token == 0 {
            return Err(Error::TooManyStreams { max_per_token });
        }
        if open.total >= max {
            return Err(Error::NoMoreStreams);
        }
        open.total += 1;
        *open.per_token.entry(token_id).or_default() += 1;
        Ok(StreamPermit { streams: self.clone(), token_id })
    }
}

impl Drop for StreamPermit {
    fn drop(&mut self) {
        let mut open = self.streams.0.lock().unwrap_or_else(PoisonError::into_inner);
        open.total -= 1;
        if let Some(count) = open.per_token.get_mut(&self.token_id) {
            *count -= 1;
            if *count == 0 {
                open.per_token.remove(&self.token_id);
            }
        }
    }
}
