//! Whether what was read of a token is still true, answered without asking the database.
//!
//! One counter counts the changes that this process knows of. A [`Stamp`] is its value, taken *before* a read of the
//! database; each slot of a fixed array holds the value that the counter had at the last change to any token of that slot.
//! What was read is good while its token's slot is not past its stamp.
//!
//! There is no race in that. A change is published after it is durable and before it is acknowledged: first the counter
//! moves on to `c`, then the slot becomes at least `c`. A reader whose stamp is `c` or more began to read after the change was
//! durable, and has seen it. One whose stamp is less may have read what was before, and finds its stamp passed as soon as
//! the slot is written, which is before the change is acknowledged. Two tokens that share a slot only make each other's
//! entries stale.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::domain::id::TokenId;

/// A moment in the order of changes, as this process knows it. Taken before a read of the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    changes: u64,
    era: u64,
}

/// Which tokens have changed, and when.
#[derive(Debug)]
pub(in crate::store) struct Epochs {
    changes: AtomicU64,
    /// Moves on when anything may have changed, or a change may have been missed.
    era: AtomicU64,
    slots: Box<[AtomicU64]>,
}

impl Epochs {
    pub(in crate::store) fn new(slots: usize) -> Self {
        let slots = std::iter::repeat_with(AtomicU64::default).take(slots).collect();
        Self { changes: AtomicU64::default(), era: AtomicU64::default(), slots }
    }

    /// The present moment.
    pub(in crate::store) fn stamp(&self) -> Stamp {
        Stamp { era: self.era.load(Ordering::SeqCst), changes: self.changes.load(Ordering::SeqCst) }
    }

    /// Whether what was read of this token after the stamp was taken is still true, as far as this process knows.
    pub(in crate::store) fn is_fresh(&self, id: TokenId, stamp: Stamp) -> bool {
        self.era.load(Ordering::SeqCst) == stamp.era
            && self.slot(id).is_some_and(|slot| slot.load(Ordering::SeqCst) <= stamp.changes)
    }

    /// Makes every stamp of before this change stale for these tokens.
    pub(in crate::store) fn publish(&self, ids: impl IntoIterator<Item = TokenId>) {
        for id in ids {
            let change = self.advance();
            self.mark(id, change);
        }
    }

    /// Makes every stamp stale for every token.
    pub(in crate::store) fn invalidate_all(&self) {
        self.era.fetch_add(1, Ordering::SeqCst);
    }

    fn advance(&self) -> u64 {
        self.changes.fetch_add(1, Ordering::SeqCst) + 1
    }

    /// At least, because two changes may come here in either order.
    fn mark(&self, id: TokenId, change: u64) {
        if let Some(slot) = self.slot(id) {
            slot.fetch_max(change, Ordering::SeqCst);
        }
    }

    fn slot(&self, id: TokenId) -> Option<&AtomicU64> {
        // Ids end in random bits, so they need no hash to be spread evenly.
        let index = id.random_bits().checked_rem(self.slots.len() as u64)?;
        usize::try_from(index).ok().and_then(|index| self.slots.get(index))
    }
}

#[cfg(test)]
mod tests {
    use crate::domain::timestamp::Timestamp;

    use super::*;

    /// Those of 1 and 2 have slots of their own.
    fn id(byte: u8) -> TokenId {
        TokenId::new(Timestamp::from_unix_millis(0), [byte; 10])
    }

    #[test]
    fn a_stamp_is_passed_by_a_change_to_its_token_and_by_an_era_only() {
        let epochs = Epochs::new(64);
        let before = epochs.stamp();
        epochs.publish([id(2)]);
        assert!(epochs.is_fresh(id(1), before));
        assert!(!epochs.is_fresh(id(2), before));
        let after = epochs.stamp();
        assert!(epochs.is_fresh(id(2), after));
        epochs.invalidate_all();
        assert!(!epochs.is_fresh(id(1), after) && !epochs.is_fresh(id(2), after));
        assert!(epochs.is_fresh(id(1), epochs.stamp()));
    }

    /// The database, what writers have acknowledged, and a reader with a cache of one entry.
    #[derive(Default)]
    struct World {
        row: [bool; 2],
        acknowledged: [bool; 2],
        changes: [u64; 2],
        owed: [bool; 2],
        stamp: Option<Stamp>,
        cached: Option<([bool; 2], Stamp)>,
    }

    impl World {
        /// One step of writer 0 or 1: commit, publish in its two steps, acknowledge.
        fn write(&mut self, epochs: &Epochs, writer: usize, step: usize) {
            match step {
                0 => self.row[writer] = true,
                1 => self.changes[writer] = epochs.advance(),
                2 => epochs.mark(id(1), self.changes[writer]),
                _ => self.acknowledged[writer] = true,
            }
        }

        /// One step of the reader: it fills its cache, and answers from it later.
        fn read(&mut self, epochs: &Epochs, step: usize) {
            match step {
                0 => self.stamp = Some(epochs.stamp()),
                1 => self.cached = self.stamp.map(|stamp| (self.row, stamp)),
                2 => self.owed = self.acknowledged,
                _ => {
                    let (row, stamp) = self.cached.unwrap();
                    let missing = self.owed.iter().zip(row).any(|(owed, seen)| *owed && !seen);
                    assert!(!(epochs.is_fresh(id(1), stamp) && missing), "an acknowledged change was not seen");
                }
            }
        }
    }

    /// Runs every order in which two writers and a reader, of four steps each, can come between each other.
    fn interleave(done: &mut Vec<usize>, steps: [usize; 3], count: &mut u32) {
        if steps == [4, 4, 4] {
            let (epochs, mut world, mut at) = (Epochs::new(1), World::default(), [0; 3]);
            for actor in done.iter().copied() {
                match actor {
                    2 => world.read(&epochs, at[actor]),
                    writer => world.write(&epochs, writer, at[actor]),
                }
                at[actor] += 1;
            }
            *count += 1;
            return;
        }
        for actor in 0..3 {
            if steps[actor] < 4 {
                let mut next = steps;
                next[actor] += 1;
                done.push(actor);
                interleave(done, next, count);
                done.pop();
            }
        }
    }

    #[test]
    fn no_order_of_events_leaves_an_acknowledged_change_unseen() {
        let mut count = 0;
        interleave(&mut Vec::new(), [0; 3], &mut count);
        assert_eq!(count, 34_650);
    }
}
