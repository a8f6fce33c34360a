//! What the rest of the server asks of the feed: whether what was read is still true, and which events are committed.

use sea_orm::{ConnectionTrait, DbBackend};
use tokio::sync::broadcast::error::TryRecvError;
use tokio::sync::{broadcast, watch};

use crate::domain::id::TokenId;
use crate::store::Store;

use super::epochs::Stamp;
use super::publisher::AuditMessage;

impl Store {
    /// The present moment in the order of changes. Take it before a read; it shows later whether what was read is still true.
    pub fn stamp(&self) -> Stamp {
        self.after_commit.publisher().epochs.stamp()
    }

    /// Whether nothing that was read of this token after the stamp was taken has changed since, but for the moment of its last
    /// use. It knows what this process committed and what its [`ChangeListener`](crate::store::ChangeListener) has polled.
    pub fn is_fresh(&self, id: TokenId, stamp: Stamp) -> bool {
        self.after_commit.publisher().epochs.is_fresh(id, stamp)
    }

    /// Makes every stamp stale, because a change may have been missed.
    pub fn invalidate_all(&self) {
        self.after_commit.publisher().epochs.invalidate_all();
    }

    /// Reports to subscribers that contact was lost and events may be missing, and on PostgreSQL closes every connection until
    /// [`Store::listen`] regains contact. Stamps become stale only when contact is regained: until then no change is polled, so a
    /// cache must bound for how long it trusts them.
    pub fn lose_contact(&self) {
        if self.write.get_database_backend() == DbBackend::Postgres {
            self.listings.lose();
            self.write.lose();
        }
        self.after_commit.publisher().send(AuditMessage::ContactLost);
    }

    /// Future audit events, each once, and those of one token in commit order. A subscriber that falls more than 1,024 events
    /// behind misses some. On SQLite they are the events of this process; on PostgreSQL those of every replica, while a
    /// [`ChangeListener`](crate::store::ChangeListener) polls, and some may have been committed a moment ago.
    pub fn subscribe_to_audit_log(&self) -> broadcast::Receiver<AuditMessage> {
        self.after_commit.publisher().messages.subscribe()
    }

    /// Changes whenever the audit feed has a new message. It does not count as a subscriber.
    pub fn audit_log_signal(&self) -> watch::Receiver<()> {
        self.after_commit.publisher().signal.subscribe()
    }

    /// Whether anyone subscribes to the audit feed. While nobody does, no event is read from the database for it.
    pub fn has_audit_subscribers(&self) -> bool {
        self.after_commit.publisher().messages.receiver_count() > 0
    }

    /// Waits until a [`ChangeListener`](crate::store::ChangeListener) has polled all that was committed before this call, and drops
    /// it from the subscription; returns whether contact lasted. Without a listener it waits for ever.
    pub async fn catch_up(&self, subscriber: &mut broadcast::Receiver<AuditMessage>) -> bool {
        let publisher = self.after_commit.publisher();
        if !publisher.publishes_own_events {
            publisher.polls.next().await;
        }
        loop {
            match subscriber.try_recv() {
                Ok(AuditMessage::Event(_)) | Err(TryRecvError::Lagged(_)) => {}
                Ok(AuditMessage::ContactLost) | Err(TryRecvError::Closed) => return false,
                Err(TryRecvError::Empty) => return true,
            }
        }
    }
}
