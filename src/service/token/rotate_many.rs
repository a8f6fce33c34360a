//! `rotateAPITokens`: rotating all tokens that match a filter, a page at a time, by a caller that may learn their values.

use futures_util::stream::{self, StreamExt};

use crate::domain::invalid_input::InvalidInput;
use crate::domain::listing::DEFAULT_PAGE_SIZE;
use crate::domain::reason::ReasonDraft;
use crate::domain::refusal::Refusal;
use crate::domain::rule::authority::Authority;
use crate::domain::rule::lifecycle::Status;
use crate::domain::rule::rotation::{Plan, Repeatable, Rotator};
use crate::domain::timestamp::Timestamp;
use crate::domain::token::{Permission, Token};
use crate::domain::value::derivation::IdempotencyKey;
use crate::service::{Caller, Connection, Error, Issued, PageRequest, RotateRequest, Service, View};

/// The most tokens of a page. Each answer has a value that is shown once, so a page is smaller than others: less is lost with it.
pub const MAX_ROTATIONS: i32 = 50;

/// How many are rotated at the same time, so that a page does not take all connections to the database.
const AT_THE_SAME_TIME: usize = 8;

/// Tokens with these statuses are left out: no value of them will ever work again by a rotation.
const LEFT_OUT: [Status; 3] = [Status::Revoked, Status::Expired, Status::RotationOverdue];

/// Which tokens to rotate, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RotateManyRequest {
    /// The page of tokens.
    pub page: PageRequest,
    /// Whether to change nothing, and only say what would be done.
    pub dry_run: bool,
    /// See [`RotateRequest::overlap_minutes`].
    pub overlap_minutes: Option<i32>,
    /// See [`RotateRequest::brown_out`].
    pub brown_out: bool,
    /// See [`RotateRequest::force`].
    pub force: bool,
    /// The caller's name for this request. Each value is derived from it and from its token, so it identifies one rotation of each (R6).
    pub idempotency_key: Option<String>,
    /// Why, for the audit log.
    pub reason: ReasonDraft,
}

/// What was done with a page of tokens.
#[derive(Debug)]
pub struct Rotations {
    /// The page. Its tokens are in the outcomes.
    pub page: Connection,
    /// What was done with each token, in the order of the page.
    pub outcomes: Vec<RotationOutcome>,
}

/// What was done with one token.
#[derive(Debug)]
pub enum RotationOutcome {
    /// It was rotated.
    Rotated(Issued),
    /// In a dry run: it would be rotated.
    WouldRotate(View),
    /// It was not rotated, or in a dry run would not be.
    Refused(View, Error),
}

impl Service {
    /// Rotates the tokens of a page, each as [`Service::rotate`] does by its id, with an event each in the audit log. Needs
    /// `API_TOKEN_READ`, `API_TOKEN_MODIFY` and, for each token, all that it holds (R11). The caller's own token is never rotated: with
    /// its value, the pages that follow are asked for, and the answer is derived (R6).
    ///
    /// Once a value was issued, a failure that follows is an outcome of the tokens that it concerns: the answer shows the value, and it is
    /// the only one that does.
    ///
    /// # Errors
    /// When the caller may not, an argument is invalid, the filter has no condition, or nothing was rotated because the database fails or
    /// the caller's own token stopped working.
    pub async fn rotate_many(&self, caller: &Caller, request: RotateManyRequest) -> Result<Rotations, Error> {
        let RotateManyRequest { mut page, dry_run, overlap_minutes, brown_out, force, idempotency_key, reason } =
            request;
        reason.clone().validate()?;
        let key = idempotency_key.as_deref().map(IdempotencyKey::parse).transpose()?;
        if page.first.is_some_and(|first| !(1..=MAX_ROTATIONS).contains(&first)) {
            let message = format!("A page has 1 to {MAX_ROTATIONS} rotations; the default is {DEFAULT_PAGE_SIZE}.");
            return Err(InvalidInput::new("first", message).into());
        }
        page.filter = page.filter.for_change(&LEFT_OUT)?;
        let now = self.now();
        let own = self.own_token(caller, now).await?;
        let authority = Authority::of(&own);
        authority.require(Permission::ApiTokenModify)?;
        let mut page = self.list(caller, page).await?;
        let rotate =
            RotateRequest { overlap_minutes, brown_out, force, idempotency_key, reason, ..RotateRequest::default() };
        let repeatable = key.as_ref().map(|key| Repeatable { presented: caller.presented(), key });
        let (authority, rotate) = (&authority, &rotate);
        let outcomes = std::mem::take(&mut page.views).into_iter().map(|view| async move {
            if authority.is_of(view.token.id) {
                let message = "A filter does not rotate your own API token. Rotate it by its id.";
                return RotationOutcome::Refused(view, Refusal::Forbidden(message.to_owned()).into());
            }
            if dry_run {
                return match self.check_rotation(caller, authority, &view.token, rotate, repeatable, now).await {
                    Ok(()) => RotationOutcome::WouldRotate(view),
                    Err(err) => RotationOutcome::Refused(view, err),
                };
            }
            let request = RotateRequest { id: Some(view.token.id.to_string()), ..rotate.clone() };
            match self.rotate(caller, &request).await {
                Ok(issued) => RotationOutcome::Rotated(issued),
                Err(err) => RotationOutcome::Refused(view, err),
            }
        });
        let outcomes: Vec<_> = stream::iter(outcomes).buffered(AT_THE_SAME_TIME).collect().await;
        let outcomes = self.attribute(caller, outcomes).await?;
        Ok(Rotations { page, outcomes })
    }

