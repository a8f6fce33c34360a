//! Which requests are traced.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::metrics::Counter;

/// Decides which requests are traced.
#[derive(Debug)]
pub(super) struct Sampling {
    /// Of 2^63 equally likely numbers, how many lead to a trace.
    threshold: u64,
    followed_per_second: u32,
    /// A second, and in the lower half how many parents were followed in it.
    followed: AtomicU64,
    /// The parents that were not followed, because there were too many.
    pub(super) unfollowed: Counter,
}

impl Sampling {
    pub(super) fn new(ratio: f64, followed_per_second: u32) -> Self {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a ratio is from 0 to 1")]
        let threshold = (ratio.clamp(0.0, 1.0) * 2_f64.powi(63)) as u64;
        let (followed, unfollowed) = (AtomicU64::new(0), Counter::default());
        Self { threshold, followed_per_second, followed, unfollowed }
    }

    /// Whether no request is traced by chance.
    pub(super) fn is_never(&self) -> bool {
        self.threshold == 0
    }

    /// Whether to trace a request by chance.
    pub(super) fn by_chance(&self, random: u64) -> bool {
        random >> 1 < self.threshold
    }

    /// Whether to follow a parent that was sampled. Anyone can send one, so the number in a second is limited.
    pub(super) fn follows(&self, second: u32) -> bool {
        let counted = self.followed.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |followed| {
            let before = if followed >> 32 == u64::from(second) { followed & u64::from(u32::MAX) } else { 0 };
            (before < u64::from(self.followed_per_second)).then(|| u64::from(second) << 32 | (before + 1))
        });
        if counted.is_err() {
            self.unfollowed.increment();
        }
        counted.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ratio_is_met_exactly_at_its_ends() {
        assert!(Sampling::new(0.0, 0).is_never());
        for random in [0, 1, u64::MAX / 2, u64::MAX] {
            assert!(!Sampling::new(0.0, 0).by_chance(random));
            assert!(Sampling::new(1.0, 0).by_chance(random));
        }
        let half = Sampling::new(0.5, 0);
        assert!(half.by_chance(u64::MAX / 2) && !half.by_chance(u64::MAX / 2 + 1));
    }

    #[test]
    fn a_second_has_only_so_many_followed_parents() {
        let sampling = Sampling::new(0.0, 2);
        let followed: Vec<bool> = [7, 7, 7, 8, 8, 8].map(|second| sampling.follows(second)).into();
        assert_eq!(followed, [true, true, false, true, true, false]);
        assert_eq!(sampling.unfollowed.get(), 2);
        assert!(!Sampling::new(0.0, 0).follows(0));
    }
}
