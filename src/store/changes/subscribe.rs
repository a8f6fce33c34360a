//! Subscribing to the events of the audit log as they are committed.

use tokio::sync::broadcast::error::TryRecvError;
use tokio::sync::{broadcast, watch};

use crate::store::Store;

use super::publisher::AuditMessage;

impl Store {
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