    /// The rules of a rotation by another caller, as far as the listed token can tell.
    async fn check_rotation(
        &self,
        caller: &Caller,
        authority: &Authority<'_>,
        token: &Token,
        request: &RotateRequest,
        repeatable: Option<Repeatable<'_>>,
        now: Timestamp,
    ) -> Result<(), Error> {
        authority.require_to_rotate(token)?;
        let overlap = request.overlap(token)?;
        let Plan::Issue(rotation) = self.plan(token, Rotator::Other, overlap, repeatable, now)? else { return Ok(()) };
        if request.force {
            return Ok(());
        }
        let cut_off: Vec<_> = overlap.cut_off(token, &rotation).collect();
        match self.still_in_use(token, &cut_off, now).await? {
            Some(err) => Err(self.name_users(caller, token.id, err).await),
            None => Ok(()),
        }
    }

    /// The outcomes, with the end of the caller's own token, which is the end of the request, kept apart from refusals of the tokens.
    async fn attribute(
        &self,
        caller: &Caller,
        mut outcomes: Vec<RotationOutcome>,
    ) -> Result<Vec<RotationOutcome>, Error> {
        let issued = outcomes.iter().any(|outcome| matches!(outcome, RotationOutcome::Rotated(_)));
        if outcomes.iter().any(|outcome| matches!(outcome, RotationOutcome::Refused(_, err) if may_be_of_caller(err)))
            && let Err(ended) = self.own_token(caller, self.now()).await
        {
            if !issued {
                return Err(ended);
            }
            for outcome in &mut outcomes {
                if let RotationOutcome::Refused(_, err) = outcome
                    && may_be_of_caller(err)
                {
                    let message = "Your own API token stopped working during this request.";
                    *err = Refusal::Forbidden(message.to_owned()).into();
                }
            }
        }
        let is_failure = |outcome: &RotationOutcome| match outcome {
            RotationOutcome::Refused(_, err) => is_failure(err),
            RotationOutcome::Rotated(_) | RotationOutcome::WouldRotate(_) => false,
        };
        if !issued
            && let Some(failed) = outcomes.iter().position(is_failure)
            && let RotationOutcome::Refused(_, err) = outcomes.swap_remove(failed)
        {
            return Err(err);
        }
        Ok(outcomes)
    }
}

/// Whether this may say why a value does not work: that of the caller, or the current one of the token.
fn may_be_of_caller(err: &Error) -> bool {
    match err {
        Error::Unauthenticated => true,
        Error::Refused(refusal) => match refusal {
            Refusal::TokenExpired
            | Refusal::TokenRevoked
            | Refusal::TokenSuspended
            | Refusal::NotYetValid
            | Refusal::RotationOverdue
            | Refusal::ValueRetired
            | Refusal::BrownOut(_)
            | Refusal::RotationConflict { .. }
            | Refusal::AddressRefused
            | Refusal::OriginRefused => true,
            Refusal::NotOverdue
            | Refusal::RevivalTooLate
            | Refusal::ValueSuperseded
            | Refusal::IdempotencyKeyReused
            | Refusal::NoRotationPeriod
            | Refusal::TokenProtected
            | Refusal::Forbidden(_) => false,
        },
        _ => false,
    }
}

/// Whether the server failed, which is about no token.
fn is_failure(err: &Error) -> bool {
    !matches!(err, Error::Refused(_) | Error::NotFound { .. } | Error::StillInUse(_) | Error::Invalid(_))
}
