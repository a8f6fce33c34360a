//! Polling PostgreSQL for what every replica commits.
//!
//! A transaction that changes a token adds a row to the table `change`, which others see if and when it commits. Each replica polls
//! for the rows that were committed since its last poll: twice a second, when it is notified ([`crate::store::changes::notify`]),
//! and when a caller requests it ([`crate::store::changes::requested_polls`]).
//!
//! "Since" is exact, in whatever order transactions commit: a snapshot identifies the transactions that had ended when it was taken
//! (PostgreSQL documentation, "Transaction ID and Snapshot Information Functions"). A row is new if its transaction had not ended
//! in the snapshot of the last poll, and has ended in the snapshot of this poll, which sees the row. So each row is new exactly
//! once.
//!
//! Rows are deleted after some minutes. So a replica that has not polled for a minute treats contact as lost.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use sea_orm::sqlx::postgres::PgRow;
use sea_orm::sqlx::{self, Row};
use sea_orm::{DbErr, RuntimeErr};
use tokio::time::{Interval, MissedTickBehavior, interval, timeout};

use crate::domain::id::EventId;
use crate::domain::timestamp::Timestamp;
use crate::store::changes::change_set::Announced;
use crate::store::changes::publisher::AuditMessage;
use crate::store::connect::postgres::primary::{Primary, only_reads};
use crate::store::connect::unusable::STANDBY;
use crate::store::{Error, Store};

use super::postgres_connection::Connection;

/// The time between two polls, so that a change is seen within a second without a notification (R10).
const PERIOD: Duration = Duration::from_millis(500);
/// The least time between two polls, however many notifications arrive.
const MIN_INTERVAL: Duration = Duration::from_millis(50);
/// How long the database may take to answer before contact counts as lost. Requests that need the database wait as long.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);
/// How many events one query reads.
const BATCH: usize = 256;
/// The longest time between two polls, in milliseconds of the database's clock. After a longer time, changes may have been missed.
/// Rows are kept far longer.
const MAX_POLL_GAP_MILLIS: i64 = 60_000;
/// The first snapshot, a time just before it was taken, whether the server is read-only, and the table of the tokens with its file.
const NOW: &str = concat!(
    "SELECT pg_current_snapshot()::text, (extract(epoch FROM now()) * 1000)::bigint, ",
    only_reads!(),
    " AS only_reads, 'api_token'::regclass::oid::bigint AS tokens_table, pg_relation_filenode('api_token')::bigint AS tokens_file"
);

/// The same for this poll, a time just after it, and the rows that were committed between the snapshot $1 and this one. The
/// transactions that had not ended in a snapshot are those from its `xmax`, which began later, and those that it lists (`xip`). The
/// two conditions are separate, so that each can use the index. A row from a transaction of the future was restored from a backup of
/// another cluster. Without the last condition every poll would return it.
const POLL: &str = concat!(
    "SELECT pg_current_snapshot()::text, (extract(epoch FROM now()) * 1000)::bigint, \
     (extract(epoch FROM clock_timestamp()) * 1000)::bigint, announced.ids, \
     (extract(epoch FROM announced.at) * 1000)::bigint, ",
    only_reads!(),
    " AS only_reads, 'api_token'::regclass::oid::bigint AS tokens_table, pg_relation_filenode('api_token')::bigint AS tokens_file \
      FROM (VALUES (1)) AS one LEFT JOIN ( \
        SELECT seq, ids, at FROM change WHERE xid >= pg_snapshot_xmax($1::pg_snapshot) \
            AND xid < pg_snapshot_xmax(pg_current_snapshot()) \
        UNION ALL \
        SELECT seq, ids, at FROM change WHERE xid = ANY (ARRAY(SELECT pg_snapshot_xip($1::pg_snapshot))) \
    ) AS announced ON true ORDER BY announced.seq"
);

pub(in crate::store) struct Poller {
    store: Store,
    connection: Connection,
    period: Interval,
    pauses: Interval,
    since: Since,
}

/// The point up to which all changes were polled.
#[derive(Debug)]
struct Since {
    /// The snapshot of the last poll.
    snapshot: String,
    /// A time just before it was taken, in Unix milliseconds of the database's clock.
    at: i64,
    /// The number of the table `api_token`. Restoring a backup replaces the table, and adds no row to `change` that this replica would
    /// see.
    tokens_table: i64,
    /// The file of that table. `VACUUM FULL` and `CLUSTER` replace it and change nothing; `TRUNCATE` and loading data do, too.
    tokens_file: i64,
}

impl fmt::Debug for Poller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Poller")
    }
}

impl Since {
    /// Fails if the server is read-only: its rows may be old, and nothing would announce newer ones.
    fn of(row: &PgRow) -> Result<Self, sqlx::Error> {
        if row.try_get("only_reads")? {
            return Err(sqlx::Error::Protocol(STANDBY.to_owned()));
        }
        let (snapshot, at) = (row.try_get(0)?, row.try_get(1)?);
        Ok(Self { snapshot, at, tokens_table: row.try_get("tokens_table")?, tokens_file: row.try_get("tokens_file")? })
    }
}

