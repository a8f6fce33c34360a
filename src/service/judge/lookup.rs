//! Which token has or had a value: from the cache if it can be trusted, and otherwise from the database.

use std::sync::Arc;

use crate::domain::id::TokenId;
use crate::domain::restriction::Source;
use crate::domain::timestamp::Timestamp;
use crate::domain::token::Token;
use crate::domain::value::ValueHash;
use crate::service::{Error, Service};
use crate::store::Stamp;

use super::cache::Known;
use super::judgement::Lookup;

/// How old the last use of a cached token may be, in seconds, before a later one replaces it. To replace it, the token is copied.
const RESOLUTION_SECONDS: u32 = 30;

impl Service {
    /// What the cache knows about the value with this hash. It is used only while there is contact with the database, and only if
    /// no change to the token was published since it was read (R10).
    pub(crate) fn cached(&self, hash: &ValueHash, now: Timestamp) -> Lookup {
        if !self.in_contact(now) {
            return Lookup::Needed;
        }
        match self.cache.known(hash) {
            Some(known) if self.store.is_fresh(known.token.id, known.stamp) => Lookup::Known(known),
            _ if self.cache.is_unknown(hash, now) => Lookup::Unknown,
            _ => Lookup::Needed,
        }
    }

    /// The token that has or had the value with this hash; `None` if there is none.
    ///
    /// # Errors
    /// When the database is needed and fails.
    pub(crate) async fn find_value(&self, hash: &ValueHash, now: Timestamp) -> Result<Option<Known>, Error> {
        match self.cached(hash, now) {
            Lookup::Known(known) => Ok(Some(known)),
            Lookup::Unknown => Ok(None),
            // Boxed, because this is rare, and its future is large.
            Lookup::Needed => Box::pin(self.look_up(hash, now)).await,
        }
    }

    /// As [`Service::find_value`], from the database.
    pub(super) async fn look_up(&self, hash: &ValueHash, now: Timestamp) -> Result<Option<Known>, Error> {
        let in_contact = self.in_contact(now);
        let found = self.read_value(hash).await?;
        match &found {
            _ if !in_contact => {}
            Some(known) => self.cache.insert(*hash, known.clone()),
            None => self.cache.insert_unknown(*hash, now),
        }
        Ok(found)
    }

    /// As [`Service::look_up`], for a value of a foreign format. It has no checksum, so its form alone keeps few texts away from the
    /// database. So lookups that find nothing are limited. One of a value that was cached, and has changed since, is not.
    pub(super) async fn look_up_foreign(&self, hash: &ValueHash, now: Timestamp) -> Result<Option<Known>, Error> {
        if self.cache.known(hash).is_some() {
            return self.look_up(hash, now).await;
        }
        let lookup = self.unknown_lookups.begin(now).ok_or(Error::TooManyUnknownValues)?;
        let found = self.look_up(hash, now).await?;
        if found.is_some() {
            lookup.give_back();
        }
        Ok(found)
    }

    /// Caches the current value of a token that this process has just written, so that its next use needs no lookup. Without a stamp,
    /// another change may have come between, and nothing is cached.
    pub(crate) fn cache_current(&self, token: &Arc<Token>, stamp: Option<Stamp>, now: Timestamp) {
        let Some(stamp) = stamp.filter(|_| self.in_contact(now) && token.current.salt.is_none()) else { return };
        let generation = token.current.generation;
        self.cache.insert(token.current.hash, Known { token: token.clone(), generation, stamp });
    }

    async fn read_value(&self, hash: &ValueHash) -> Result<Option<Known>, Error> {
        // Before the read, so that a change during the read makes the entry stale.
        let stamp = self.store.stamp();
        let Some((mut token, generation)) = self.store.find_by_hash(hash).await? else { return Ok(None) };
        // Nothing here rotates, and a salt that is erased in the database must not stay in the cache (R6).
        token.current.salt = None;
        token.last_used_at = self.uses.latest(token.id, token.last_used_at);
        self.add_buffered_use(&mut token);
        Ok(Some(Known { token: Arc::new(token), generation, stamp }))
    }

    /// Records that a value was presented and found to work (R14), from this source and by this user agent.
    pub fn record_value_use(
        &self,
        value: (TokenId, u32),
        (source, user_agent): (&Source, Option<&[u8]>),
        now: Timestamp,
    ) {
        self.uses.record(value, source.address, user_agent, now);
    }
}

/// Notes a later use of a value that works in what is cached; returns whether it did. First uses are handled elsewhere.
pub(super) fn note_use(known: &mut Known, now: Timestamp) -> bool {
    let Some(value) = known.token.value(known.generation).filter(|value| value.first_used_at.is_some()) else {
        return false;
    };
    // That of the token counts for both values, but the silence of the previous one is its own (R15).
    let is_previous = value.replaced_at.is_some();
    let last = if is_previous { value.last_used_at } else { known.token.last_used_at };
    let noted = is_due(last, now);
    if noted {
        let token = Arc::make_mut(&mut known.token);
        token.last_used_at = token.last_used_at.max(Some(now));
        if let Some(previous) = token.previous.as_mut().filter(|_| is_previous) {
            previous.last_used_at = Some(now);
        }
    }
    noted
}

/// Whether a use now should be noted, if this is the last known one.
fn is_due(last: Option<Timestamp>, now: Timestamp) -> bool {
    last.is_none_or(|last| last.plus_seconds(RESOLUTION_SECONDS) <= now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_use_is_due_half_a_minute_after_the_last() {
        let at = Timestamp::from_unix_millis;
        for (now, due) in [(29_999, false), (30_000, true), (30_001, true)] {
            assert_eq!(is_due(Some(at(0)), at(now)), due, "{now}");
        }
        assert!(is_due(None, at(0)));
        assert!(!is_due(Some(at(60_000)), at(0)), "a clock that is behind");
    }
}
