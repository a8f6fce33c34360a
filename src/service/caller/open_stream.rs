//! A place among the event streams and sockets, taken for a caller.

use crate::service::{Caller, Error, Service, StreamPermit};

impl Service {
    /// A place for one more event stream or socket of the caller's token.
    ///
    /// # Errors
    /// When the token, or all tokens together, have as many as they may.
    pub fn open_stream(&self, caller: &Caller) -> Result<StreamPermit, Error> {
        self.streams.open(caller.token_id(), self.policy.max_streams, self.policy.max_streams_per_token)
    }
}
