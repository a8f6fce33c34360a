//! Whether what was read about a token is still current, without asking the database.
//!
//! One counter counts the changes that this process knows of. A [`Stamp`] is the value of the counter *before* a read of the
//! database. A fixed array has a slot for each hash of a token id: the value of the counter at the last change to a token of that
//! slot. What was read is fresh while the slot of its token is not greater than its stamp.
//!
//! This has no race. A change is published after it is durable and before it is acknowledged: first the counter is incremented to
//! `c`, then the slot is raised to `c`. If the slot is not less than `c` already, because of another change, both are done again, so
//! that every change raises its slot. A reader with a stamp of `c` or more began to read after the change was durable,
//! so it has seen the change. A reader with a smaller stamp may have read the old state. Its stamp is stale as soon as the slot is
//! raised, which is before the change is acknowledged. If two tokens share a slot, a change to one also makes entries of the other
//! stale, which is harmless.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::domain::id::TokenId;

/// A point in the sequence of changes that this process knows of. Take it before a read of the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    changes: u64,
    era: u64,
}

/// The publication of a change to a token, from which its writer gets a stamp for what it wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Publication {
    change: u64,
    /// The slot of the token before.
    before: u64,
}

impl Publication {
    /// Of several changes, or of none.
    pub(in crate::store) const WITHOUT_STAMP: Self = Self { change: 0, before: u64::MAX };

    /// The stamp of what was read with the stamp `read`, and has been changed by this change. `None` if another change may have come
    /// between: then what was read may be old.
    pub fn stamp(self, read: Stamp) -> Option<Stamp> {
        (self.before <= read.changes).then_some(Stamp { changes: self.change, ..read })
    }
}

/// When tokens last changed, by slot.
#[derive(Debug)]
pub(in crate::store) struct Epochs {
    changes: AtomicU64,
    /// Incremented when any token may have changed, or a change may have been missed.
    era: AtomicU64,
    slots: Box<[AtomicU64]>,
}

impl Epochs {
    pub(in crate::store) fn new(slots: usize) -> Self {
        let slots = std::iter::repeat_with(AtomicU64::default).take(slots).collect();
        Self { changes: AtomicU64::default(), era: AtomicU64::default(), slots }
    }

    /// The stamp of this moment.
    pub(in crate::store) fn stamp(&self) -> Stamp {
        Stamp { era: self.era.load(Ordering::SeqCst), changes: self.changes.load(Ordering::SeqCst) }
    }

    /// Whether what was read about this token after the stamp was taken is still current, as far as this process knows.
    pub(in crate::store) fn is_fresh(&self, id: TokenId, stamp: Stamp) -> bool {
        self.era.load(Ordering::SeqCst) == stamp.era
            && self.slot(id).is_some_and(|slot| slot.load(Ordering::SeqCst) <= stamp.changes)
    }

    /// Makes every earlier stamp stale for this token.
    pub(in crate::store) fn publish(&self, id: TokenId) -> Publication {
        loop {
            let change = self.advance();
            if let Some(publication) = self.mark(id, change) {
                return publication;
            }
        }
    }

    /// Makes every stamp stale, for all tokens.
    pub(in crate::store) fn invalidate_all(&self) {
        self.era.fetch_add(1, Ordering::SeqCst);
    }

    fn advance(&self) -> u64 {
        self.changes.fetch_add(1, Ordering::SeqCst) + 1
    }

    /// Raises the slot to this change; `None` if a later change was here first. Then this one needs a new number: what the other
    /// change's writer has read may not include it.
    fn mark(&self, id: TokenId, change: u64) -> Option<Publication> {
        let Some(slot) = self.slot(id) else { return Some(Publication::WITHOUT_STAMP) };
        let before = slot.fetch_max(change, Ordering::SeqCst);
        (before < change).then_some(Publication { change, before })
    }

    fn slot(&self, id: TokenId) -> Option<&AtomicU64> {
        // Ids end in random bits, so these need no further hashing.
        let index = id.random_bits().checked_rem(self.slots.len() as u64)?;
        usize::try_from(index).ok().and_then(|index| self.slots.get(index))
    }
}

