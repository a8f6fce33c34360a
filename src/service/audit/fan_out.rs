//! Wakes the subscribers of the audit log a few at a time.
//!
//! Every change has an event for all of them. Woken at once, a thousand subscribers would be ahead of every request in the queue
//! of the runtime, that which made the change included.

use std::sync::Arc;

use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;
use tokio::task::yield_now;

use crate::store::FeedMessage;

/// Into how many groups subscribers are divided. Those of one group are woken together.
const GROUPS: usize = 64;

/// The groups of subscribers. An event is not passed on by these: each subscriber reads it from the feed once it is woken.
#[derive(Clone, Debug)]
pub(crate) struct FanOut(Arc<[watch::Sender<()>]>);

impl FanOut {
    /// Wakes subscribers for each event of this feed, in a task that ends with the feed.
    pub(crate) fn begin(feed: Receiver<FeedMessage>) -> Self {
        let groups: Arc<[_]> = (0..GROUPS).map(|_| watch::Sender::new(())).collect();
        tokio::spawn(wake(feed, groups.clone()));
        Self(groups)
    }

    /// What wakes one more subscriber.
    pub(crate) fn join(&self) -> watch::Receiver<()> {
        let smallest = self.0.iter().min_by_key(|group| group.receiver_count());
        smallest.map_or_else(|| watch::channel(()).1, watch::Sender::subscribe)
    }
}

async fn wake(mut feed: Receiver<FeedMessage>, groups: Arc<[watch::Sender<()>]>) {
    loop {
        let is_closed = matches!(feed.recv().await, Err(RecvError::Closed));
        // One round is enough for all events that there are by now.
        feed = feed.resubscribe();
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

    use tokio::sync::broadcast;

    use super::*;

    #[tokio::test]
    async fn every_subscriber_is_woken_and_no_more_than_a_group_ahead_of_a_request() {
        const SUBSCRIBERS: usize = 10 * GROUPS;
        let events = broadcast::Sender::new(8);
        let fan_out = FanOut::begin(events.subscribe());
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
        events.send(FeedMessage::Lost).unwrap();
        let mut before = 0;
        while before < SUBSCRIBERS {
            // As a request does that waits for its turn.
            yield_now().await;
            let after = woken.load(Ordering::Relaxed);
            assert!(after - before <= 10, "{before} and then {after}");
            before = after;
        }
    }
}
