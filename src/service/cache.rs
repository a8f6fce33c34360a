//! What is remembered of presented values, so that the next judgement of one asks no database.
//!
//! Only facts are remembered and never what came of them: every request is judged anew at its own moment, so that no
//! deadline passes unseen. A fact is believed while contact lasts and nothing that was heard since it was read concerns its
//! token (R10); otherwise the database is asked, and if it does not answer, nobody is let in.
//!
//! That a value is unknown is remembered for a few seconds. It cannot become known meanwhile: a value comes out of random
//! bytes or, repeatably, of a random salt (R6), and nobody can present it before some replica has committed and told it. What
//! was known stays known, because no token is ever deleted.

use std::sync::Arc;

use quick_cache::sync::Cache as Bounded;

use crate::domain::timestamp::Timestamp;
use crate::domain::token::Token;
use crate::domain::value::ValueHash;
use crate::store::Stamp;

use super::{Error, Service};

/// For how long an unknown value is remembered, in seconds.
const UNKNOWN_SECONDS: u32 = 10;
/// How many unknown values are remembered at most. Anyone can present those, so they have a room of their own.
const MAX_UNKNOWN: usize = 10_000;

/// A value that a token has or had, as it was read.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) token: Arc<Token>,
    /// Which value of the token it is.
    pub(super) generation: u32,
    /// The moment before it was read.
    stamp: Stamp,
}

/// The values that are remembered, by their SHA-256.
#[derive(Debug)]
pub(super) struct Cache {
    known: Bounded<ValueHash, Known>,
    /// Since when they are.
    unknown: Bounded<ValueHash, Timestamp>,
}

impl Cache {
    /// A cache of about so many values of tokens; of none, nothing is remembered.
    pub(super) fn new(max_known: usize) -> Self {
        let max_unknown = if max_known == 0 { 0 } else { MAX_UNKNOWN };
        Self { known: Bounded::new(max_known), unknown: Bounded::new(max_unknown) }
    }

    /// Remembers what is known of the value of this hash.
    pub(super) fn remember(&self, hash: ValueHash, known: Known) {
        self.known.insert(hash, known);
    }

    fn is_unknown(&self, hash: &ValueHash, now: Timestamp) -> bool {
        let since = self.unknown.get(hash);
        since.is_some_and(|since| since <= now && now < since.plus_seconds(UNKNOWN_SECONDS))
    }
}

impl Service {
    /// The token that has or had the value of this hash; `None` for a value of none.
    ///
    /// # Errors
    /// When the database is needed and fails.
    pub(super) async fn find_value(&self, hash: &ValueHash, now: Timestamp) -> Result<Option<Known>, Error> {
        let in_contact = self.in_contact(now);
        if in_contact {
            match self.cache.known.get(hash) {
                Some(known) if self.store.is_fresh(known.token.id, known.stamp) => return Ok(Some(known)),
                None if self.cache.is_unknown(hash, now) => return Ok(None),
                _ => {}
            }
        }
        // In a box of its own, so that those who do not come here carry none of it.
        let found = Box::pin(self.read_value(hash)).await?;
        match &found {
            _ if !in_contact => {}
            Some(known) => self.cache.remember(*hash, known.clone()),
            None => self.cache.unknown.insert(*hash, now),
        }
        Ok(found)
    }

    async fn read_value(&self, hash: &ValueHash) -> Result<Option<Known>, Error> {
        // First: what changes while this reads must make it stale.
        let stamp = self.store.stamp();
        let Some((mut token, generation)) = self.store.find_by_hash(hash).await? else { return Ok(None) };
        // Nothing here rotates, and what is erased in the database must not live on in memory (R6).
        token.current.salt = None;
        token.last_used_at = self.uses.latest(token.id, token.last_used_at);
        Ok(Some(Known { token: Arc::new(token), generation, stamp }))
    }
}
