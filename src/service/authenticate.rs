//! The one way a credential becomes a caller.

use crate::domain::audit::{Action, Provenance};
use crate::domain::id::{RequestId, TokenId};
use crate::domain::lifecycle::{self, Standing};
use crate::domain::refusal::Refusal;
use crate::domain::restriction::{self, Source};
use crate::domain::timestamp::Timestamp;
use crate::domain::token::{Actor, ReusePolicy, Token};
use crate::domain::value::Value;

use super::record::Refused;
use super::{Error, ErrorCode, Service};

/// For how long a use need not be written again, in seconds: `lastUsedAt` is at most this much behind, and the reuse of a
/// retired value is recorded at most this often (R8).
const USE_RESOLUTION_SECONDS: u32 = 60;

/// The request in which somebody presents themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Visit {
    /// Where it comes from.
    pub source: Source,
    /// With which program, as it says itself.
    pub user_agent: Option<String>,
    /// The request's own identity.
    pub request_id: Option<RequestId>,
}

/// Somebody who presented a value that works. What they may do is looked up anew by every operation.
#[derive(Debug)]
pub struct Caller {
    token_id: TokenId,
    generation: u32,
    standing: Standing,
    presented: Value,
    visit: Visit,
}

impl Visit {
    pub(super) fn provenance(&self) -> Provenance {
        let address = self.source.address;
        Provenance { address, user_agent: self.user_agent.clone(), request_id: self.request_id }
    }
}

impl Caller {
    /// The caller's token.
    pub fn token_id(&self) -> TokenId {
        self.token_id
    }

    /// The generation of the value that was presented.
    pub fn generation(&self) -> u32 {
        self.generation
    }

    /// What the presented value was when it was presented.
    pub fn standing(&self) -> Standing {
        self.standing
    }

    /// The value itself, for what is derived from it (R6).
    pub(super) fn presented(&self) -> &Value {
        &self.presented
    }

    /// The caller as an actor, and the request it acts in.
    pub(super) fn acting(&self) -> (Actor, Provenance) {
        (Actor::ApiToken(self.token_id), self.visit.provenance())
    }

    pub(super) fn visit(&self) -> &Visit {
        &self.visit
    }
}

impl Service {
    /// The caller that a presented text stands for. The first use of a value is durable before this returns, so that the
    /// previous value can no longer cancel it (R5).
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] for a text that no token has as its value, or the reason why it does not work here and now.
    pub async fn authenticate(&self, presented: &str, visit: Visit) -> Result<Caller, Error> {
        let now = self.now();
        // The checksum spares the database every mistyped, truncated and made-up value.
        let found = match Value::parse(presented) {
            Ok(value) => self.store.find_by_hash(&value.hash()).await?.map(|found| (value, found)),
            Err(_) => None,
        };
        let Some((value, (token, generation))) = found else {
            let code = ErrorCode::Unauthenticated;
            let refused = Refused { action: Action::SignInRefused, code, presented: None, target: None };
            self.record_refusal(refused, visit.provenance(), now).await;
            return Err(Error::Unauthenticated);
        };
        let standing = match self.admit(&token, generation, &visit, now) {
            Ok(standing) => standing,
            Err(refusal) => return Err(self.refuse(&token, generation, refusal, &visit, now).await),
        };
        let first = token.value(generation).is_some_and(|value| value.first_used_at.is_none());
        let stale = token.last_used_at.is_none_or(|last| last.plus_seconds(USE_RESOLUTION_SECONDS) <= now);
        if first {
            self.record_use(token.id, generation, now).await?;
        } else if stale {
            match self.record_use(token.id, generation, now).await {
                // Only the first use decides anything; that a later one is not remembered must not shut its holder out.
                Err(cause @ (Error::Unavailable(_) | Error::Internal(_))) => {
                    tracing::warn!(%cause, "a use could not be recorded");
                }
                recorded => recorded?,
            }
        }
        Ok(Caller { token_id: token.id, generation, standing, presented: value, visit })
    }

    fn admit(&self, token: &Token, generation: u32, visit: &Visit, now: Timestamp) -> Result<Standing, Refusal> {
        let standing = lifecycle::standing(token, generation, now)?;
        restriction::admit(&token.settings, &visit.source)?;
        Ok(standing)
    }

    async fn refuse(&self, token: &Token, generation: u32, refusal: Refusal, visit: &Visit, now: Timestamp) -> Error {
        let err = Error::from(refusal.clone());
        match refusal {
            Refusal::ValueRetired => {
                if let Err(cause) = self.notice_reuse(token, generation, visit, now).await {
                    tracing::warn!(%cause, "the reuse of a retired value could not be recorded");
                }
            }
            Refusal::AddressRefused | Refusal::OriginRefused => {
                let presented = Some((token.id, generation));
                let refused = Refused { action: Action::RestrictionRefused, code: err.code(), presented, target: None };
                self.record_refusal(refused, visit.provenance(), now).await;
            }
            _ => {}
        }
        err
    }

    /// Records that a retired value was presented, at most once a minute a value on all replicas together, and revokes the
    /// token if it is set to be (R8).
    async fn notice_reuse(&self, seen: &Token, generation: u32, visit: &Visit, now: Timestamp) -> Result<(), Error> {
        let id = seen.id;
        let revokes = |token: &Token| {
            token.settings.on_reuse == ReusePolicy::Revoke && !lifecycle::reuse_may_be_a_race(token, now)
        };
        // Whoever presents a retired value again and again must not keep the others from writing.
        if !revokes(seen) && !self.reuses.admits((id, generation), now) {
            return Ok(());
        }
        let transaction = self.store.begin().await?;
        transaction.lock(Some(id), None).await?;
        let Some(token) = transaction.find_token(id).await? else { return Ok(()) };
        if transaction.claim_reuse(id, generation, now.minus_seconds(USE_RESOLUTION_SECONDS), now).await? {
            let holder = (Actor::ApiToken(id), visit.provenance());
            self.record(&transaction, Action::ValueReused, holder, (id, generation), now).await?;
        }
        if revokes(&token) && lifecycle::revoke(&token)? {
            transaction.revoke(id, now).await?;
            self.record(&transaction, Action::Revoked, (Actor::System, visit.provenance()), (id, generation), now)
                .await?;
        }
        Ok(transaction.commit().await?)
    }

    async fn record_use(&self, id: TokenId, generation: u32, now: Timestamp) -> Result<(), Error> {
        let transaction = self.store.begin().await?;
        transaction.lock(Some(id), None).await?;
        let token = transaction.find_token(id).await?.ok_or(Error::Unauthenticated)?;
        // The value may have been cancelled between the look-up and the lock; whoever came first has won.
        lifecycle::standing(&token, generation, now)?;
        match lifecycle::overlap_begun_by_use(&token, generation, now) {
            Some(Some(retirement)) => transaction.retire(id, retirement).await?,
            Some(None) => transaction.end_overlap(id).await?,
            None => {}
        }
        transaction.record_use(id, generation, now).await?;
        Ok(transaction.commit().await?)
    }
}
