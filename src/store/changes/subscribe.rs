//! What the rest of the server asks of the feed: whether what was read is still true, and which events are committed.

use sea_orm::{ConnectionTrait, DbBackend};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::TryRecvError;

use crate::domain::id::TokenId;
use crate::store::Store;

use super::epochs::Stamp;
use super::feed::Heard;

impl Store {
    /// The present moment in the order of changes. Taken before a read, it tells later whether what was read is still true.
    pub fn stamp(&self) -> Stamp {
        self.durable.feed().epochs.stamp()
    }

    /// Whether nothing that was read of this token after the stamp was taken has changed since, but for the moment of its last
    /// use. It knows what this process committed and what its [`Ear`] has heard; without one it knows no more.
    pub fn is_fresh(&self, id: TokenId, stamp: Stamp) -> bool {
        self.durable.feed().epochs.is_fresh(id, stamp)
    }

    /// Makes every stamp stale, because something may have changed unheard.
    pub fn begin_era(&self) {
        self.durable.feed().epochs.begin_era();
    }

    /// Tells subscribers that events may be missing, because contact was lost, and on PostgreSQL gives up every connection, until
    /// [`Store::listen`] regains contact. No stamp becomes stale by this, but by regaining contact: until then nothing is heard,
    /// so whoever goes by stamps has to know for how long contact has been lost.
    pub fn lose_contact(&self) {
        if self.write.get_database_backend() == DbBackend::Postgres {
            self.listings.lose();
            self.write.lose();
        }
        self.durable.feed().tell(Heard::Lost);
    }

    /// The audit events that are heard from now on, each once, and those of one token in the order of the commits. Nothing is
    /// kept for a subscriber that is more than 1,024 events behind. On SQLite they are those of this process; on PostgreSQL those
    /// of every replica, while an [`Ear`] hears, and some may have been committed a moment ago.
    pub fn audit_feed(&self) -> broadcast::Receiver<Heard> {
        self.durable.feed().events.subscribe()
    }

    /// Waits until an [`Ear`] has heard all that was committed before this, and leaves it out of what the subscriber is told;
    /// whether contact lasted. Without an ear it waits for ever.
    pub async fn catch_up(&self, subscriber: &mut broadcast::Receiver<Heard>) -> bool {
        let feed = self.durable.feed();
        if !feed.tells_own_events {
            feed.rounds.next().await;
        }
        loop {
            match subscriber.try_recv() {
                Ok(Heard::Event(_)) | Err(TryRecvError::Lagged(_)) => {}
                Ok(Heard::Lost) | Err(TryRecvError::Closed) => return false,
                Err(TryRecvError::Empty) => return true,
            }
        }
    }
}