#[cfg(test)]
mod tests {
    use crate::domain::timestamp::Timestamp;

    use super::*;

    /// The ids of 1 and 2 have different slots.
    fn id(byte: u8) -> TokenId {
        TokenId::new(Timestamp::from_unix_millis(0), [byte; 10])
    }

    #[test]
    fn only_a_change_to_its_token_or_an_invalidation_of_all_makes_a_stamp_stale() {
        let epochs = Epochs::new(64);
        let before = epochs.stamp();
        epochs.publish(id(2));
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
                2 => {
                    if epochs.mark(id(1), self.changes[writer]).is_none() {
                        epochs.publish(id(1));
                    }
                }
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

    /// A writer that caches what it has read and then changed, and a reader of that entry. The writer's condition notices nothing.
    #[derive(Default)]
    struct CachingWriter {
        read: Option<([bool; 2], Stamp)>,
        change: u64,
        publication: Option<Publication>,
        cached: Option<([bool; 2], Stamp)>,
    }

    impl CachingWriter {
        /// One step of writer 0: read, commit, publish in its two steps, cache.
        fn write(&mut self, world: &mut World, epochs: &Epochs, step: usize) {
            match step {
                0 => self.read = Some((world.row, epochs.stamp())),
                1 => world.row[0] = true,
                2 => self.change = epochs.advance(),
                3 => self.publication = epochs.mark(id(1), self.change).or_else(|| Some(epochs.publish(id(1)))),
                _ => {
                    let (row, stamp) = self.read.unwrap();
                    self.cached = self.publication.unwrap().stamp(stamp).map(|stamp| ([true, row[1]], stamp));
                }
            }
        }

        /// One step of the reader of the entry.
        fn check(&self, world: &mut World, epochs: &Epochs, step: usize) {
            if step == 0 {
                world.owed = world.acknowledged;
            } else if let Some((row, stamp)) = self.cached {
                let missing = world.owed[1] && !row[1];
                assert!(!(epochs.is_fresh(id(1), stamp) && missing), "an acknowledged change was not seen");
            }
        }
    }

    /// Runs every order in which actors of so many steps each can come between each other; returns how many there are.
    fn interleave(left: &mut [usize; 3], done: &mut Vec<usize>, run: &mut impl FnMut(&[usize])) -> u32 {
        if left.iter().all(|steps| *steps == 0) {
            run(done);
            return 1;
        }
        let mut count = 0;
        for actor in 0..left.len() {
            if left[actor] > 0 {
                left[actor] -= 1;
                done.push(actor);
                count += interleave(left, done, run);
                done.pop();
                left[actor] += 1;
            }
        }
        count
    }

    #[test]
    fn no_order_of_events_leaves_an_acknowledged_change_unseen() {
        let count = interleave(&mut [4; 3], &mut Vec::new(), &mut |order| {
            let (epochs, mut world, mut at) = (Epochs::new(1), World::default(), [0; 3]);
            for actor in order.iter().copied() {
                match actor {
                    2 => world.read(&epochs, at[actor]),
                    writer => world.write(&epochs, writer, at[actor]),
                }
                at[actor] += 1;
            }
        });
        assert_eq!(count, 34_650);
    }

    #[test]
    fn no_order_of_events_lets_a_writer_cache_what_another_has_changed() {
        let mut cached = 0;
        let count = interleave(&mut [5, 4, 2], &mut Vec::new(), &mut |order| {
            let (epochs, mut world, mut at) = (Epochs::new(1), World::default(), [0; 3]);
            let mut writer = CachingWriter::default();
            for actor in order.iter().copied() {
                match actor {
                    0 => writer.write(&mut world, &epochs, at[actor]),
                    1 => world.write(&epochs, 1, at[actor]),
                    _ => writer.check(&mut world, &epochs, at[actor]),
                }
                at[actor] += 1;
            }
            cached += u32::from(writer.cached.is_some());
        });
        assert_eq!(count, 6_930);
        assert!(cached > 0, "nothing was ever cached");
    }
}
