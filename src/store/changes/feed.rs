//! Telling of committed changes: to whoever remembers what was read ([`super::epochs::Stamp`]), and to subscribers of the audit log.
//!
//! A transaction takes [`Notes`] of what it does, and once it is durable they are published, once. What other processes
//! commit is heard by an [`crate::store::listen::listener::Ear`]: on PostgreSQL from a table in which every change is told, on SQLite by noticing that somebody
//! else has written.
//!
//! Audit events have one source each, so that every subscriber gets each of them once, and those of one token in the order of
//! the commits. On SQLite that is the publishing itself, because writes take turns. On PostgreSQL it is the ear, which hears of
//! this replica's commits too: the table holds those of all replicas.

use std::sync::Arc;

use sea_orm::{ConnectionTrait, DbBackend};
use tokio::sync::broadcast;

use crate::domain::audit::AuditEvent;
use crate::store::connect::pool::Pool;

use super::epochs::Epochs;
use super::notes::Notes;
use super::rounds::Rounds;
use super::wake::Wake;

/// Over how many slots tokens are spread, so that one seldom makes what is remembered of another stale: half a megabyte.
const SLOTS: usize = 65_536;
/// How many events a slow subscriber may be behind before it misses some.
const EVENTS_KEPT: usize = 1_024;

/// What a subscriber to the audit log hears.
#[derive(Clone, Debug)]
pub enum Heard {
    /// An event was committed.
    Event(Arc<AuditEvent>),
    /// Events may have been missed; contact with the database was lost.
    Lost,
}

/// Where changes are published and heard. One a process and database.
#[derive(Debug)]
pub(in crate::store) struct Feed {
    pub(in crate::store) epochs: Epochs,
    pub(in crate::store) events: broadcast::Sender<Heard>,
    /// Whether what this process commits is told to its subscribers here, and not by the ear.
    pub(in crate::store) tells_own_events: bool,
    /// On PostgreSQL, what wakes the ears of all replicas.
    wake: Option<Wake>,
    /// On PostgreSQL, the questions of this process's ear.
    pub(in crate::store) rounds: Rounds,
}

impl Feed {
    /// For a process that writes by this pool.
    pub(in crate::store) fn new(pool: &Pool) -> Arc<Self> {
        let (epochs, events) = (Epochs::new(SLOTS), broadcast::Sender::new(EVENTS_KEPT));
        let tells_own_events = pool.get_database_backend() == DbBackend::Sqlite;
        let wake = (!tells_own_events).then(|| Wake::new(pool.clone()));
        Arc::new(Self { epochs, events, tells_own_events, wake, rounds: Rounds::default() })
    }

    /// Tells of a transaction that is durable. To be called once, before it is acknowledged, and in the order of the
    /// commits.
    pub(in crate::store) fn publish(&self, notes: Notes) {
        if let Some(wake) = self.wake.as_ref().filter(|_| !notes.is_empty()) {
            wake.ask();
        }
        self.epochs.publish(notes.tokens);
        if self.tells_own_events {
            notes.events.into_iter().for_each(|event| self.tell(Heard::Event(event)));
        }
    }

    /// Tells of a transaction of which nobody knows whether it took place.
    pub(in crate::store) fn publish_doubtful(&self, notes: Notes) {
        self.epochs.publish(notes.tokens);
        if self.tells_own_events && !notes.events.is_empty() {
            self.tell(Heard::Lost);
        }
    }

    pub(in crate::store) fn tell(&self, heard: Heard) {
        // An error means that nobody listens.
        let _ = self.events.send(heard);
    }
}
