//! The feed of committed changes: it makes cached entries stale ([`super::epochs::Stamp`]) and feeds subscribers of the audit log.
//!
//! A transaction takes [`Notes`] of its changes, and they are published once it is durable. A
//! [`ChangeListener`](crate::store::listen::listener::ChangeListener) learns what other processes commit: on PostgreSQL from the
//! table `change`, on SQLite by noticing that another process has written.
//!
//! Each audit event has one source, so that a subscriber gets it once, and the events of one token in commit order. On SQLite the
//! source is publishing itself, because there is one writer. On PostgreSQL it is the listener, which also sees the commits of its
//! own replica, because the table holds those of all.

use std::sync::Arc;

use sea_orm::{ConnectionTrait, DbBackend};
use tokio::sync::{broadcast, watch};

use crate::domain::audit::AuditEvent;
use crate::store::connect::pool::Pool;

use super::change_set::Notes;
use super::epochs::Epochs;
use super::notify::Wake;
use super::polls::Rounds;

/// The slots over which tokens are spread. Two tokens of one slot make each other's cache entries stale. They take half a megabyte.
const SLOTS: usize = 65_536;
/// How many events a slow subscriber may be behind before it misses some.
const EVENTS_KEPT: usize = 1_024;

/// What a subscriber to the audit log receives.
#[derive(Clone, Debug)]
pub enum FeedMessage {
    /// An event was committed.
    Event(Arc<AuditEvent>),
    /// Events may have been missed; contact with the database was lost.
    Lost,
}

/// The feed: one for each process and database.
#[derive(Debug)]
pub(in crate::store) struct Feed {
    pub(in crate::store) epochs: Epochs,
    pub(in crate::store) events: broadcast::Sender<FeedMessage>,
    /// Changes with each message, for those that are to know that there is one and do not read it.
    pub(in crate::store) news: watch::Sender<()>,
    /// Whether the events of this process reach its subscribers when they are published, and not by the listener.
    pub(in crate::store) publishes_own_events: bool,
    /// On PostgreSQL, what wakes the listeners of all replicas.
    wake: Option<Wake>,
    /// On PostgreSQL, the polls of this process's listener.
    pub(in crate::store) rounds: Rounds,
}

impl Feed {
    /// For a process that writes by this pool.
    pub(in crate::store) fn new(pool: &Pool) -> Arc<Self> {
        let (epochs, events) = (Epochs::new(SLOTS), broadcast::Sender::new(EVENTS_KEPT));
        let publishes_own_events = pool.get_database_backend() == DbBackend::Sqlite;
        let wake = (!publishes_own_events).then(|| Wake::new(pool.clone()));
        Arc::new(Self {
            epochs,
            events,
            news: watch::Sender::default(),
            publishes_own_events,
            wake,
            rounds: Rounds::default(),
        })
    }

    /// Publishes a durable transaction. Call it once, before the commit is acknowledged, in the order of the commits.
    pub(in crate::store) fn publish(&self, notes: Notes) {
        if let Some(wake) = self.wake.as_ref().filter(|_| !notes.is_empty()) {
            wake.request();
        }
        self.epochs.publish(notes.tokens);
        if self.publishes_own_events {
            notes.events.into_iter().for_each(|event| self.send(FeedMessage::Event(event)));
        }
    }

    /// Publishes a transaction whose outcome is unknown.
    pub(in crate::store) fn publish_uncertain(&self, notes: Notes) {
        self.epochs.publish(notes.tokens);
        if self.publishes_own_events && !notes.events.is_empty() {
            self.send(FeedMessage::Lost);
        }
    }

    pub(in crate::store) fn send(&self, message: FeedMessage) {
        // An error means that there is no subscriber.
        let _ = self.events.send(message);
        // After it, so that whoever is woken finds it.
        self.news.send_replace(());
    }
}