impl Poller {
    pub(in crate::store) async fn begin(store: Store, primary: &Primary) -> Result<Self, Error> {
        let mut connection = answered(Connection::open(primary, ANSWER_TIMEOUT)).await?;
        let rows = answered(connection.fetch_all(sqlx::query(NOW))).await?;
        let since = rows.first().ok_or(sqlx::Error::RowNotFound).and_then(Since::of).map_err(failure)?;
        let [period, pauses] = [PERIOD, MIN_INTERVAL].map(|length| {
            let mut interval = interval(length);
            interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
            interval
        });
        Ok(Self { store, connection, period, pauses, since })
    }

    pub(in crate::store) async fn wait(&mut self) -> Result<(), Error> {
        let polls = &self.store.after_commit.publisher().polls;
        tokio::select! {
            () = self.store.write.found_dead() => return Err(dead()),
            () = self.store.listings.found_dead() => return Err(dead()),
            notified = self.connection.notified() => {
                notified.map_err(failure)?;
                self.pauses.tick().await;
            }
            () = polls.requested() => { self.pauses.tick().await; }
            _ = self.period.tick() => {}
        }
        // The next poll covers all notifications that have arrived by now.
        self.connection.drop_notifications();
        self.period.reset();
        Ok(())
    }

    /// Publishes what was committed since the last poll; returns the time of this poll by the database's clock.
    pub(in crate::store) async fn poll(&mut self) -> Result<Timestamp, Error> {
        let poll = self.store.after_commit.publisher().polls.begin();
        let (announced, polled_at) = self.poll_changes().await?;
        self.publish(announced).await;
        self.store.after_commit.publisher().polls.finish(poll);
        Ok(polled_at)
    }

    async fn poll_changes(&mut self) -> Result<(Announced, Timestamp), Error> {
        let poll = sqlx::query(POLL).bind(&self.since.snapshot);
        let rows = answered(self.connection.fetch_all(poll)).await?;
        let first = rows.first().ok_or_else(|| failure(sqlx::Error::RowNotFound))?;
        let since = Since::of(first).map_err(failure)?;
        let polled_at: i64 = first.try_get(2).map_err(failure)?;
        let mut announced = Announced::default();
        for row in &rows {
            if let Some(ids) = row.try_get::<Option<&str>, _>(3).map_err(failure)? {
                announced.add(ids);
            }
            if let Some(written_at) = row.try_get::<Option<i64>, _>(4).map_err(failure)? {
                let lag_millis = u64::try_from(polled_at.saturating_sub(written_at)).unwrap_or_default();
                self.store.after_commit.publisher().change_lag.observe(Duration::from_millis(lag_millis));
            }
        }
        if since.tokens_table != self.since.tokens_table {
            return Err(failure(sqlx::Error::Protocol("the tables were replaced, as by restoring a backup".into())));
        }
        if since.tokens_file != self.since.tokens_file {
            tracing::info!(name: "token_table_rewritten", "the table of tokens was rewritten, as by VACUUM FULL; reading all tokens again");
            announced.unknown = true;
        }
        if polled_at - self.since.at > MAX_POLL_GAP_MILLIS {
            return Err(failure(sqlx::Error::Protocol("changes may have been deleted before they were polled".into())));
        }
        self.since = since;
        Ok((announced, Timestamp::from_unix_millis(polled_at)))
    }

    async fn publish(&self, Announced { tokens, events, unknown }: Announced) {
        if unknown {
            self.store.invalidate_all();
        }
        // First, and without waiting for anything, because this is how revocations take effect (R10).
        for id in tokens {
            self.store.after_commit.publisher().epochs.publish(id);
        }
        // With a timeout, because the next poll waits for this.
        if !matches!(timeout(ANSWER_TIMEOUT, self.send(&events)).await, Ok(Ok(()))) {
            // The events cannot be read now, and subscribers must know that they missed some.
            self.store.after_commit.publisher().send(AuditMessage::ContactLost);
        }
    }

    async fn send(&self, ids: &[EventId]) -> Result<(), Error> {
        let publisher = self.store.after_commit.publisher();
        for ids in ids.chunks(BATCH).take_while(|_| self.store.has_audit_subscribers()) {
            let events = self.store.events_by_id(ids).await?;
            let mut events: HashMap<_, _> = events.into_iter().map(|event| (event.id, event)).collect();
            for event in ids.iter().filter_map(|id| events.remove(id)) {
                publisher.send(AuditMessage::Event(Arc::new(event)));
            }
        }
        Ok(())
    }
}

async fn answered<T>(poll: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, Error> {
    let answer = timeout(ANSWER_TIMEOUT, poll).await;
    answer.unwrap_or(Err(sqlx::Error::PoolTimedOut)).map_err(failure)
}

fn dead() -> Error {
    failure(sqlx::Error::Protocol("connections were cut off without being closed, or lead to another server".into()))
}

fn failure(err: sqlx::Error) -> Error {
    DbErr::Conn(RuntimeErr::SqlxError(Arc::new(err))).into()
}
