//! What the rest of the server asks about changes: whether what was read is still current, and which events are committed.

use sea_orm::{ConnectionTrait, DbBackend};
use tokio::sync::broadcast::error::TryRecvError;
use tokio::sync::{broadcast, watch};

use crate::domain::id::TokenId;
use crate::store::Store;

use super::epochs::Stamp;
use super::publisher::AuditMessage;

impl Store {
    /// The present point in the sequence of changes. Take it before a read; it tells later whether what was read is still current.
    pub fn stamp(&self) -> Stamp {
        self.after_commit.publisher().epochs.stamp()
    }

    /// Whether nothing about this token, except the time of its last use, has changed since the stamp was taken. This covers what
    /// this process committed and what its [`ChangeListener`](crate::store::ChangeListener) has polled.
    pub fn is_fresh(&self, id: TokenId, stamp: Stamp) -> bool {
        self.after_commit.publisher().epochs.is_fresh(id, stamp)
    }

    /// Makes every stamp stale, because a change may have been missed.
    pub fn invalidate_all(&self) {
        self.after_commit.publisher().epochs.invalidate_all();
    }

    /// Tells subscribers that contact was lost and events may be missing. On PostgreSQL it also closes every connection, until
    /// [`Store::listen`] regains contact. Stamps become stale only when contact is regained. Until then no change is polled, so a
    /// cache must limit how long it trusts them.
    pub fn lose_contact(&self) {
        if self.write.get_database_backend() == DbBackend::Postgres {
            self.listings.lose();
            self.write.lose();
        }
        self.after_commit.publisher().send(AuditMessage::ContactLost);
    }

    /// Subscribes to future audit events: each once, and those of one token in commit order. A subscriber that falls more than
    /// 1,024 events behind misses some. On SQLite these are the events of this process. On PostgreSQL they are those of every
    /// replica while a [`ChangeListener`](crate::store::ChangeListener) polls, and may include some that were committed just before
    /// this call.
    pub fn subscribe_to_audit_log(&self) -> broadcast::Receiver<AuditMessage> {
        self.after_commit.publisher().messages.subscribe()
    }

    /// Changes whenever there is a new message for subscribers. The receiver does not count as a subscriber.
    pub fn audit_log_signal(&self) -> watch::Receiver<()> {
        self.after_commit.publisher().signal.subscribe()
    }

    /// Whether there is a subscriber. Without one, no event is read from the database for the subscription.
    pub fn has_audit_subscribers(&self) -> bool {
        self.after_commit.publisher().messages.receiver_count() > 0
    }

    /// Waits until a [`ChangeListener`](crate::store::ChangeListener) has polled everything that was committed before this call,
    /// and drops those events from the subscription. Returns `false` if contact was lost. Without a listener it waits forever.
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
