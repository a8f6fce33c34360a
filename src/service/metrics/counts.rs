//! What the use cases count: each judgement and each rotation, by what came of it.

use crate::domain::rule::verification::VerificationCode;
use crate::metrics::{Counter, CounterByName, Exposition, Family, ShardedCounter};
use crate::service::{Caller, Error, ErrorCode, Issued};

/// What is counted where nothing was refused.
const OK: &str = "OK";
/// A rotation that cancelled an unused value.
const RECOVERED: &str = "RECOVERED";

/// The counters of one service.
#[derive(Debug)]
pub(crate) struct Counts {
    /// Verifications of values that a client presents itself, answered at once: each found one value in the cache.
    verified_at_once: ShardedCounter,
    /// Verifications for a caller, answered at once: each found two, and each admitted the caller.
    verified_for_caller_at_once: ShardedCounter,
    verifications: CounterByName,
    authentications: CounterByName,
    rotations: CounterByName,
    cache_hits: Counter,
    cache_misses: Counter,
}

impl Default for Counts {
    fn default() -> Self {
        let codes = || ErrorCode::ALL.iter().map(|code| code.as_str());
        let failures = [ErrorCode::Unavailable, ErrorCode::Internal].map(ErrorCode::as_str);
        Self {
            verified_at_once: ShardedCounter::default(),
            verified_for_caller_at_once: ShardedCounter::default(),
            verifications: CounterByName::new(VerificationCode::ALL.iter().map(|code| code.as_str()).chain(failures)),
            authentications: CounterByName::new([OK].into_iter().chain(codes())),
            rotations: CounterByName::new([OK, RECOVERED].into_iter().chain(codes())),
            cache_hits: Counter::default(),
            cache_misses: Counter::default(),
        }
    }
}

impl Counts {
    /// A value that its client presented was found good at once.
    pub(crate) fn verified_at_once(&self) {
        self.verified_at_once.increment();
    }

    /// A value that was presented to a caller was verified at once.
    pub(crate) fn verified_for_caller_at_once(&self, code: VerificationCode) {
        if code == VerificationCode::Valid {
            self.verified_for_caller_at_once.increment();
        } else {
            self.verifications.increment(code.as_str());
            self.authentications.increment(OK);
            self.cache_hits.add(2);
        }
    }

    /// A verification that may have waited has come to this.
    pub(crate) fn verified(&self, outcome: Result<VerificationCode, &Error>) {
        self.verifications.increment(match outcome {
            Ok(code) => code.as_str(),
            Err(err) => err.code().as_str(),
        });
    }

    /// A caller was recognised, or not.
    pub(crate) fn authenticated(&self, outcome: &Result<Caller, Error>) {
        self.authentications.increment(outcome.as_ref().map_or_else(|err| err.code().as_str(), |_| OK));
    }

    /// A caller was recognised at once, by a value in the cache.
    pub(crate) fn authenticated_at_once(&self) {
        self.authentications.increment(OK);
        self.cache_hits.increment();
    }

    /// A rotation has come to this.
    pub(crate) fn rotated(&self, outcome: &Result<Issued, Error>) {
        self.rotations.increment(match outcome {
            Ok(issued) if issued.cancelled_generation.is_some() => RECOVERED,
            Ok(_) => OK,
            Err(err) => err.code().as_str(),
        });
    }

    /// A value was judged that waited for no lookup, or that did.
    pub(crate) fn judged(&self, looked_up: bool) {
        if looked_up { self.cache_misses.increment() } else { self.cache_hits.increment() }
    }

    /// Describes them.
    pub(super) fn describe(&self, exposition: &mut Exposition) {
        let (direct, for_caller) = (self.verified_at_once.get(), self.verified_for_caller_at_once.get());
        let valid = VerificationCode::Valid.as_str();
        let verifications = self.verifications.get();
        let verifications =
            verifications.map(|(code, count)| (code, if code == valid { count + direct + for_caller } else { count }));
        exposition.add(
            Family::counter(
                "rotakey_verifications",
                "Verifications, by their code: /verify, verifyAPIToken, verifyAPITokens and /introspect.",
            )
            .by("code", verifications),
        );
        let authentications = self.authentications.get();
        let authentications =
            authentications.map(|(code, count)| (code, if code == OK { count + for_caller } else { count }));
        exposition.add(
            Family::counter(
                "rotakey_authentications",
                "Values that callers presented to use Rotakey itself, by OK or the code of the refusal.",
            )
            .by("code", authentications),
        );
        exposition.add(
            Family::counter(
                "rotakey_rotations",
                "Rotations, by OK, RECOVERED (which cancelled an unused value) or the code of the refusal.",
            )
            .by("code", self.rotations.get()),
        );
        let hits = self.cache_hits.get() + direct + 2 * for_caller;
        exposition.add(
            Family::counter(
                "rotakey_cache_lookups",
                "Presented values, by whether the cache knew them (hit) or the database was asked (miss).",
            )
            .by("result", [("hit", hits), ("miss", self.cache_misses.get())]),
        );
    }
}
