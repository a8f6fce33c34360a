//! Whether what was read from the database is still current, and what happens when contact with it is lost.

use sea_orm::{ConnectionTrait, DbBackend};

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

    /// Notifies subscribers that contact was lost and events may be missing. On PostgreSQL it also closes every connection, until
    /// [`Store::listen`] regains contact. Stamps become stale only when contact is regained. Until then no change is polled, so a
    /// cache must limit how long it trusts them.
    pub fn lose_contact(&self) {
        if self.write.get_database_backend() == DbBackend::Postgres {
            self.listings.lose();
            self.write.lose();
        }
        self.after_commit.publisher().send(AuditMessage::ContactLost);
    }
}
