//! What a caller asks for when it rotates a token.

use crate::domain::invalid_input::InvalidInput;
use crate::domain::reason::ReasonDraft;
use crate::domain::rule::rotation::Overlap;
use crate::domain::token::Token;

/// A request for a rotation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RotateRequest {
    /// The id of the token; the caller's own if none is given.
    pub id: Option<String>,
    /// A shorter overlap for this rotation, in minutes (R4).
    pub overlap_minutes: Option<i32>,
    /// Whether the replaced value has brown-outs towards the end of its overlap.
    pub brown_out: bool,
    /// Whether to cut off a value that is in use, if no overlap is asked for (R15).
    pub force: bool,
    /// The caller's name for this rotation, by which a repeated request gets the same answer (R6).
    pub idempotency_key: Option<String>,
    /// Why it is rotated.
    pub reason: ReasonDraft,
    /// Whether to refuse a token without a rotation period, as `/rotatetoken` does.
    pub require_period: bool,
}

impl RotateRequest {
    /// The overlap that it asks for.
    pub(in crate::service::token) fn overlap(&self, token: &Token) -> Result<Overlap, InvalidInput> {
        Overlap::of(&token.settings, self.overlap_minutes)?.with_brown_outs(self.brown_out)
    }
}
