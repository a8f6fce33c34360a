//! Verifying from memory alone: at once, without waiting for anything and without a future.
//!
//! Separate, because a gateway asks about every request of its own clients, and nearly always about a value that was good a
//! moment ago. The rules are those of `present`; what is left out here is whatever would have to wait. Where there is any of
//! that (the database is to be asked, a first use or a refusal is to be written down) the answer is `None`, nothing has been done but
//! that a use was noted, and the same is asked again by the way that waits.

use std::sync::Arc;

use crate::domain::id::TokenId;
use crate::domain::restriction::Source;
use crate::domain::rule::authority::Authority;
use crate::domain::rule::lifecycle::{self, Standing};
use crate::domain::rule::verification::{self, RequiredScopes};
use crate::domain::timestamp::Timestamp;
use crate::domain::token::Permission;
use crate::domain::value::{PresentedValue, ValueHash};
use crate::service::caller::FirstUse;
use crate::service::verify::verified;
use crate::service::{Service, Verification};

use super::cache::Known;
use super::present::Presented;

impl Service {
    /// Verifies as [`Service::verify`] does the value that a visitor presents on its own behalf.
    pub fn verify_at_once(&self, presented: &str, required: &RequiredScopes, source: &Source) -> Option<Verification> {
        let now = self.now();
        verified(self.recall(presented, source, now)?, required, self.believed_until(now), now).ok()
    }

    /// Verifies as [`Service::verify_for`] does a value that somebody presented to a caller, who presents this one from
    /// there; and whose the caller's own value is, and as what it works.
    pub fn verify_for_at_once(
        &self,
        (caller, caller_source): (&str, &Source),
        presented: &str,
        required: &RequiredScopes,
        source: &Source,
    ) -> Option<(TokenId, Standing, Verification)> {
        let now = self.now();
        let Presented { token, judgement, .. } = self.recall(caller, caller_source, now)?;
        let id = token.id;
        Authority::of(&token).require(Permission::ApiTokenVerify).ok()?;
        let verification =
            verified(self.recall(presented, source, now)?, required, self.believed_until(now), now).ok()?;
        Some((id, judgement.ok()?, verification))
    }

    /// Judges a presented text that is remembered, good, and was used before.
    fn recall<'a>(&self, text: &'a str, source: &Source, now: Timestamp) -> Option<Presented<'a>> {
        let value = PresentedValue::parse(text).ok()?;
        let hash = value.hash();
        let mut known = self.remembered(&hash, now)?;
        let judgement = verification::judge(&known.token, known.generation, source, now);
        if judgement.is_err() {
            return None;
        }
        self.note_use(&hash, &mut known, now);
        self.forget_ended_overlap(&hash, &mut known, now);
        let Known { token, generation, .. } = known;
        let presented = Presented { value, hash, token, generation, judgement };
        (!FirstUse::of(&presented).is_pending()).then_some(presented)
    }

    /// A previous value whose overlap is over is of no more use. It is forgotten here once, and not left out of each answer by a copy of
    /// the whole token.
    fn forget_ended_overlap(&self, hash: &ValueHash, known: &mut Known, now: Timestamp) {
        if known.token.previous.is_some() && !lifecycle::overlap_lasts(&known.token, now) {
            Arc::make_mut(&mut known.token).previous = None;
            self.cache.remember(*hash, known.clone());
        }
    }
}
