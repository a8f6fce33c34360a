//! The uses of values that have not been written yet. No rule depends on them, and a write for each would be most of the cost of a
//! verification. The first use of a value, which is durable before it is acknowledged (R5), is counted here as well.
//!
//! A request by a user that was seen lately increments a counter, without a lock and without an allocation ([`Counters`]). Any other adds
//! an entry, under a lock. An entry stays until it has been written, so a failed write is simply repeated. If the process is killed, the
//! uses of the last minute are lost.

use core::net::IpAddr;
use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::{Mutex, MutexGuard, PoisonError};

use quick_cache::DefaultHashBuilder;

use crate::domain::id::TokenId;
use crate::domain::timestamp::Timestamp;
use crate::domain::value_use::{
    AddressPrecision, MAX_KEPT_USERS, Network, Product, RecordedUse, User, UserUse, ValueUse, sent_product,
};

use super::counters::{Counters, PLACES, Place};

/// The maximum number of entries. With the nodes of its tree two thirds full, an entry takes about 100 bytes, so all of them take
/// 13 MiB, besides 4 MiB for the counters. Beyond that, uses are not recorded until others were written.
const MAX_ENTRIES: usize = PLACES / 2;
/// How many of them are for users. The others are for values whose further users are counted together.
const MAX_USER_ENTRIES: usize = MAX_ENTRIES / 8 * 7;
/// The maximum number of distinct users. One takes about 100 bytes and at most 60 characters, so all of them take at most 6 MiB. Further
/// ones are counted together.
const MAX_USERS: usize = 32_768;
/// From these numbers on, entries are written soon.
const NEARLY_FULL: usize = MAX_ENTRIES / 4 * 3;
const NEARLY_ALL_USERS: usize = MAX_USERS / 4 * 3;

/// How many entries one transaction writes; it locks as many tokens.
const BATCH: usize = 500;

/// Which value of which token.
type ValueKey = (TokenId, u32);

/// A user by its hash, which is keyed, so that no client can choose to be taken for another.
type UserHash = u64;
/// In the place of a user: all users of a value that are not kept apart.
const OTHERS: UserHash = 0;

/// The uses that have not been written yet.
#[derive(Debug)]
pub(crate) struct UseBuffer {
    precision: AddressPrecision,
    hasher: DefaultHashBuilder,
    counters: Counters,
    pending: Mutex<Pending>,
    turn: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Pending {
    entries: BTreeMap<(ValueKey, UserHash), Entry>,
    users: HashMap<UserHash, SentBy>,
}

/// The uses of a value by one user.
#[derive(Debug)]
struct Entry {
    /// The counter for those that are not counted here yet.
    place: Option<Place>,
    first: Timestamp,
    last: Timestamp,
    count: u64,
}

/// A user as it is recorded.
#[derive(Debug)]
struct SentBy {
    network: Option<Network>,
    product: Option<Product>,
}

/// Entries to be written, and where the next ones begin.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) uses: Vec<RecordedUse>,
    keys: Vec<(ValueKey, UserHash)>,
}

impl Batch {
    /// Whether no entries follow.
    pub(super) fn is_partial(&self) -> bool {
        self.keys.len() < BATCH
    }

    /// Each entry as a batch of its own, and whose token it is of.
    pub(super) fn one_by_one(&self) -> impl Iterator<Item = (TokenId, Self)> {
        let one = |(key, recorded): (&(ValueKey, UserHash), &RecordedUse)| {
            (recorded.token_id, Self { uses: vec![recorded.clone()], keys: vec![*key] })
        };
        self.keys.iter().zip(&self.uses).map(one)
    }
}

impl UseBuffer {
    /// A buffer that records addresses as precisely as this.
    pub(crate) fn new(precision: AddressPrecision) -> Self {
        Self {
            precision,
            hasher: DefaultHashBuilder::default(),
            counters: Counters::default(),
            pending: Mutex::default(),
            turn: tokio::sync::Mutex::default(),
        }
    }

    /// Records a use of a value by a client at this address, with this `User-Agent` header.
    pub(crate) fn record(&self, value: ValueKey, address: Option<IpAddr>, user_agent: Option<&[u8]>, now: Timestamp) {
        let network = self.precision.network(address);
        let user_agent = user_agent.unwrap_or_default();
        let user = self.user_hash(network, sent_product(user_agent));
        if !self.counters.add(self.fingerprint(value, user), now) {
            self.record_by_entry(value, user, (network, user_agent), now);
        }
    }

