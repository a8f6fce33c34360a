//! Publishes committed changes in this process: it makes cached entries stale ([`super::epochs::Stamp`]) and sends audit events to
//! subscribers.
//!
//! A transaction collects its changes in a [`ChangeSet`], which is published once the transaction is durable. A
//! [`ChangeListener`](crate::store::poll::listener::ChangeListener) finds out what other processes commit: on PostgreSQL from the
//! table `change`, on SQLite by noticing that another process has written.
//!
//! Each audit event has exactly one source, so subscribers get it once, and the events of one token in commit order. On SQLite the
//! source is publishing itself, because there is one writer. On PostgreSQL it is the listener. It also sees the commits of its own
//! replica, because the table holds those of all replicas.

use std::collections::BTreeSet;
use std::sync::Arc;

use sea_orm::{ConnectionTrait, DbBackend};
use tokio::sync::{Notify, broadcast, watch};

use crate::domain::audit::AuditEvent;
use crate::domain::id::TokenId;
use crate::metrics::{Distribution, Histogram, LATENCY_SECONDS};
use crate::store::connect::pool::Pool;

use super::change_set::ChangeSet;
use super::epochs::{Epochs, Publication};
use super::notify::Notifier;
use super::requested_polls::Polls;

/// The number of slots that tokens are hashed to: half a megabyte. A change to one token also makes the cache entries of the other
/// tokens in its slot stale.
const SLOTS: usize = 65_536;
/// How many events a slow subscriber may fall behind before it misses some.
const EVENT_BUFFER: usize = 1_024;

/// What a subscriber to the audit log receives.
#[derive(Clone, Debug)]
pub enum AuditMessage {
    /// An event was committed.
    Event(Arc<AuditEvent>),
    /// Contact with the database was lost, so events may have been missed.
    ContactLost,
}

/// The publisher: one for each process and database.
#[derive(Debug)]
pub(in crate::store) struct Publisher {
    pub(in crate::store) epochs: Epochs,
    pub(in crate::store) messages: broadcast::Sender<AuditMessage>,
    /// Changes with each message, for a task that must wake up but does not read messages.
    pub(in crate::store) signal: watch::Sender<()>,
    /// Notified when this process has written notices, for the task that sends them.
    pub(in crate::store) notices: Arc<Notify>,
    /// Whether this process's own events reach its subscribers when they are published, and not through the listener.
    pub(in crate::store) publishes_own_events: bool,
    /// On PostgreSQL, notifies the listeners of all replicas.
    notifier: Option<Notifier>,
    /// On PostgreSQL, the polls of this process's listener.
    pub(in crate::store) polls: Polls,
    /// On PostgreSQL, how long changes took to reach this process.
    pub(in crate::store) change_lag: Histogram,
}

impl Publisher {
    /// For a process that writes through this pool.
    pub(in crate::store) fn new(pool: &Pool) -> Arc<Self> {
        let publishes_own_events = pool.get_database_backend() == DbBackend::Sqlite;
        let notifier = (!publishes_own_events).then(|| Notifier::new(pool.clone()));
        Arc::new(Self {
            epochs: Epochs::new(SLOTS),
            messages: broadcast::Sender::new(EVENT_BUFFER),
            signal: watch::Sender::default(),
            notices: Arc::default(),
            publishes_own_events,
            notifier,
            polls: Polls::default(),
            change_lag: Histogram::new(LATENCY_SECONDS),
        })
    }

    /// How long changes took to reach this process; `None` on SQLite, which does not say when another process wrote.
    pub(in crate::store) fn change_lag(&self) -> Option<Distribution> {
        (!self.publishes_own_events).then(|| self.change_lag.get())
    }

    /// Publishes a durable transaction. Call it once, before the commit is acknowledged, in commit order.
    pub(in crate::store) fn publish(&self, changes: ChangeSet) -> Publication {
        if let Some(notifier) = self.notifier.as_ref().filter(|_| !changes.is_empty()) {
            notifier.request();
        }
        if changes.writes_notices {
            self.notices.notify_one();
        }
        let publication = self.publish_tokens(changes.tokens);
        if self.publishes_own_events {
            changes.events.into_iter().for_each(|event| self.send(AuditMessage::Event(event)));
        }
        publication
    }

    fn publish_tokens(&self, tokens: BTreeSet<TokenId>) -> Publication {
        let is_one = tokens.len() == 1;
        let last = tokens.into_iter().map(|id| self.epochs.publish(id)).last();
        last.filter(|_| is_one).unwrap_or(Publication::WITHOUT_STAMP)
    }

    /// Publishes a transaction whose outcome is unknown.
    pub(in crate::store) fn publish_uncertain(&self, changes: ChangeSet) {
        self.publish_tokens(changes.tokens);
        if self.publishes_own_events && !changes.events.is_empty() {
            self.send(AuditMessage::ContactLost);
        }
    }

    pub(in crate::store) fn send(&self, message: AuditMessage) {
        // An error means that there is no subscriber.
        let _ = self.messages.send(message);
        // After the message, so that a task that wakes up finds it.
        self.signal.send_replace(());
    }
}
