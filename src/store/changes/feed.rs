//! Telling of committed changes: to whoever remembers what was read ([`Stamp`]), and to subscribers of the audit log.
//!
//! A transaction takes [`Notes`] of what it does, and once it is durable they are published, once. What other processes
//! commit is heard by an [`Ear`]: on PostgreSQL from a table in which every change is told, on SQLite by noticing that somebody
//! else has written.
//!
//! Audit events have one source each, so that every subscriber gets each of them once, and those of one token in the order of
//! the commits. On SQLite that is the publishing itself, because writes take turns. On PostgreSQL it is the ear, which hears of
//! this replica's commits too: the table holds those of all replicas.

use std::collections::BTreeSet;
use std::fmt::{Display, Write};
use std::sync::Arc;

use sea_orm::{ConnectionTrait, DbBackend, DbErr, RuntimeErr};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::TryRecvError;

use crate::domain::audit::AuditEvent;
use crate::domain::id::{EventId, TokenId};
use crate::domain::timestamp::Timestamp;

use crate::store::connect::pool::Pool;
use crate::store::{Error, Store, connect};

use super::epochs::{Epochs, Stamp};
use super::rounds::Rounds;
use super::wake::Wake;
use super::{postgres, sqlite};

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

/// What a transaction does, for those who must be told when it is durable. It names no setting and no value.
#[derive(Debug, Default)]
pub(in crate::store) struct Notes {
    /// The tokens whose facts it changes, other than the moment of their last use.
    tokens: BTreeSet<TokenId>,
    events: Vec<Arc<AuditEvent>>,
    /// What no statement of the transaction has told other replicas yet.
    untold: String,
}

impl Notes {
    /// Takes note of a token that is changed.
    pub(in crate::store) fn token(&mut self, id: TokenId) {
        if self.tokens.insert(id) {
            self.add_untold(id);
        }
    }

    /// Takes note of an event that is appended.
    pub(in crate::store) fn event(&mut self, event: Arc<AuditEvent>) {
        self.add_untold(event.id);
        self.events.push(event);
    }

    /// What other replicas are to be told that they are not told yet: ids only, at most a few hundred bytes; `None` where
    /// there is nothing to tell. Each id once, because an event that is told twice is heard twice.
    pub(in crate::store) fn take_untold(&mut self) -> Option<String> {
        Some(std::mem::take(&mut self.untold)).filter(|untold| !untold.is_empty())
    }

    /// The events that are appended.
    pub(in crate::store) fn events(&self) -> &[Arc<AuditEvent>] {
        &self.events
    }

    fn is_empty(&self) -> bool {
        self.tokens.is_empty() && self.events.is_empty()
    }

    fn add_untold(&mut self, id: impl Display) {
        let space = if self.untold.is_empty() { "" } else { " " };
        // It cannot fail: the text grows as it must.
        let _ = write!(self.untold, "{space}{id}");
    }
}

/// What another process has told.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) tokens: Vec<TokenId>,
    pub(super) events: Vec<EventId>,
    /// Whether something was told that this version does not know, so that anything may have changed.
    pub(super) unknown: bool,
}

impl Told {
    pub(super) fn add(&mut self, payload: &str) {
        for id in payload.split_whitespace() {
            if let Some(id) = TokenId::parse(id) {
                self.tokens.push(id);
            } else if let Some(id) = EventId::parse(id) {
                self.events.push(id);
            } else {
                self.unknown = true;
            }
        }
    }
}

/// Where changes are published and heard. One a process and database.
#[derive(Debug)]
pub(in crate::store) struct Feed {
    pub(super) epochs: Epochs,
    pub(super) events: broadcast::Sender<Heard>,
    /// Whether what this process commits is told to its subscribers here, and not by the ear.
    tells_own_events: bool,
    /// On PostgreSQL, what wakes the ears of all replicas.
    wake: Option<Wake>,
    /// On PostgreSQL, the questions of this process's ear.
    pub(super) rounds: Rounds,
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

