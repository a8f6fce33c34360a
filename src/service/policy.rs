//! What the operator configures about tokens: limits, retention, what is recorded of clients, and the size of caches.

use std::time::Duration;

use crate::domain::token::Limits;
use crate::domain::value_use::AddressPrecision;

/// What the operator configures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The limits on what may be asked for.
    pub limits: Limits,
    /// How long audit events are kept, in minutes; `None` for forever.
    pub audit_retention_minutes: Option<u32>,
    /// How long a value is kept after it was retired, in minutes.
    pub retired_values_minutes: u32,
    /// For how long after it became overdue a token can be revived, in minutes; 0 for never (R3).
    pub revival_window_minutes: u32,
    /// How precisely the addresses of the users of values are recorded (R14).
    pub recorded_addresses: AddressPrecision,
    /// How many values are cached, or a tenth more; 0 for none.
    pub cached_values: u32,
    /// How many event streams and sockets may be open at once, of all tokens together.
    pub max_streams: u32,
    /// How many event streams and sockets may be open at once, of one token.
    pub max_streams_per_token: u32,
    /// How many refusals of values of a token, within an hour at one replica, are often enough to be announced; at least 1.
    pub announced_refusals: u32,
    /// How often the steps of campaigns are taken. A campaign ends so much later than its deadline, at most.
    pub campaign_interval: Duration,
}

impl Policy {
    /// The default number of cached values.
    pub const CACHED_VALUES: u32 = 100_000;
    /// The default retention of retired values, in minutes: 400 days.
    pub const RETIRED_VALUES_MINUTES: u32 = 400 * 24 * 60;
    /// The default policy.
    pub const DEFAULT: Self = Self {
        limits: Limits { max_lifetime_minutes: None, require_expiry: false, max_overlap_minutes: None },
        audit_retention_minutes: None,
        retired_values_minutes: Self::RETIRED_VALUES_MINUTES,
        revival_window_minutes: 0,
        recorded_addresses: AddressPrecision::Block,
        cached_values: Self::CACHED_VALUES,
        max_streams: 1_000,
        max_streams_per_token: 100,
        announced_refusals: 5,
        campaign_interval: Duration::from_secs(2),
    };
}

impl Default for Policy {
    fn default() -> Self {
        Self::DEFAULT
    }
}
