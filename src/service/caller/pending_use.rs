//! The use that a request makes of its caller's value (R14). It is recorded when the request first reads, or ends, and not when the caller
//! is authenticated: a request to retire a value must not count as a use of it (R15). Sockets, which last, record it at once.

use core::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::domain::id::TokenId;
use crate::domain::timestamp::Timestamp;
use crate::service::value_use::UseBuffer;

/// A use that may be yet to be recorded.
#[derive(Debug)]
pub(super) struct PendingUse {
    pub(super) uses: Arc<UseBuffer>,
    pub(super) at: Timestamp,
    /// Whether the value was not used before.
    pub(super) is_first: bool,
    pub(super) is_pending: AtomicBool,
}

impl PendingUse {
    /// Records the use of this value by a client at this address, with this `User-Agent` header, unless that was done.
    pub(super) fn record(&self, value: (TokenId, u32), address: Option<IpAddr>, user_agent: Option<&str>) {
        if self.is_pending.swap(false, Ordering::AcqRel) {
            self.uses.record(value, address, user_agent.map(str::as_bytes), self.at);
        }
    }

    /// It is not recorded any more.
    pub(super) fn forget(&self) {
        self.is_pending.store(false, Ordering::Release);
    }
}