    pub(super) fn tell(&self, heard: Heard) {
        // An error means that nobody listens.
        let _ = self.events.send(heard);
    }
}

/// What hears of other processes' commits. Dropping it ends the hearing.
#[derive(Debug)]
pub struct Ear(Kind);

#[derive(Debug)]
enum Kind {
    Sqlite(sqlite::Watch),
    Postgres(postgres::Listener),
}

impl Ear {
    /// Waits as [`Ear::wait`] does and then asks as [`Ear::ask`] does.
    ///
    /// # Errors
    /// As those.
    pub async fn hear(&mut self) -> Result<(), Error> {
        self.wait().await?;
        self.ask().await?;
        Ok(())
    }

    /// Waits for up to a second, or until there may be something to hear.
    ///
    /// # Errors
    /// When the connection to the database is lost. The ear is then of no use any more.
    pub async fn wait(&mut self) -> Result<(), Error> {
        match &mut self.0 {
            Kind::Sqlite(watch) => watch.wait().await,
            Kind::Postgres(listener) => listener.wait().await?,
        }
        Ok(())
    }

    /// Asks the database what there is to hear, and publishes it: what any process committed before this was called has been
    /// published when it returns. What the database's own clock said at that; `None` on SQLite, which has none.
    ///
    /// # Errors
    /// When the database does not answer. The ear is then of no use any more, and something may have been missed.
    pub async fn ask(&mut self) -> Result<Option<Timestamp>, Error> {
        match &mut self.0 {
            Kind::Sqlite(watch) => watch.ask().await.map(|()| None),
            Kind::Postgres(listener) => listener.ask().await.map(Some),
        }
    }
}

impl Store {
    /// Begins to hear of what other processes commit. If contact with the database was lost, it is regained by this.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn listen(&self) -> Result<Ear, Error> {
        if self.write.get_database_backend() == DbBackend::Sqlite {
            self.begin_era();
            return Ok(Ear(Kind::Sqlite(sqlite::Watch::begin(self.clone()))));
        }
        let server = self.write.server();
        let found = server.is_none();
        let server = match server {
            Some(server) => server,
            None => {
                let found = connect::postgres::find_primary(&self.servers).await;
                found.map_err(|words| DbErr::Conn(RuntimeErr::Internal(words)))?
            }
        };
        let listener = postgres::Listener::begin(self.clone(), server.clone()).await?;
        // What was committed while nobody listened may be anything. This comes after the listener's first snapshot and before any
        // connection to a server that was found anew: what is read by one of those and stamped after this is changed only by what
        // the listener hears, and whatever was stamped before is stale, also if it was read on the server of before.
        self.begin_era();
        if found {
            self.listings.regain(connect::postgres::open_listings(server.clone()).await?);
            self.write.regain(connect::postgres::open(server).await?);
        }
        Ok(Ear(Kind::Postgres(listener)))
    }

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_replica_tells_another_reads_back_and_anything_else_is_told_apart() {
        let now = Timestamp::from_unix_millis(0);
        let (token, event) = (TokenId::new(now, [1; 10]), EventId::new(now, [2; 10]));
        let mut told = Told::default();
        told.add(&format!("{token} {event}"));
        assert_eq!(told, Told { tokens: vec![token], events: vec![event], unknown: false });
        told.add("something else");
        assert!(told.unknown);
    }

    #[test]
    fn every_note_is_told_once() {
        let now = Timestamp::from_unix_millis(0);
        let (one, two) = (TokenId::new(now, [1; 10]), TokenId::new(now, [2; 10]));
        let mut notes = Notes::default();
        assert_eq!(notes.take_untold(), None);
        notes.token(one);
        notes.token(one);
        notes.token(two);
        assert_eq!(notes.take_untold(), Some(format!("{one} {two}")));
        notes.token(one);
        assert_eq!(notes.take_untold(), None);
        assert_eq!(notes.tokens.len(), 2, "they are still to be published here");
    }
}
