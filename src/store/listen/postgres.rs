//! Hearing, on PostgreSQL, what every replica commits.
//!
//! A transaction that has something to tell adds a row to the table `change`, which others see if and when it commits. Each
//! replica asks for the rows that were committed since it last asked, twice a second and whenever it is woken ([`crate::store::changes::wake`]) or
//! somebody here waits for it ([`crate::store::changes::rounds`]).
//!
//! What "since" means is exact, whatever order transactions commit in: a snapshot names the transactions that were over when it
//! was taken (PostgreSQL documentation, "Transaction ID and Snapshot Information Functions"). A row is new if its transaction was
//! not over in the snapshot of the last question and is in that of this one, in which it is seen. Each is in that place once.
//!
//! Rows are deleted after some minutes, so whoever has not asked for one cannot know what it has missed and must say so.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use sea_orm::sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions, PgRow};
use sea_orm::sqlx::{self, Row};
use sea_orm::{DbErr, RuntimeErr};
use tokio::time::{Interval, MissedTickBehavior, interval, timeout};

use crate::domain::id::EventId;
use crate::domain::timestamp::Timestamp;
use crate::store::changes::feed::Heard;
use crate::store::changes::notes::Told;
use crate::store::changes::wake::CHANNEL;
use crate::store::connect::postgres::primary::{STANDBY, only_reads};
use crate::store::{Error, Store};

/// How often is asked at least, so that a change is heard within a second although nobody wakes (R10).
const PERIOD: Duration = Duration::from_millis(500);
/// How long to wait between one question and the next, however many wake.
const REST: Duration = Duration::from_millis(50);
/// How long the database may take to answer before contact is lost. For as long every request that needs it waits.
const PATIENCE: Duration = Duration::from_secs(2);
/// How many events are fetched by one query.
const BATCH: usize = 256;
/// After how long without a question, in milliseconds of the database's clock, something may have been missed. It is far less
/// than a row is kept.
const FORGOTTEN_AFTER_MILLIS: i64 = 60_000;
/// The snapshot from which on everything is to be heard, a moment before it was taken, and whether the server is none that may
/// write.
const NOW: &str = concat!(
    "SELECT pg_current_snapshot()::text, (extract(epoch FROM now()) * 1000)::bigint, ",
    only_reads!(),
    " AS only_reads"
);

/// The same of this question, a moment after that, and what was committed between the snapshot $1 and this. Not over in a
/// snapshot are the transactions that began after it (from its `xmax` on) and those that it lists; with the two apart, each is
/// found by the index.
const ASK: &str = concat!(
    "SELECT pg_current_snapshot()::text, (extract(epoch FROM now()) * 1000)::bigint, \
     (extract(epoch FROM clock_timestamp()) * 1000)::bigint, told.ids, ",
    only_reads!(),
    " AS only_reads FROM (VALUES (1)) AS one LEFT JOIN ( \
        SELECT seq, ids FROM change WHERE xid >= pg_snapshot_xmax($1::pg_snapshot) \
        UNION ALL \
        SELECT seq, ids FROM change WHERE xid = ANY (ARRAY(SELECT pg_snapshot_xip($1::pg_snapshot))) \
    ) AS told ON true ORDER BY told.seq"
);

pub(in crate::store) struct Listener {
    store: Store,
    connection: PgListener,
    period: Interval,
    turns: Interval,
    since: Since,
}

/// Up to where everything was heard.
#[derive(Debug)]
struct Since {
    /// The snapshot of the last question.
    snapshot: String,
    /// A moment before that was taken, in Unix milliseconds of the database's clock.
    at: i64,
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Listener")
    }
}

impl Since {
    /// Fails for a server that may not write: what it has seen is not up to date, and nobody would tell of the rest.
    fn of(row: &PgRow) -> Result<Self, sqlx::Error> {
        if row.try_get("only_reads")? {
            return Err(sqlx::Error::Protocol(STANDBY.to_owned()));
        }
        Ok(Self { snapshot: row.try_get(0)?, at: row.try_get(1)? })
    }
}

