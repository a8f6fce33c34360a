//! Opening an event stream or socket for a caller, within the limits.

use crate::service::{Caller, Error, Service, StreamPermit};

impl Service {
    /// A permit for one more event stream or socket of the caller's token.
    ///
    /// # Errors
    /// When the token, or all tokens together, have reached the limit.
    pub fn open_stream(&self, caller: &Caller) -> Result<StreamPermit, Error> {
        self.streams.open(caller.token_id(), self.policy.max_streams, self.policy.max_streams_per_token)
    }
}
