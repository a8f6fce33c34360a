//! Verification: whether a presented value works, and whose it is. Every result is data; it is an error only if the server could
//! not find out.

use futures_util::stream::{self, StreamExt, TryStreamExt};

use crate::domain::id::TokenId;
use crate::domain::invalid_input::InvalidInput;
use crate::domain::refusal::Refusal;
use crate::domain::restriction::Source;
use crate::domain::rule::authority::Authority;
use crate::domain::rule::freshness::fresh_seconds;
use crate::domain::rule::lifecycle::Standing;
use crate::domain::rule::lifecycle::due_soon::{Warnings, rotate_soon_by};
use crate::domain::rule::verification::{self, RequiredScopes, VerificationCode};
use crate::domain::timestamp::Timestamp;
use crate::domain::token::{Permission, Scope, Token, ValueFacts};

use super::judge::{FirstUse, Judged};
use super::{Caller, Error, RequestContext, Service, View};

/// How many values can be verified in one request.
pub const MAX_VERIFICATIONS: usize = 100;
/// How many of them are verified at the same time, so that a list does not take all connections to the database. A document may contain
/// several lists.
const AT_THE_SAME_TIME: usize = 8;

/// A value that a client sent to the caller, and what it must be valid for.
#[derive(Clone, PartialEq, Eq)]
pub struct VerifyRequest {
    /// The value as the client sent it.
    pub value: String,
    /// The scopes that the token must have.
    pub required: RequiredScopes,
    /// Where the client sent it from, as the caller reports it.
    pub source: Source,
}

impl VerifyRequest {
    /// Reads a request from the fields `requiredScopes` and `address`.
    ///
    /// # Errors
    /// The invalid field.
    pub fn parse(
        value: String,
        required_scopes: Option<&[String]>,
        address: Option<&str>,
        origin: Option<String>,
    ) -> Result<Self, Error> {
        let scopes = required_scopes.into_iter().flatten().map(String::as_str);
        let required = RequiredScopes::parse("requiredScopes", scopes)?;
        Ok(Self { value, required, source: Source::reported("address", address, origin)? })
    }
}

/// The result of a verification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verification {
    /// Whether the value works, and if not, why.
    pub code: VerificationCode,
    /// The token that has or had the value, also if the value was refused, so that the caller knows whose it was. `None` if no
    /// token has the value.
    pub token: Option<View>,
    /// Which value of the token was presented.
    pub generation: Option<u32>,
    /// The standing of the value; `None` if it does not work.
    pub standing: Option<Standing>,
    /// Why the value does not work, if it is the value of a token.
    pub refusal: Option<Refusal>,
    /// The required scopes that the token lacks; empty if the value itself does not work.
    pub missing_scopes: Vec<Scope>,
    /// When the token becomes overdue, if that is soon; see [`rotate_soon_by`].
    pub rotate_soon_by: Option<Timestamp>,
    /// For how many seconds a positive answer may be cached; see [`fresh_seconds`].
    pub fresh_seconds: u32,
}

impl Verification {
    /// The result for a text that is not the value of any token.
    const UNKNOWN: Self = Self {
        code: VerificationCode::Unauthenticated,
        token: None,
        generation: None,
        standing: None,
        refusal: None,
        missing_scopes: Vec::new(),
        rotate_soon_by: None,
        fresh_seconds: 0,
    };

    /// Whether the value works and has all required scopes.
    pub fn is_valid(&self) -> bool {
        self.code == VerificationCode::Valid
    }

    /// When the value stops working for good because another has replaced it. `None` for the current value, if the overlap has not
    /// started, and for a value that will not work again.
    pub fn retires_at(&self) -> Option<Timestamp> {
        if let Some(Refusal::BrownOut(brown_out)) = &self.refusal {
            return Some(brown_out.retires_at);
        }
        if let Some(Standing::Previous { retires_at, .. }) = self.standing { retires_at } else { None }
    }

    /// What the holder of the value should know ahead; `None` if it does not work.
    pub fn warnings(&self) -> Option<Warnings> {
        Some(Warnings { standing: self.standing?, rotate_soon_by: self.rotate_soon_by })
    }

    /// The latest time until which the value works; see [`verification::good_until`].
    pub fn good_until(&self) -> Option<Timestamp> {
        verification::good_until(&self.token.as_ref()?.token, self.standing?)
    }

    /// The facts about the value that was presented.
    pub fn value(&self) -> Option<&ValueFacts> {
        self.token.as_ref()?.token.value(self.generation?)
    }
}