impl Listener {
    pub(in crate::store) async fn begin(store: Store, server: PgConnectOptions) -> Result<Self, Error> {
        // A connection of its own: it must not wait for others to be done, nor they for it when it has died.
        let pool = PgPoolOptions::new()
            .max_connections(1)
            .max_lifetime(None)
            .idle_timeout(None)
            .acquire_timeout(PATIENCE)
            .connect_lazy_with(server);
        let mut connection = answered(PgListener::connect_with(&pool)).await?;
        // It must not reconnect by itself: another server may be the database then.
        connection.eager_reconnect(false);
        answered(connection.listen(CHANNEL)).await?;
        let now = answered(sqlx::query(NOW).fetch_one(&mut connection)).await?;
        let since = Since::of(&now).map_err(failure)?;
        let [period, turns] = [PERIOD, REST].map(|length| {
            let mut interval = interval(length);
            interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
            interval
        });
        Ok(Self { store, connection, period, turns, since })
    }

    pub(in crate::store) async fn wait(&mut self) -> Result<(), Error> {
        let rounds = &self.store.durable.feed().rounds;
        tokio::select! {
            woken = self.connection.try_recv() => {
                woken.map_err(failure)?.ok_or_else(|| failure(sqlx::Error::PoolClosed))?;
                self.turns.tick().await;
            }
            () = rounds.wanted() => { self.turns.tick().await; }
            _ = self.period.tick() => {}
        }
        // What has come by now is about what is asked for next.
        while self.connection.next_buffered().is_some() {}
        self.period.reset();
        Ok(())
    }

    /// Publishes what was committed since this was last asked; the time by the database's clock when it was asked.
    pub(in crate::store) async fn ask(&mut self) -> Result<Timestamp, Error> {
        let round = self.store.durable.feed().rounds.begin();
        let (told, asked_at) = self.ask_what_is_new().await?;
        self.publish(told).await;
        self.store.durable.feed().rounds.end(round);
        Ok(asked_at)
    }

    async fn ask_what_is_new(&mut self) -> Result<(Told, Timestamp), Error> {
        let question = sqlx::query(ASK).bind(&self.since.snapshot).fetch_all(&mut self.connection);
        let rows = answered(question).await?;
        let mut told = Told::default();
        for row in &rows {
            if let Some(ids) = row.try_get::<Option<&str>, _>(3).map_err(failure)? {
                told.add(ids);
            }
        }
        let first = rows.first().ok_or_else(|| failure(sqlx::Error::RowNotFound))?;
        let since = Since::of(first).map_err(failure)?;
        let asked_at: i64 = first.try_get(2).map_err(failure)?;
        if asked_at - self.since.at > FORGOTTEN_AFTER_MILLIS {
            return Err(failure(sqlx::Error::Protocol("changes may have been deleted before they were polled".into())));
        }
        self.since = since;
        Ok((told, Timestamp::from_unix_millis(asked_at)))
    }

    async fn publish(&self, Told { tokens, events, unknown }: Told) {
        if unknown {
            self.store.begin_era();
        }
        // First, and without waiting for anything: this is what a revocation's second depends on (R10).
        self.store.durable.feed().epochs.publish(tokens);
        // Not for long: further changes wait to be published.
        if !matches!(timeout(PATIENCE, self.tell(&events)).await, Ok(Ok(()))) {
            // They are not to be had now; whoever waits for them must know that.
            self.store.durable.feed().tell(Heard::Lost);
        }
    }

    async fn tell(&self, ids: &[EventId]) -> Result<(), Error> {
        let feed = self.store.durable.feed();
        for ids in ids.chunks(BATCH).take_while(|_| feed.events.receiver_count() > 0) {
            let events = self.store.events_by_id(ids).await?;
            let mut events: HashMap<_, _> = events.into_iter().map(|event| (event.id, event)).collect();
            for event in ids.iter().filter_map(|id| events.remove(id)) {
                feed.tell(Heard::Event(Arc::new(event)));
            }
        }
        Ok(())
    }
}

async fn answered<T>(question: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, Error> {
    let answer = timeout(PATIENCE, question).await;
    answer.unwrap_or(Err(sqlx::Error::PoolTimedOut)).map_err(failure)
}

fn failure(err: sqlx::Error) -> Error {
    DbErr::Conn(RuntimeErr::SqlxError(Arc::new(err))).into()
}
