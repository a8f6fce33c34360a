//! How many messages are on their way at once. Each webhook has a slot of its own, so one that hangs never holds up another.

use std::collections::HashMap;

use crate::domain::id::WebhookId;

/// How many messages to one webhook are on their way at once.
const MAX_EACH: usize = 4;
/// How many messages are on their way besides one to each webhook, of which there are at most a hundred. Each takes about 50 kB with TLS.
const MAX_SHARED: usize = 28;

/// The messages on their way to each webhook.
#[derive(Debug, Default)]
pub(super) struct Slots(HashMap<WebhookId, usize>);

impl Slots {
    /// How many more messages may be sent to a webhook now. To one that fails it is one at a time: it is tried, and not flooded.
    pub(super) fn free(&self, webhook: WebhookId, is_failing: bool) -> usize {
        let used = self.0.get(&webhook).copied().unwrap_or_default();
        let own = 1_usize.saturating_sub(used);
        if is_failing {
            return own;
        }
        let shared: usize = self.0.values().map(|used| used.saturating_sub(1)).sum();
        own + (MAX_EACH - own).saturating_sub(used).min(MAX_SHARED.saturating_sub(shared))
    }

    /// A message is on its way.
    pub(super) fn take(&mut self, webhook: WebhookId) {
        *self.0.entry(webhook).or_default() += 1;
    }

    /// What became of it is known.
    pub(super) fn give_back(&mut self, webhook: WebhookId) {
        if let Some(used) = self.0.get_mut(&webhook) {
            *used = used.saturating_sub(1);
            if *used == 0 {
                self.0.remove(&webhook);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::timestamp::Timestamp;

    fn webhook(number: u8) -> WebhookId {
        WebhookId::new(Timestamp::MIN, [number; 10])
    }

    fn fill(slots: &mut Slots, number: u8, is_failing: bool) -> usize {
        let free = slots.free(webhook(number), is_failing);
        (0..free).for_each(|_| slots.take(webhook(number)));
        free
    }

    #[test]
    fn every_webhook_has_a_slot_however_many_others_hang() {
        let mut slots = Slots::default();
        let used: Vec<usize> = (0..100).map(|number| fill(&mut slots, number, false)).collect();
        assert_eq!(used[..11], [4, 4, 4, 4, 4, 4, 4, 4, 4, 2, 1]);
        assert!(used[10..].iter().all(|used| *used == 1));
        assert_eq!(used.iter().sum::<usize>(), 100 + MAX_SHARED);
        assert!((0..100).all(|number| slots.free(webhook(number), false) == 0));
        slots.give_back(webhook(0));
        assert_eq!((slots.free(webhook(0), false), slots.free(webhook(50), false)), (1, 1));
        slots.give_back(webhook(50));
        assert_eq!((slots.free(webhook(50), true), slots.free(webhook(50), false)), (1, 2));
    }

    #[test]
    fn a_webhook_has_four_slots_and_one_while_it_fails() {
        let mut slots = Slots::default();
        assert_eq!((slots.free(webhook(1), false), slots.free(webhook(1), true)), (4, 1));
        assert_eq!(fill(&mut slots, 1, true), 1);
        assert_eq!((slots.free(webhook(1), true), slots.free(webhook(1), false)), (0, 3));
        assert_eq!(fill(&mut slots, 1, false), 3);
        slots.give_back(webhook(2));
        assert_eq!(slots.free(webhook(1), false), 0);
        (0..4).for_each(|_| slots.give_back(webhook(1)));
        assert_eq!(slots.free(webhook(1), false), 4);
    }
}