impl Service {
    /// Verifies a value for the client that presents it. The answer contains only what belongs to that client, so no permission is
    /// needed.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn verify(
        &self,
        presented: &str,
        required: &RequiredScopes,
        context: &RequestContext<'_>,
    ) -> Result<Verification, Error> {
        let now = self.now();
        self.verify_at(presented, required, context, now).await
    }

    /// As [`Service::verify`], without waiting; `None` if it has to wait, or if the value is not valid.
    pub fn try_verify(
        &self,
        presented: &str,
        required: &RequiredScopes,
        context: &RequestContext<'_>,
    ) -> Option<Verification> {
        let now = self.now();
        let judged = self.try_judge(presented, &context.source, now)?;
        let value = judged.presented();
        // Of any other, the one that waits makes the answer, counts it and records the use.
        let verification = self.verified(Some(judged), required, now).ok().filter(Verification::is_valid)?;
        self.record_value_use(value, (&context.source, context.user_agent), now);
        self.counts.verified_at_once();
        Some(verification)
    }

    /// Verifies a value that another client presented to the caller, from this source. Needs `API_TOKEN_VERIFY`.
    ///
    /// # Errors
    /// When the caller may not, or the database fails.
    pub async fn verify_for(
        &self,
        caller: &Caller,
        presented: &str,
        required: &RequiredScopes,
        source: Source,
    ) -> Result<Verification, Error> {
        let now = self.now();
        let own = self.own_token(caller, now).await?;
        must_verify(&own)?;
        // The user agent of this request is the caller's, and not that of the client that presented the value.
        let context = RequestContext { source, user_agent: None, request_id: caller.provenance().request_id };
        self.verify_at(presented, required, &context, now).await
    }

    /// As [`Service::verify_for`], for 1 to [`MAX_VERIFICATIONS`] values that the input has in this field. The results have the order of
    /// the requests.
    ///
    /// # Errors
    /// When one of the requests is invalid, before any value is verified; when the caller may not, or the database fails.
    pub async fn verify_many_for(
        &self,
        caller: &Caller,
        field: &'static str,
        requests: impl ExactSizeIterator<Item = Result<VerifyRequest, Error>>,
    ) -> Result<Vec<Verification>, Error> {
        if !(1..=MAX_VERIFICATIONS).contains(&requests.len()) {
            let message = format!("{field} must have 1 to {MAX_VERIFICATIONS} items.");
            return Err(InvalidInput::new(field, message).into());
        }
        let requests =
            requests.zip(1..).map(|(request, number): (_, u32)| request.map_err(|err| of_item(err, field, number)));
        let requests = requests.collect::<Result<Vec<_>, Error>>()?;
        let now = self.now();
        let own = self.own_token(caller, now).await?;
        must_verify(&own)?;
        let request_id = caller.provenance().request_id;
        let verifications = requests.into_iter().map(|VerifyRequest { value, required, source }| async move {
            let context = RequestContext { source, user_agent: None, request_id };
            self.verify_at(&value, &required, &context, now).await
        });
        stream::iter(verifications).buffered(AT_THE_SAME_TIME).try_collect().await
    }

    /// As [`Service::verify_for`], without waiting, for a caller that presents a value in this request. `may_ask` is whether the holder
    /// of this token may ask at all. Returns what the caller should know ahead, and the verification; `None` if it has to wait, or if one
    /// of the two values does not work.
    pub fn try_verify_for(
        &self,
        (caller, caller_context): (&str, &RequestContext<'_>),
        may_ask: impl FnOnce(TokenId) -> bool,
        presented: &str,
        required: &RequiredScopes,
        source: &Source,
    ) -> Option<(Warnings, Verification)> {
        let now = self.now();
        let own = self.try_judge(caller, &caller_context.source, now)?;
        must_verify(&own.token).ok().filter(|()| may_ask(own.token.id))?;
        let (own_value, warnings) = (own.presented(), Warnings::of(&own.token, own.outcome.ok()?, now));
        let judged = self.try_judge(presented, source, now)?;
        let value = judged.presented();
        let verification = self.verified(Some(judged), required, now).ok()?;
        self.record_value_use(own_value, (&caller_context.source, caller_context.user_agent), now);
        // The user agent of the request is the caller's.
        self.record_value_use(value, (source, None), now);
        self.counts.verified_for_caller_at_once(verification.code);
        Some((warnings, verification))
    }

    async fn verify_at(
        &self,
        presented: &str,
        required: &RequiredScopes,
        context: &RequestContext<'_>,
        now: Timestamp,
    ) -> Result<Verification, Error> {
        let judged = self.judge(presented, context, FirstUse::Write, now).await;
        let verified = judged.and_then(|judged| self.verified(judged, required, now));
        self.counts.verified(verified.as_ref().map(|verification| verification.code));
        verified
    }

    /// The verification of a value that was judged at this time, if these scopes are required.
    fn verified(
        &self,
        judged: Option<Judged<'_>>,
        required: &RequiredScopes,
        now: Timestamp,
    ) -> Result<Verification, Error> {
        let Some(Judged { token, generation, outcome, .. }) = judged else { return Ok(Verification::UNKNOWN) };
        let (code, outcome, missing_scopes) = match outcome {
            Ok(standing) => {
                let missing = required.missing_from(&token.settings.scopes);
                let code = if missing.is_empty() { VerificationCode::Valid } else { VerificationCode::ScopeMissing };
                (code, Ok(standing), missing)
            }
            Err(refusal) => (VerificationCode::of(&refusal).ok_or(refusal.clone())?, Err(refusal), Vec::new()),
        };
        let (standing, refusal) = (outcome.as_ref().ok().copied(), outcome.err());
        let trusted_until = self.trusted_until(now);
        let fresh_seconds = standing.map_or(0, |standing| {
            fresh_seconds(standing, verification::good_until(&token, standing), trusted_until, now)
        });
        let rotate_soon_by = standing.and_then(|_| rotate_soon_by(&token, now));
        let (token, generation) = (Some(View::new(token, now)), Some(generation));
        Ok(Verification { code, token, generation, standing, refusal, missing_scopes, rotate_soon_by, fresh_seconds })
    }
}

/// The error of the item with this number of a list, which the message then names.
fn of_item(err: Error, list: &str, number: u32) -> Error {
    match err {
        Error::Invalid(InvalidInput { field, message }) => {
            InvalidInput::new(field, format!("Item {number} of {list}: {message}")).into()
        }
        err => err,
    }
}

/// Checks that the holder of this token may verify values that other clients presented.
fn must_verify(token: &Token) -> Result<(), Refusal> {
    Authority::of(token).require(Permission::ApiTokenVerify)
}
