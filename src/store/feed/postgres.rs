//! Hearing, on PostgreSQL, what every replica commits.
//!
//! A transaction that has something to tell calls `pg_notify` itself, so that the server delivers it if and when the
//! transaction commits, and to every listener in the order of the commits (PostgreSQL documentation, "NOTIFY"). One
//! connection of each replica listens. It is asked something every second, because a connection that has died without a word
//! looks like one on which nothing happens.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use sea_orm::sqlx::postgres::{PgListener, PgPoolOptions};
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, RuntimeErr, Statement, sqlx};
use tokio::time::{Interval, MissedTickBehavior, interval, timeout};

use crate::domain::id::EventId;
use crate::store::{Error, Store};

use super::{CHANNEL, Heard, Told};

/// How often the connection is asked whether it still answers.
const PERIOD: Duration = Duration::from_secs(1);
/// How long it may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);
/// How many notifications are looked into together: their events are fetched by one query.
const BATCH: usize = 64;

pub(super) struct Listener {
    store: Store,
    connection: PgListener,
    seconds: Interval,
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Listener")
    }
}

impl Listener {
    pub(super) async fn begin(store: Store) -> Result<Self, Error> {
        // A connection of its own: it must not wait for others to be done, nor they for it when it has died.
        let options = store.write.get_postgres_connection_pool().connect_options();
        let pool = PgPoolOptions::new()
            .max_connections(1)
            .max_lifetime(None)
            .idle_timeout(None)
            .acquire_timeout(PATIENCE)
            .connect_lazy_with(options.as_ref().clone());
        let mut connection = answered(PgListener::connect_with(&pool)).await?;
        // It must not reconnect by itself: what is told meanwhile would be missed unnoticed.
        connection.eager_reconnect(false);
        answered(connection.listen(CHANNEL)).await?;
        let mut seconds = interval(PERIOD);
        seconds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Ok(Self { store, connection, seconds })
    }

    pub(super) async fn hear(&mut self) -> Result<(), Error> {
        loop {
            let notification = tokio::select! {
                notification = self.connection.try_recv() => notification.map_err(failure)?,
                _ = self.seconds.tick() => break,
            };
            let Some(notification) = notification else { return Err(failure(sqlx::Error::PoolClosed)) };
            let mut told = Told::default();
            told.add(notification.payload());
            self.publish(told).await;
        }
        // Whatever was committed before this question is delivered before its answer, into the buffer.
        answered(sqlx::Executor::execute(&mut self.connection, "SELECT 1")).await?;
        self.publish(Told::default()).await;
        Ok(())
    }

    /// Publishes this, and what else has come.
    async fn publish(&mut self, mut told: Told) {
        loop {
            for _ in 0..BATCH {
                match self.connection.next_buffered() {
                    Some(notification) => told.add(notification.payload()),
                    None => break,
                }
            }
            let Told { tokens, events, unknown } = std::mem::take(&mut told);
            if tokens.is_empty() && events.is_empty() && !unknown {
                return;
            }
            if unknown {
                self.store.begin_era();
            }
            // First, and without waiting for anything: this is what a revocation's second depends on (R10).
            self.store.durable.feed().epochs.publish(tokens);
            if self.store.durable.feed().events.receiver_count() > 0 && !events.is_empty() {
                self.tell(&events).await;
            }
        }
    }

    async fn tell(&self, ids: &[EventId]) {
        // Not for long: further changes wait to be published.
        match timeout(PATIENCE, self.store.events_by_id(ids)).await {
            Ok(Ok(events)) => {
                let mut events: HashMap<_, _> = events.into_iter().map(|event| (event.id, event)).collect();
                for event in ids.iter().filter_map(|id| events.remove(id)) {
                    self.store.durable.feed().tell(Heard::Event(Arc::new(event)));
                }
            }
            // They are not to be had now; whoever waits for them must know that.
            _ => self.store.durable.feed().tell(Heard::Lost),
        }
    }
}

/// Tells the other replicas, and this one's own ear, if and when this transaction commits.
pub(in crate::store) async fn notify(transaction: &DatabaseTransaction, payload: String) -> Result<(), Error> {
    let values = [CHANNEL.into(), payload.into()];
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, "SELECT pg_notify($1, $2)", values);
    transaction.query_one_raw(statement).await?;
    Ok(())
}

async fn answered<T>(question: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, Error> {
    let answer = timeout(PATIENCE, question).await;
    answer.unwrap_or(Err(sqlx::Error::PoolTimedOut)).map_err(failure)
}

fn failure(err: sqlx::Error) -> Error {
    DbErr::Conn(RuntimeErr::SqlxError(Arc::new(err))).into()
}
