//! What the rest of the server asks of the feed: whether what was read is still true, and which events are committed.

use sea_orm::{ConnectionTrait, DbBackend};
use tokio::sync::broadcast::error::TryRecvError;
use tokio::sync::{broadcast, watch};

use crate::domain::id::TokenId;
use crate::store::Store;

use super::epochs::Stamp;
use super::publisher::FeedMessage;

impl Store {
    /// The present moment in the order of changes. Take it before a read; it shows later whether what was read is still true.
    pub fn stamp(&self) -> Stamp {
        self.durable.feed().epochs.stamp()
    }

    /// Whether nothing that was read of this token after the stamp was taken has changed since, but for the moment of its last
    /// use. It knows what this process committed and what its [`ChangeListener`](crate::store::ChangeListener) has polled.
    pub fn is_fresh(&self, id: TokenId, stamp: Stamp) -> bool {
        self.durable.feed().epochs.is_fresh(id, stamp)
    }

    /// Makes every stamp stale, because a change may have been missed.
    pub fn begin_era(&self) {
        self.durable.feed().epochs.begin_era();
    }

    /// Reports to subscribers that contact was lost and events may be missing, and on PostgreSQL closes every connection until
    /// [`Store::listen`] regains contact. Stamps become stale only when contact is regained: until then no change is polled, so a
    /// cache must bound for how long it trusts them.
    pub fn lose_contact(&self) {
        if self.write.get_database_backend() == DbBackend::Postgres {
            self.listings.lose();
            self.write.lose();
        }
        self.durable.feed().send(FeedMessage::Lost);
    }

    /// Future audit events, each once, and those of one token in commit order. A subscriber that falls more than 1,024 events
    /// behind misses some. On SQLite they are the events of this process; on PostgreSQL those of every replica, while a
    /// [`ChangeListener`](crate::store::ChangeListener) polls, and some may have been committed a moment ago.
    pub fn audit_feed(&self) -> broadcast::Receiver<FeedMessage> {
        self.durable.feed().events.subscribe()
    }

    /// Changes whenever the audit feed has a new message. It does not count as a subscriber.
    pub fn audit_news(&self) -> watch::Receiver<()> {
        self.durable.feed().news.subscribe()
    }

    /// Whether anyone subscribes to the audit feed. While nobody does, no event is read from the database for it.
    pub fn has_audit_subscribers(&self) -> bool {
        self.durable.feed().events.receiver_count() > 0
    }

    /// Waits until a [`ChangeListener`](crate::store::ChangeListener) has polled all that was committed before this call, and drops
    /// it from the subscription; returns whether contact lasted. Without a listener it waits for ever.
    pub async fn catch_up(&self, subscriber: &mut broadcast::Receiver<FeedMessage>) -> bool {
        let feed = self.durable.feed();
        if !feed.publishes_own_events {
            feed.rounds.next().await;
        }
        loop {
            match subscriber.try_recv() {
                Ok(FeedMessage::Event(_)) | Err(TryRecvError::Lagged(_)) => {}
                Ok(FeedMessage::Lost) | Err(TryRecvError::Closed) => return false,
                Err(TryRecvError::Empty) => return true,
            }
        }
    }
}
