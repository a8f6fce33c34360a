//! Verifying: whether a presented value is good here and now, and whose it is. What comes of it is data; only what kept the
//! server from finding out is an error.

use crate::domain::id::TokenId;
use crate::domain::refusal::Refusal;
use crate::domain::restriction::Source;
use crate::domain::rule::authority::Authority;
use crate::domain::rule::freshness::fresh_seconds;
use crate::domain::rule::lifecycle::Standing;
use crate::domain::rule::verification::{self, RequiredScopes, VerificationCode};
use crate::domain::timestamp::Timestamp;
use crate::domain::token::{Permission, Scope, Token, ValueFacts};

use super::judge::{FirstUse, Judged};
use super::{Caller, Error, RequestContext, Service, View};

/// What came of a verification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verification {
    /// Whether the value is good, and if not, why.
    pub code: VerificationCode,
    /// The token that has or had the value, whatever came of it: whoever is refused with a dead token's value needs to know
    /// whose it was. `None` for a text that is the value of no token.
    pub token: Option<View>,
    /// Which value of the token was presented.
    pub generation: Option<u32>,
    /// As what the value works; `None` for one that does not.
    pub standing: Option<Standing>,
    /// The scopes that the token lacks of those asked for; empty where the value itself is no good.
    pub missing_scopes: Vec<Scope>,
    /// For how many seconds the answer may be kept where it is that the value is good; see [`fresh_seconds`].
    pub fresh_seconds: u32,
}

impl Verification {
    /// That of a text that is the value of no token.
    const UNKNOWN: Self = Self {
        code: VerificationCode::Unauthenticated,
        token: None,
        generation: None,
        standing: None,
        missing_scopes: Vec::new(),
        fresh_seconds: 0,
    };

    /// Whether the value is good for all that was asked.
    pub fn is_valid(&self) -> bool {
        self.code == VerificationCode::Valid
    }

    /// When the value stops working because another has replaced it; `None` for the current value, while its overlap has not
    /// begun, and for one that does not work.
    pub fn retires_at(&self) -> Option<Timestamp> {
        if let Some(Standing::Previous { retires_at, .. }) = self.standing { retires_at } else { None }
    }

    /// Until when the value works at the longest; see [`verification::good_until`].
    pub fn good_until(&self) -> Option<Timestamp> {
        verification::good_until(&self.token.as_ref()?.token, self.standing?)
    }

    /// The facts about the value that was presented.
    pub fn value(&self) -> Option<&ValueFacts> {
        self.token.as_ref()?.token.value(self.generation?)
    }
}

impl Service {
    /// Verifies the value that a visitor presents on its own behalf. It is told nothing but what is its own, so it needs no
    /// permission.
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
        let judged = self.judge(presented, context, FirstUse::Write, now).await?;
        self.verified(judged, required, now)
    }

    /// Verifies as [`Service::verify`] does, without waiting: `None` where it has to wait, or where the value does not work.
    pub fn try_verify(&self, presented: &str, required: &RequiredScopes, source: &Source) -> Option<Verification> {
        let now = self.now();
        self.verified(Some(self.try_judge(presented, source, now)?), required, now).ok()
    }

    /// Verifies a value that somebody else presented to the caller, from this source. Needs `API_TOKEN_VERIFY`.
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
        // The program that sent this request is the caller's, and not the one that the value came from.
        let context = RequestContext { source, user_agent: None, request_id: caller.provenance().request_id };
        let judged = self.judge(presented, &context, FirstUse::Write, now).await?;
        self.verified(judged, required, now)
    }

    /// Verifies as [`Service::verify_for`] does, without waiting, for a caller who presents this value from there: whose that is,
    /// as what it works, and the verification. `None` where it has to wait, or where one of the values does not work.
    pub fn try_verify_for(
        &self,
        (caller, caller_source): (&str, &Source),
        presented: &str,
        required: &RequiredScopes,
        source: &Source,
    ) -> Option<(TokenId, Standing, Verification)> {
        let now = self.now();
        let Judged { token, judgement, .. } = self.try_judge(caller, caller_source, now)?;
        must_verify(&token).ok()?;
        let verification = self.verified(Some(self.try_judge(presented, source, now)?), required, now).ok()?;
        Some((token.id, judgement.ok()?, verification))
    }

    /// What comes of a value that was judged at this moment, where these scopes are required.
    fn verified(
        &self,
        judged: Option<Judged<'_>>,
        required: &RequiredScopes,
        now: Timestamp,
    ) -> Result<Verification, Error> {
        let Some(Judged { token, generation, judgement, .. }) = judged else { return Ok(Verification::UNKNOWN) };
        let (code, standing, missing_scopes) = match judgement {
            Ok(standing) => {
                let missing = required.missing_from(&token.settings.scopes);
                let code = if missing.is_empty() { VerificationCode::Valid } else { VerificationCode::ScopeMissing };
                (code, Some(standing), missing)
            }
            Err(refusal) => (VerificationCode::of(&refusal).ok_or(refusal)?, None, Vec::new()),
        };
        let trusted_until = self.trusted_until(now);
        let fresh_seconds = standing.map_or(0, |standing| {
            fresh_seconds(standing, verification::good_until(&token, standing), trusted_until, now)
        });
        let (token, generation) = (Some(View::new(token, now)), Some(generation));
        Ok(Verification { code, token, generation, standing, missing_scopes, fresh_seconds })
    }
}

/// Whether the holder of this token may ask about values that others presented to them.
fn must_verify(token: &Token) -> Result<(), Refusal> {
    Authority::of(token).require(Permission::ApiTokenVerify)
}
