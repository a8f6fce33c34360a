//! What the operator decides about tokens and what is kept of them.

use crate::domain::token::Limits;

/// What the operator decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The limits on what may be asked for.
    pub limits: Limits,
    /// For how long audit events are kept, in minutes; `None` for ever.
    pub audit_retention_minutes: Option<u32>,
    /// For how long a value is kept after it was retired, in minutes.
    pub retired_values_minutes: u32,
    /// How many verified values are remembered, a tenth more at most; 0 for none.
    pub cached_values: u32,
    /// How many event streams and sockets there may be at once, of all tokens together.
    pub max_streams: u32,
    /// How many of one token.
    pub max_streams_per_token: u32,
}

impl Policy {
    /// How many verified values are remembered where the operator says nothing.
    pub const CACHED_VALUES: u32 = 100_000;
    /// For how many minutes retired values are kept where the operator says nothing: 400 days.
    pub const RETIRED_VALUES_MINUTES: u32 = 400 * 24 * 60;
    /// Where the operator says nothing.
    pub const DEFAULT: Self = Self {
        limits: Limits { max_lifetime_minutes: None, require_expiry: false, max_overlap_minutes: None },
        audit_retention_minutes: None,
        retired_values_minutes: Self::RETIRED_VALUES_MINUTES,
        cached_values: Self::CACHED_VALUES,
        max_streams: 1_000,
        max_streams_per_token: 100,
    };
}

impl Default for Policy {
    fn default() -> Self {
        Self::DEFAULT
    }
}