    /// Records a use for which there is no counter yet.
    #[cold]
    fn record_by_entry(
        &self,
        value: ValueKey,
        user: UserHash,
        (network, user_agent): (Option<Network>, &[u8]),
        now: Timestamp,
    ) {
        // The value may have more users already than are kept apart.
        if self.counters.add(self.fingerprint(value, OTHERS), now) {
            return;
        }
        let mut pending = self.pending();
        let user = if pending.keeps(value, user) { user } else { OTHERS };
        let is_full = pending.entries.len() >= MAX_ENTRIES;
        match pending.entries.get_mut(&(value, user)) {
            // Another request was quicker, or the counter is full.
            Some(entry) => entry.add_one(&self.counters, || self.fingerprint(value, user), now),
            None if is_full => {}
            None => {
                let place = self.counters.claim(self.fingerprint(value, user), now);
                let count = u64::from(place.is_none());
                pending.entries.insert((value, user), Entry { place, first: now, last: now, count });
                if user != OTHERS {
                    let sent_by = || SentBy { network, product: Product::of(user_agent) };
                    pending.users.entry(user).or_insert_with(sent_by);
                }
            }
        }
    }

    /// Waits until nobody else writes the entries, and keeps others from it until this is dropped.
    pub(super) async fn turn(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.turn.lock().await
    }

    /// How many entries are yet to be written.
    pub(crate) fn len(&self) -> usize {
        self.pending().entries.len()
    }

    /// Whether there is little room for more entries or users.
    pub(super) fn is_nearly_full(&self) -> bool {
        let pending = self.pending();
        pending.entries.len() >= NEARLY_FULL || pending.users.len() >= NEARLY_ALL_USERS
    }

    /// What is buffered, and what `written` reads from the database. The buffer is read first: uses that are written meanwhile are then
    /// in both. In the other order they could be in neither, and a value in use would seem silent.
    pub(crate) async fn and_written<B, W, E>(
        &self,
        buffered: impl FnOnce(&Self) -> B,
        written: impl Future<Output = Result<W, E>>,
    ) -> Result<(B, W), E> {
        // A future does nothing before it is polled.
        let buffered = buffered(self);
        Ok((buffered, written.await?))
    }

    /// The last use of a token, given the last one in the database.
    pub(crate) fn latest(&self, id: TokenId, written: Option<Timestamp>) -> Option<Timestamp> {
        let pending = self.pending();
        let entries = pending.entries.range(((id, 0), OTHERS)..).take_while(|(((token, _), _), _)| *token == id);
        entries.map(|(_, entry)| entry.last(&self.counters)).max().max(written)
    }

    /// The last use of a value that is not written yet.
    pub(super) fn latest_of_value(&self, value: ValueKey) -> Option<Timestamp> {
        self.pending().of_value(value).map(|(_, entry)| entry.last(&self.counters)).max()
    }

    /// The uses of these values that are not written yet.
    pub(super) fn of_values(&self, values: &[ValueKey]) -> BTreeMap<ValueKey, ValueUse> {
        let pending = self.pending();
        let mut found = BTreeMap::<_, ValueUse>::new();
        for value in values {
            for (user, entry) in pending.of_value(*value) {
                let used = entry.used(&self.counters);
                let known = found.entry(*value).or_default();
                known.add(Some(used.last_seen_at), used.count);
                if let Some(sent_by) = pending.users.get(&user) {
                    known.add_user(sent_by.user(), used);
                }
            }
        }
        found
    }

    /// The next entries to write, after those of another batch.
    pub(super) fn batch(&self, after: Option<&Batch>) -> Batch {
        use std::ops::Bound::{Excluded, Unbounded};
        let mut pending = self.pending();
        let Pending { entries, users } = &mut *pending;
        let after = after.and_then(|batch| batch.keys.last()).map_or(Unbounded, |key| Excluded(*key));
        let (mut uses, mut keys) = (Vec::with_capacity(BATCH), Vec::with_capacity(BATCH));
        for (key, entry) in entries.range_mut((after, Unbounded)).take(BATCH) {
            entry.take(&self.counters);
            let ((token_id, generation), user) = *key;
            let user = users.get(&user).map(SentBy::user);
            // What the counter has counted since then is for the next batch.
            let used = UserUse { first_seen_at: entry.first, last_seen_at: entry.last, count: entry.count };
            uses.push(RecordedUse { token_id, generation, user, used });
            keys.push(*key);
        }
        Batch { uses, keys }
    }

