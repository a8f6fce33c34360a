//! Wakes the subscribers of the audit log in groups.
//!
//! Every change has an event for all of them. If a thousand subscribers were woken at the same time, they would be ahead of every
//! request in the queue of the runtime, including the one that made the change.

use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::yield_now;

/// The number of groups. The subscribers of one group are woken together.
const GROUPS: usize = 64;

/// The groups of subscribers. They only wake subscribers, which then read the event from their own subscription.
#[derive(Clone, Debug)]
pub(crate) struct FanOut(Arc<[watch::Sender<()>]>);

impl FanOut {
    /// Wakes subscribers whenever the signal changes, in a task that ends with the signal. The task is not a subscriber, so no
    /// events are read from the database for it.
    pub(crate) fn begin(signal: watch::Receiver<()>) -> Self {
        let groups: Arc<[_]> = (0..GROUPS).map(|_| watch::Sender::new(())).collect();
        tokio::spawn(wake(signal, groups.clone()));
        Self(groups)
    }

    /// A receiver that wakes one more subscriber.
    pub(crate) fn subscribe(&self) -> watch::Receiver<()> {
        let smallest = self.0.iter().min_by_key(|group| group.receiver_count());
        smallest.map_or_else(|| watch::channel(()).1, watch::Sender::subscribe)
    }
}

async fn wake(mut signal: watch::Receiver<()>, groups: Arc<[watch::Sender<()>]>) {
    loop {
        // Waking each group once is enough for all events so far.
        let is_closed = signal.changed().await.is_err();
        for group in groups.iter().filter(|group| group.receiver_count() > 0) {
            group.send_replace(());
            // Requests that have arrived in the meantime run before the next group.
            yield_now().await;
        }
        if is_closed {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn every_subscriber_is_woken_and_no_more_than_a_group_ahead_of_a_request() {
        const SUBSCRIBERS: usize = 10 * GROUPS;
        let signal = watch::Sender::default();
        let fan_out = FanOut::begin(signal.subscribe());
        let woken = Arc::new(AtomicUsize::new(0));
        let mut tasks = Vec::new();
        for _ in 0..SUBSCRIBERS {
            let (mut wake, woken) = (fan_out.subscribe(), woken.clone());
            tasks.push(tokio::spawn(async move {
                wake.changed().await.unwrap();
                woken.fetch_add(1, Ordering::Relaxed);
            }));
        }
        yield_now().await;
        signal.send_replace(());
        let mut before = 0;
        let all = async {
            while before < SUBSCRIBERS {
                // Like a request that waits in the queue of the runtime.
                yield_now().await;
                let after = woken.load(Ordering::Relaxed);
                assert!(after - before <= 10, "{before} and then {after}");
                before = after;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), all).await.unwrap();
    }
}
