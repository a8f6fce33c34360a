//! The judgement of a presented value: the order of its rules, without I/O.
//!
//! [`Judgement::judge`] either decides, or returns the step that must be taken first. There are two drivers: one takes the steps and
//! judges again, the other gives up at the first step. So each rule is written once, whether or not the database is needed, and none
//! can be forgotten on the fast path.

use std::sync::Arc;

use crate::domain::id::TokenId;
use crate::domain::refusal::Refusal;
use crate::domain::restriction::Source;
use crate::domain::rule::lifecycle::Standing;
use crate::domain::rule::lifecycle::silence::is_silent;
use crate::domain::rule::verification;
use crate::domain::timestamp::Timestamp;
use crate::domain::token::Token;
use crate::domain::value::foreign::{ForeignFormats, Presentable};
use crate::domain::value::{PresentedValue, ValueHash};
use crate::store::Stamp;

use super::cache::Known;

/// A judgement in progress: a presented text, and what is known about it so far.
#[derive(Debug)]
pub(crate) struct Judgement<'a> {
    /// The value and the hash by which it is looked for; `None` for a text that cannot be a value.
    value: Option<(PresentedValue<'a>, ValueHash)>,
    /// The hashes by which a value of a foreign format is looked for after that, last first.
    other_hashes: Vec<ValueHash>,
    is_foreign: bool,
    source: &'a Source,
    first_use: FirstUse,
    lookup: Lookup,
    silence: Silence,
    /// A verdict that has been recorded, and is final.
    decided: Option<Verdict>,
    pub(super) now: Timestamp,
}

/// Whether a judgement writes the first use of a value that works (R5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FirstUse {
    /// The first use is durable before the verdict.
    Write,
    /// The transaction of the operation that the caller asks for writes it.
    Defer,
}

/// Which token has or had the value.
#[derive(Debug)]
pub(crate) enum Lookup {
    /// The cache does not know, or cannot be trusted.
    Needed,
    /// No token.
    Unknown,
    /// This token.
    Known(Known),
}

/// How far it is known whether a previous value is silent (R15).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Silence {
    /// By what is cached. It may have been used since.
    Cached,
    /// By what was looked up.
    LookedUp,
    /// It was decided under a lock.
    Decided,
}

/// What must be done before judging can continue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Look the value up in the database.
    LookUp(ValueHash),
    /// Retire the previous value of this token, if it is silent.
    RetireSilent(TokenId),
    /// Make the first use of the value durable.
    WriteFirstUse(TokenId, u32),
    /// Record this refusal and act on it. `Unknown` is recorded as well.
    Record(Verdict),
}

/// The result of a judgement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The value works, with this standing.
    Works(Standing),
    /// It is the value of a token, but does not work.
    Refused(Refusal),
    /// It is the value of no token.
    Unknown,
}

/// A presented value that a token has or had, and the outcome of its judgement.
#[derive(Debug)]
pub(crate) struct Judged<'a> {
    /// The value itself.
    pub(crate) value: PresentedValue<'a>,
    /// The hash by which it is found.
    pub(crate) hash: ValueHash,
    /// Its token, after this use or refusal.
    pub(crate) token: Arc<Token>,
    /// Which value of the token it is.
    pub(crate) generation: u32,
    /// The stamp from before the token was read.
    pub(crate) stamp: Stamp,
    /// Its standing, or why it does not work.
    pub(crate) outcome: Result<Standing, Refusal>,
}

impl<'a> Judgement<'a> {
    /// Starts a judgement of a text that is presented from this source at this time. `cached` is what the cache knows about a
    /// value.
    pub(crate) fn new(
        (text, formats, source): (&'a str, &ForeignFormats, &'a Source),
        first_use: FirstUse,
        now: Timestamp,
        cached: impl Fn(&ValueHash) -> Lookup,
    ) -> Self {
        // The checksum keeps mistyped, truncated and invented values away from the cache and the database, and the patterns keep away
        // what cannot be a foreign value.
        let (value, other_hashes, is_foreign) = match formats.present(text) {
            Some(Presentable { value, hash, others, is_foreign }) => (Some((value, hash)), others, is_foreign),
            None => (None, Vec::new(), false),
        };
        let lookup = value.as_ref().map_or(Lookup::Unknown, |(_, hash)| cached(hash));
        let silence = Silence::Cached;
        let mut judgement =
            Self { value, other_hashes, is_foreign, source, first_use, lookup, silence, decided: None, now };
        judgement.prefer_known(&cached);
        judgement.try_other_hashes(cached);
        judgement
    }

    /// If the value is cached by another hash, it need not be looked for by this one.
    fn prefer_known(&mut self, cached: impl Fn(&ValueHash) -> Lookup) {
        let Some((_, hash)) = &mut self.value else { return };
        if matches!(self.lookup, Lookup::Known(_)) {
            return;
        }
        for other in &self.other_hashes {
            if let known @ Lookup::Known(_) = cached(other) {
                (*hash, self.lookup) = (*other, known);
                return;
            }
        }
    }

    /// As long as the value is unknown by one hash, looks for it by the next.
    fn try_other_hashes(&mut self, cached: impl Fn(&ValueHash) -> Lookup) {
        while matches!(self.lookup, Lookup::Unknown)
            && let (Some(next), Some((_, hash))) = (self.other_hashes.pop(), &mut self.value)
        {
            *hash = next;
            self.lookup = cached(hash);
        }
    }

