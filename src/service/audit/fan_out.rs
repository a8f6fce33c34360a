//! Wakes the subscribers of the audit log a few at a time.
//!
//! Every change has an event for all of them. Woken at once, a thousand subscribers would be ahead of every request in the queue
//! of the runtime, that which made the change included.

use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::yield_now;

/// Into how many groups subscribers are divided. Those of one group are woken together.
const GROUPS: usize = 64;

/// The groups of subscribers. An event is not passed on by these: each subscriber reads it from the feed once it is woken.
#[derive(Clone, Debug)]
pub(crate) struct FanOut(Arc<[watch::Sender<()>]>);

impl FanOut {
    /// Wakes subscribers whenever there is news, in a task that ends with it. It subscribes to no feed, so that events are read
    /// from the database only for those who do.
    pub(crate) fn begin(news: watch::Receiver<()>) -> Self {
        let groups: Arc<[_]> = (0..GROUPS).map(|_| watch::Sender::new(())).collect();
        tokio::spawn(wake(news, groups.clone()));
        Self(groups)
    }

    /// What wakes one more subscriber.
    pub(crate) fn join(&self) -> watch::Receiver<()> {
        let smallest = self.0.iter().min_by_key(|group| group.receiver_count());
        smallest.map_or_else(|| watch::channel(()).1, watch::Sender::subscribe)
    }
}

async fn wake(mut news: watch::Receiver<()>, groups: Arc<[watch::Sender<()>]>) {
    loop {
        // One round is enough for all events that there are by now.
        let is_closed = news.changed().await.is_err();
        for group in groups.iter().filter(|group| group.receiver_count() > 0) {
            group.send_replace(());
            // Requests that have come meanwhile go before the next group.
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
        let news = watch::Sender::default();
        let fan_out = FanOut::begin(news.subscribe());
        let woken = Arc::new(AtomicUsize::new(0));
        let mut tasks = Vec::new();
        for _ in 0..SUBSCRIBERS {
            let (mut wake, woken) = (fan_out.join(), woken.clone());
            tasks.push(tokio::spawn(async move {
                wake.changed().await.unwrap();
                woken.fetch_add(1, Ordering::Relaxed);
            }));
        }
        yield_now().await;
        news.send_replace(());
        let mut before = 0;
        let all = async {
            while before < SUBSCRIBERS {
                // As a request does that waits for its turn.
                yield_now().await;
                let after = woken.load(Ordering::Relaxed);
                assert!(after - before <= 10, "{before} and then {after}");
                before = after;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), all).await.unwrap();
    }
}
