//! The judgement of a presented value: the order of its rules, without I/O.
//!
//! [`Judgement::judge`] either decides or names the step that has to be taken first. Two drivers work on a case: one takes the
//! steps and has the case judged again, the other gives up at the first step. So a rule stands here once, whether or not the
//! database has to be asked, and none can be forgotten on the fast way.

use std::sync::Arc;

use crate::domain::id::TokenId;
use crate::domain::refusal::Refusal;
use crate::domain::restriction::Source;
use crate::domain::rule::lifecycle::Standing;
use crate::domain::rule::verification;
use crate::domain::timestamp::Timestamp;
use crate::domain::token::Token;
use crate::domain::value::{PresentedValue, ValueHash};

use super::cache::Known;

/// A presented text, and what has been found out about it so far.
#[derive(Debug)]
pub(crate) struct Judgement<'a> {
    /// The value and its SHA-256; `None` for a text that cannot be a value.
    value: Option<(PresentedValue<'a>, ValueHash)>,
    source: &'a Source,
    first_use: FirstUse,
    lookup: Lookup,
    /// A decision whose consequences have been drawn; it stands, whatever they were.
    decided: Option<Verdict>,
    pub(super) now: Timestamp,
}

/// What becomes of the first use of a value that works (R5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FirstUse {
    /// It is durable before the case is decided.
    Write,
    /// It is left to the transaction of what the caller asks for.
    Leave,
}

/// Which token has or had the value.
#[derive(Debug)]
pub(crate) enum Lookup {
    /// It is not known from memory, or memory cannot be trusted.
    Needed,
    /// None.
    Unknown,
    /// This one.
    Known(Known),
}

/// What has to be done before the case can be judged further.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Look the value up in the database.
    LookUp(ValueHash),
    /// Make the first use of the value durable.
    WriteFirstUse(TokenId, u32),
    /// Record this refusal, and do what follows from it. `Unknown` is recorded too.
    Record(Verdict),
}

/// What came of the judgement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The value works here and now, as this.
    Works(Standing),
    /// It is the value of a token and does not work.
    Refused(Refusal),
    /// It is the value of no token.
    Unknown,
}

/// A presented value that a token has or had, and what came of its judgement.
#[derive(Debug)]
pub(crate) struct Judged<'a> {
    /// The value itself.
    pub(crate) value: PresentedValue<'a>,
    /// Its SHA-256.
    pub(crate) hash: ValueHash,
    /// Its token, as it is after this use or refusal.
    pub(crate) token: Arc<Token>,
    /// Which value of the token it is.
    pub(crate) generation: u32,
    /// As what it works here and now, or why it does not.
    pub(crate) judgement: Result<Standing, Refusal>,
}

impl<'a> Judgement<'a> {
    /// A text that is presented from there at this moment. `cached` says what is remembered of a value.
    pub(crate) fn new(
        (text, source): (&'a str, &'a Source),
        first_use: FirstUse,
        now: Timestamp,
        cached: impl FnOnce(&ValueHash) -> Lookup,
    ) -> Self {
        // The checksum spares memory and database every mistyped, truncated and made-up value.
        let value = PresentedValue::parse(text).ok().map(|value| (value, value.hash()));
        let lookup = value.as_ref().map_or(Lookup::Unknown, |(_, hash)| cached(hash));
        Self { value, source, first_use, lookup, decided: None, now }
    }

    /// Judges by what is known: the shape of the value, which token has it, the token's life and restrictions, and whether this
    /// is the first use.
    ///
    /// # Errors
    /// The step that has to be taken first.
    pub(crate) fn judge(&self) -> Result<Verdict, Step> {
        if let Some(decided) = &self.decided {
            return Ok(decided.clone());
        }
        let known = match (&self.value, &self.lookup) {
            (None, _) | (Some(_), Lookup::Unknown) => return Err(Step::Record(Verdict::Unknown)),
            (Some((_, hash)), Lookup::Needed) => return Err(Step::LookUp(*hash)),
            (Some(_), Lookup::Known(known)) => known,
        };
        match verification::judge(&known.token, known.generation, self.source, self.now) {
            Ok(_) if self.first_use == FirstUse::Write && is_first_use(&known.token, known.generation) => {
                Err(Step::WriteFirstUse(known.token.id, known.generation))
            }
            Ok(standing) => Ok(Verdict::Works(standing)),
            Err(refusal) if is_recorded(&refusal) => Err(Step::Record(Verdict::Refused(refusal))),
            Err(refusal) => Ok(Verdict::Refused(refusal)),
        }
    }

    /// The value has been looked up.
    pub(super) fn looked_up(&mut self, found: Option<Known>) {
        self.lookup = found.map_or(Lookup::Unknown, Lookup::Known);
    }

    /// Judging goes on by the token as the database has it now.
    pub(super) fn refresh(&mut self, token: Token) {
        if let Lookup::Known(known) = &mut self.lookup {
            known.token = Arc::new(token);
        }
    }

    /// The case is decided.
    pub(super) fn decide(&mut self, verdict: Verdict) {
        self.decided = Some(verdict);
    }

    /// The token that has or had the value, and which value of it this is.
    pub(super) fn known(&self) -> Option<&Known> {
        if let Lookup::Known(known) = &self.lookup { Some(known) } else { None }
    }

    /// The case as it was decided, after `used` has seen to a use of a value that works; `None` for the value of no token.
    pub(super) fn conclude(self, verdict: Verdict, used: impl FnOnce(&ValueHash, &mut Known)) -> Option<Judged<'a>> {
        let (Some((value, hash)), Lookup::Known(mut known)) = (self.value, self.lookup) else { return None };
        let judgement = match verdict {
            Verdict::Works(standing) => {
                used(&hash, &mut known);
                Ok(standing)
            }
            Verdict::Refused(refusal) => Err(refusal),
            Verdict::Unknown => return None,
        };
        Some(Judged { value, hash, token: known.token, generation: known.generation, judgement })
    }
}

impl Judged<'_> {
    /// Whether this is the first use of the value, which is not written yet.
    pub(crate) fn is_first_use(&self) -> bool {
        self.judgement.is_ok() && is_first_use(&self.token, self.generation)
    }
}

fn is_first_use(token: &Token, generation: u32) -> bool {
    token.value(generation).is_some_and(|value| value.first_used_at.is_none())
}

/// Whether a refusal is recorded: the reuse of a retired value may be a theft, and a value outside its restrictions a leak.
fn is_recorded(refusal: &Refusal) -> bool {
    matches!(refusal, Refusal::ValueRetired | Refusal::AddressRefused | Refusal::OriginRefused)
}