    /// Removes what has been written. Entries that were added to in the meantime stay.
    pub(super) fn remove_written(&self, batch: &Batch) {
        let mut pending = self.pending();
        for (key, written) in batch.keys.iter().zip(&batch.uses) {
            let Some(entry) = pending.entries.get_mut(key) else { continue };
            entry.count = entry.count.saturating_sub(written.used.count);
            if key.1 == OTHERS {
                // Even if it counts all the time: users that come now are kept apart as long as there is room for them.
                entry.close(&self.counters);
            }
            if entry.count == 0 && entry.place.is_none_or(|place| self.counters.release(place)) {
                pending.entries.remove(key);
            }
        }
    }

    /// Forgets users that no entry is left of. It visits all entries.
    pub(super) fn forget_users(&self) {
        let mut pending = self.pending();
        let Pending { entries, users } = &mut *pending;
        if entries.is_empty() {
            users.clear();
        } else {
            let used: std::collections::HashSet<UserHash> = entries.keys().map(|(_, user)| *user).collect();
            users.retain(|user, _| used.contains(user));
        }
    }

    fn user_hash(&self, network: Option<Network>, product: &[u8]) -> UserHash {
        let mut hasher = self.hasher.build_hasher();
        network.hash(&mut hasher);
        hasher.write(product);
        hasher.finish().max(OTHERS + 1)
    }

    fn fingerprint(&self, value: ValueKey, user: UserHash) -> u64 {
        self.hasher.hash_one((value, user))
    }

    fn pending(&self) -> MutexGuard<'_, Pending> {
        // Nothing under the lock can panic and leave the maps inconsistent.
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pending {
    /// The entries of a value.
    fn of_value(&self, value: ValueKey) -> impl Iterator<Item = (UserHash, &Entry)> {
        let entries = self.entries.range((value, OTHERS)..).take_while(move |((of, _), _)| *of == value);
        entries.map(|((_, user), entry)| (*user, entry))
    }

    /// Whether a use by this user has an entry of its own.
    fn keeps(&self, value: ValueKey, user: UserHash) -> bool {
        self.entries.contains_key(&(value, user))
            || (self.entries.len() < MAX_USER_ENTRIES
                && (self.users.len() < MAX_USERS || self.users.contains_key(&user))
                && self.of_value(value).filter(|(user, _)| *user != OTHERS).count() < MAX_KEPT_USERS)
    }
}

impl Entry {
    /// Adds one use to an entry that exists.
    fn add_one(&mut self, counters: &Counters, fingerprint: impl FnOnce() -> u64, now: Timestamp) {
        let is_counted = match self.place {
            Some(_) => counters.add(fingerprint(), now),
            None => {
                self.place = counters.claim(fingerprint(), now);
                self.place.is_some()
            }
        };
        if is_counted {
            return;
        }
        self.take(counters);
        self.count += 1;
        self.last = self.last.max(now);
    }

    /// Moves what the counter has counted into the entry.
    fn take(&mut self, counters: &Counters) {
        if let Some(place) = self.place {
            let (count, last) = counters.take(place);
            self.count += count;
            self.last = self.last.max(last);
        }
    }

    /// Releases the counter, and moves what it has counted into the entry.
    fn close(&mut self, counters: &Counters) {
        if let Some(place) = self.place.take() {
            let (count, last) = counters.close(place);
            self.count += count;
            self.last = self.last.max(last);
        }
    }

    fn last(&self, counters: &Counters) -> Timestamp {
        self.place.map_or(self.last, |place| counters.get(place).1.max(self.last))
    }

    fn used(&self, counters: &Counters) -> UserUse {
        let (count, last) = self.place.map_or((0, self.last), |place| counters.get(place));
        UserUse { first_seen_at: self.first, last_seen_at: last.max(self.last), count: self.count + count }
    }
}

impl SentBy {
    fn user(&self) -> User {
        User {
            address: self.network.map(|network| network.to_string()),
            user_agent: self.product.as_ref().map(|product| product.as_str().to_owned()),
        }
    }
}

#[cfg(test)]
mod tests;