    /// Judges by what is known so far: the format of the value, its token, the token's status and restrictions, and whether this is
    /// the first use.
    ///
    /// # Errors
    /// The step that must be taken first.
    pub(crate) fn judge(&self) -> Result<Verdict, Step> {
        if let Some(decided) = &self.decided {
            return Ok(decided.clone());
        }
        let (hash, known) = match (&self.value, &self.lookup) {
            (None, _) | (Some(_), Lookup::Unknown) => return Err(Step::Record(Verdict::Unknown)),
            (Some((_, hash)), Lookup::Needed) => return Err(Step::LookUp(*hash)),
            (Some((_, hash)), Lookup::Known(known)) => (hash, known),
        };
        match verification::judge(&known.token, known.generation, self.source, self.now) {
            Ok(Standing::Previous { .. }) | Err(Refusal::BrownOut(_))
                if self.silence != Silence::Decided && is_silent(&known.token, self.now) =>
            {
                let retire = Step::RetireSilent(known.token.id);
                Err(if self.silence == Silence::LookedUp { retire } else { Step::LookUp(*hash) })
            }
            Ok(_) if self.first_use == FirstUse::Write && is_first_use(&known.token, known.generation) => {
                Err(Step::WriteFirstUse(known.token.id, known.generation))
            }
            Ok(standing) => Ok(Verdict::Works(standing)),
            Err(refusal) if is_recorded(&refusal) => Err(Step::Record(Verdict::Refused(refusal))),
            Err(refusal) => Ok(Verdict::Refused(refusal)),
        }
    }

    /// Whether the text can be a value, so that it is looked for at all.
    pub(super) fn is_value(&self) -> bool {
        self.value.is_some()
    }

    /// Whether the text is of a foreign format, so that anything of its form is looked for.
    pub(super) fn is_foreign(&self) -> bool {
        self.is_foreign
    }

    /// Sets the result of a lookup. `cached` is what the cache knows about a value.
    pub(super) fn looked_up(&mut self, found: Option<Known>, cached: impl Fn(&ValueHash) -> Lookup) {
        self.lookup = found.map_or(Lookup::Unknown, Lookup::Known);
        self.silence = Silence::LookedUp;
        self.try_other_hashes(|hash| {
            // What is cached is not what was looked up.
            let lookup = cached(hash);
            if let Lookup::Known(_) = lookup { Lookup::Needed } else { lookup }
        });
    }

    /// Notes that it was decided whether the previous value is silent, and the token after that, if it still exists.
    pub(super) fn silence_decided(&mut self, token: Option<Token>) {
        self.silence = Silence::Decided;
        if let Some(token) = token {
            self.refresh(token);
        }
    }

    /// Replaces the token by what the database has now.
    pub(super) fn refresh(&mut self, token: Token) {
        if let Lookup::Known(known) = &mut self.lookup {
            known.token = Arc::new(token);
        }
    }

    /// Replaces what is known by what this process has just written.
    pub(super) fn replace(&mut self, known: Known) {
        self.lookup = Lookup::Known(known);
    }

    /// Makes a verdict final.
    pub(super) fn decide(&mut self, verdict: Verdict) {
        self.decided = Some(verdict);
    }

    /// The token that has or had the value, and which value of it this is.
    pub(super) fn known(&self) -> Option<&Known> {
        if let Lookup::Known(known) = &self.lookup { Some(known) } else { None }
    }

    /// The judged value, after `used` has handled the use of a value that works; `None` if no token has the value.
    pub(super) fn conclude(self, verdict: Verdict, used: impl FnOnce(&ValueHash, &mut Known)) -> Option<Judged<'a>> {
        let (Some((value, hash)), Lookup::Known(mut known)) = (self.value, self.lookup) else { return None };
        let outcome = match verdict {
            Verdict::Works(standing) => {
                used(&hash, &mut known);
                Ok(standing)
            }
            Verdict::Refused(refusal) => {
                if matches!(refusal, Refusal::BrownOut(_)) {
                    // Its holder presents it, so it is not silent (R15).
                    used(&hash, &mut known);
                }
                Err(refusal)
            }
            Verdict::Unknown => return None,
        };
        let Known { token, generation, stamp } = known;
        Some(Judged { value, hash, token, generation, stamp, outcome })
    }
}

impl Judged<'_> {
    /// Which value of which token it is.
    pub(crate) fn presented(&self) -> (TokenId, u32) {
        (self.token.id, self.generation)
    }

    /// Whether its holder used the value: it works, or fails for some seconds only (R14).
    pub(super) fn is_use(&self) -> bool {
        matches!(self.outcome, Ok(_) | Err(Refusal::BrownOut(_)))
    }

    /// Whether this is the first use of the value, which has not been written yet.
    pub(crate) fn is_first_use(&self) -> bool {
        self.outcome.is_ok() && is_first_use(&self.token, self.generation)
    }
}

fn is_first_use(token: &Token, generation: u32) -> bool {
    token.value(generation).is_some_and(|value| value.first_used_at.is_none())
}

/// Whether a refusal is recorded: the reuse of a retired value may mean a theft, and a value outside its restrictions a leak.
fn is_recorded(refusal: &Refusal) -> bool {
    matches!(refusal, Refusal::ValueRetired | Refusal::AddressRefused | Refusal::OriginRefused)
}
