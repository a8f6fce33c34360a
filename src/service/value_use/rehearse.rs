//! `rehearseAPITokenRetirement`: who would be cut off if a value were retired now. Nothing changes.

use crate::domain::invalid_input::InvalidInput;
use crate::domain::rule::authority::Authority;
use crate::domain::rule::lifecycle::silence::{InUse, in_use};
use crate::domain::rule::lifecycle::{overlap_lasts, standing};
use crate::domain::rule::rotation::{Rotator, cut_off_without_overlap};
use crate::domain::rule::verification::VerificationCode;
use crate::domain::timestamp::Timestamp;
use crate::domain::token::{Permission, Token};
use crate::domain::value_use::{Asked, ValueUse};
use crate::service::{Caller, Error, Service, token_id};

/// What retiring a value now would do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rehearsal {
    /// Which value.
    pub generation: u32,
    /// What its clients would get.
    pub code: VerificationCode,
    /// How it is used, with its users of the last 24 hours.
    pub used: ValueUse,
    /// Why it would be refused unless forced (R15).
    pub in_use: Option<InUse>,
    /// What a rotation without overlap would do; `None` if it would be refused for another reason.
    pub rotation: Option<RotationRehearsal>,
}

/// What a rotation without overlap would do, which retires every value that works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RotationRehearsal {
    /// Why it would be refused unless forced (R15): the values that are in use, the newest last.
    pub in_use: Vec<InUse>,
}

impl Service {
    /// What retiring the value of this generation now would do; without a generation, that of the previous value, or of the current one if
    /// there is no overlap. One's own token needs no permission, another's `API_TOKEN_READ`.
    ///
    /// # Errors
    /// When the caller may not, no token has this id, or it has no such value.
    pub async fn rehearse(&self, caller: &Caller, id: &str, generation: Option<i32>) -> Result<Rehearsal, Error> {
        let now = self.now();
        let id = token_id("id", id)?;
        self.write_first_use(caller).await?;
        let own = self.find_value(caller.hash(), now).await?.ok_or(Error::Unauthenticated)?.token;
        caller.check_still_valid(&own, now)?;
        Authority::of(&own).require_unless_own(Permission::ApiTokenRead, id)?;
        let token = self.store.find_token(id).await?.ok_or(Error::NotFound { field: "id" })?;
        let generation = rehearsed(&token, generation, now)?;
        let value = (id, generation);
        let values: Vec<_> = token.values().map(|value| (id, value.generation)).collect();
        let presented = (caller.token_id(), caller.generation());
        let first_used_by_request = Some(presented).filter(|_| caller.is_first_use());
        let mut uses = self.find_value_uses(&values, Asked::Users, first_used_by_request, now).await?;
        if values.contains(&presented) {
            // Otherwise the retirement that follows would be refused because of its rehearsal.
            caller.forget_use();
        }
        let in_use_of = |generation| {
            let last_used_at = uses.get(&(id, generation))?.last_used_at;
            in_use(&token, generation, self.latest_possible(last_used_at), now)
        };
        let rotator =
            if id == caller.token_id() { Rotator::Holder { generation: caller.generation() } } else { Rotator::Other };
        let cut_off = cut_off_without_overlap(&token, rotator, now).ok();
        let rotation = cut_off
            .map(|generations| RotationRehearsal { in_use: generations.into_iter().filter_map(in_use_of).collect() });
        let in_use = in_use_of(generation);
        let code = match standing(&token, generation, now) {
            Ok(_) => VerificationCode::ValueRetired,
            // They get it already.
            Err(refusal) => VerificationCode::of(&refusal).ok_or(refusal)?,
        };
        Ok(Rehearsal { generation, code, used: uses.remove(&value).unwrap_or_default(), in_use, rotation })
    }
}

impl RotationRehearsal {
    /// When no value would be in use any more, if none is used again; `None` if none is.
    pub fn silent_at(&self) -> Option<Timestamp> {
        self.in_use.iter().map(|in_use| in_use.silent_at).max()
    }
}

/// The generation of the value that is meant.
fn rehearsed(token: &Token, generation: Option<i32>, now: Timestamp) -> Result<u32, Error> {
    let previous = token.previous.as_deref().filter(|_| overlap_lasts(token, now)).map(|value| value.generation);
    let current = token.current.generation;
    let Some(asked) = generation else { return Ok(previous.unwrap_or(current)) };
    let asked = u32::try_from(asked).ok().filter(|asked| *asked == current || Some(*asked) == previous);
    asked.ok_or_else(|| {
        let message = "No value of this generation works. Give that of the current value, or of the previous one during an overlap.";
        InvalidInput::new("generation", message).into()
    })
}
