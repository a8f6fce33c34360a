//! The input of rotating many tokens.

use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::domain::reason::ReasonDraft;
use crate::http::rejection::Rejection;
use crate::http::rest::input::{Fields, FilterInput, Input, input, read_filter};
use crate::service::{PageRequest, RotateManyRequest};

input! {
    /// Which API tokens to rotate, and how.
    #[derive(ToSchema)]
    #[schema(as = RotateAPITokensInput)]
    RotateManyInput with schema {
        /// Which API tokens: at least one condition.
        "filter" => filter: Map<String, Value> as FilterInput,
        /// Whether to change nothing, and only say what would be done. Begin with `true`.
        "dryRun" => dry_run: bool as bool,
        /// How many, 1 to 50; 25 if left out.
        "first" => first: Option<i32> as Option<i32>,
        /// Only those after this cursor: the `endCursor` of the response before.
        "after" => after: Option<String> as Option<String>,
        /// A shorter overlap for these rotations, in minutes. With 0, the old values are retired at once, as you want if they leaked. An
        /// API token whose own overlap is shorter than this is refused.
        "overlapMinutes" => overlap_minutes: Option<i32> as Option<i32>,
        /// Whether the old values fail again and again for some seconds during the last quarter of the overlap, with the code `BROWN_OUT`,
        /// so that forgotten clients are noticed while they still recover. Only once the new value is used.
        "brownOut" => brown_out: Option<bool> as Option<bool>,
        /// With an `overlapMinutes` of 0: whether to rotate also those whose old value was used within their `silentMinutes`. Without,
        /// they are refused with `STILL_IN_USE`. Set it to true if the values leaked.
        "force" => force: Option<bool> as Option<bool>,
        /// A key for these rotations: 1 to 255 printable ASCII characters. The same request with the same key, the same value of the caller
        /// and the same cursor returns the same new value of each again, until it is first used or its overlap ends. Takes precedence
        /// over the `Idempotency-Key` header.
        "idempotencyKey" => idempotency_key: Option<String> as Option<String>,
        /// Why, for the audit log: one line of 1 to 255 characters.
        "reason" => reason: Option<String> as Option<String>,
        /// Where the evidence is, for the audit log: an address with `https` or `http`, without a name and a password.
        "evidenceURL" => evidence_url: Option<String> as Option<String>,
    }
}

impl RotateManyInput {
    /// The request for the use case.
    ///
    /// # Errors
    /// When a condition is invalid, or an id malformed.
    pub(super) fn read(self, hides_names: bool) -> Result<RotateManyRequest, Rejection> {
        let Self {
            filter,
            dry_run,
            first,
            after,
            overlap_minutes,
            brown_out,
            force,
            idempotency_key,
            reason,
            evidence_url,
        } = self;
        let page = PageRequest { first, after, filter: read_filter(filter, hides_names)?, ..PageRequest::default() };
        let reason = ReasonDraft { text: reason, evidence_url };
        let (brown_out, force) = (brown_out.unwrap_or_default(), force.unwrap_or_default());
        Ok(RotateManyRequest { page, dry_run, overlap_minutes, brown_out, force, idempotency_key, reason })
    }
}
