//! `rotateAPITokens`: its input and its output.

use async_graphql::{InputObject, SimpleObject};

use crate::domain::listing::Order;
use crate::domain::reason::ReasonDraft;
use crate::graphql::engine::ready::{Ready, ReadyList};
use crate::graphql::error::log_and_describe;
use crate::service::{Error, PageRequest, RotateManyRequest, RotationOutcome, Rotations};

use crate::graphql::schema::types::leaf::error_code::ErrorCode;
use crate::graphql::schema::types::page_info::PageInfo;
use crate::graphql::schema::types::token::api_token::ApiToken;
use crate::graphql::schema::types::token::input::ApiTokenFilter;

/// Which API tokens to rotate, and how.
#[derive(InputObject)]
#[graphql(name = "RotateAPITokensInput")]
pub(crate) struct RotateApiTokensInput {
    /// Which API tokens: at least one condition, and no empty text. Those that are revoked, expired or overdue are left out.
    filter: ApiTokenFilter,
    /// Whether to change nothing, and only say what would be done. Begin with true.
    dry_run: bool,
    /// How many, 1 to 50; 25 if left out.
    first: Option<i32>,
    /// Only API tokens after this cursor: the `endCursor` of the answer before.
    after: Option<String>,
    /// A shorter overlap for these rotations, in minutes. With 0, the old values stop working at once, as you want if they leaked.
    /// An API token whose own overlap is shorter than this is refused.
    overlap_minutes: Option<i32>,
    /// Whether the old values fail again and again for some seconds during the last quarter of the overlap, with the code
    /// `BROWN_OUT`, so that forgotten clients are noticed while they still recover. Only once the new value is used.
    brown_out: Option<bool>,
    /// With an `overlapMinutes` of 0: whether to rotate also those whose old value was used within their `silentMinutes`.
    /// Without, they are refused with `STILL_IN_USE`. Set it to true if the values leaked.
    force: Option<bool>,
    /// Your name for these rotations: 1 to 255 printable ASCII characters. If you repeat the request with the same key, the
    /// same value of yours and the same cursor, you get the same new value of each again, until it is first used or its overlap
    /// ends. Takes precedence over the `Idempotency-Key` header.
    idempotency_key: Option<String>,
    /// Why, for the audit log: one line of 1 to 255 characters.
    reason: Option<String>,
    /// Where the evidence is, for the audit log: an address with `https` or `http`, of at most 2,000 characters, without a
    /// name and a password.
    #[graphql(name = "evidenceURL")]
    evidence_url: Option<String>,
}

impl RotateApiTokensInput {
    /// The request for the use case.
    ///
    /// # Errors
    /// When a condition is invalid, or an id malformed.
    pub(crate) fn read(self) -> Result<RotateManyRequest, Error> {
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
        let filter = filter.read()?;
        let page = PageRequest { first, after, last: None, before: None, filter, order: Order::default() };
        let reason = ReasonDraft { text: reason, evidence_url };
        let (brown_out, force) = (brown_out.unwrap_or_default(), force.unwrap_or_default());
        Ok(RotateManyRequest { page, dry_run, overlap_minutes, brown_out, force, idempotency_key, reason })
    }
}

/// The answer to `rotateAPITokens`.
#[derive(SimpleObject)]
#[graphql(name = "RotateAPITokensOutput", serial)]
pub(crate) struct RotateApiTokensOutput {
    /// One for each API token that the filter matches, oldest first.
    rotations: ReadyList<Ready<ApiTokenRotation>>,
    /// Where these are among all that match. As long as `hasNextPage` is true, repeat the request with `endCursor` as `after`.
    page_info: Ready<PageInfo>,
}

/// What happened to one API token of several. In a dry run: what would happen.
#[derive(SimpleObject)]
#[graphql(name = "APITokenRotation", serial)]
pub(crate) struct ApiTokenRotation {
    /// The API token. If it was rotated, its new `value` is shown here and never again.
    token: Ready<ApiToken>,
    /// The generation of the unused value that this rotation cancelled: the answer with it was lost, or you rotated twice. A
    /// cancelled value no longer works. Null if none was cancelled.
    cancelled_generation: Option<u32>,
    /// Why it was not rotated; null if it was.
    refusal: Option<ErrorCode>,
    /// Why it was not rotated, and what to do, for people; null if it was.
    message: Option<String>,
    /// If it was not rotated: after how many seconds the same request may succeed, if that is known.
    retry_after_seconds: Option<u32>,
}

impl From<RotationOutcome> for ApiTokenRotation {
    fn from(outcome: RotationOutcome) -> Self {
        let (token, cancelled_generation, refused) = match outcome {
            RotationOutcome::Rotated(issued) => {
                let cancelled_generation = issued.cancelled_generation;
                (ApiToken::from(issued), cancelled_generation, None)
            }
            RotationOutcome::WouldRotate(view) => (view.into(), None, None),
            RotationOutcome::Refused(view, err) => (view.into(), None, Some(log_and_describe(&err))),
        };
        Self {
            token: token.into(),
            cancelled_generation,
            refusal: refused.as_ref().map(|refused| refused.code.into()),
            retry_after_seconds: refused.as_ref().and_then(|refused| refused.retry_after_seconds),
            message: refused.map(|refused| refused.message),
        }
    }
}

impl From<Rotations> for RotateApiTokensOutput {
    fn from(Rotations { page, outcomes }: Rotations) -> Self {
        let page_info = PageInfo::of(&page).into();
        Self { rotations: outcomes.into_iter().map(|it| ApiTokenRotation::from(it).into()).collect(), page_info }
    }
}
