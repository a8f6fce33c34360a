//! Looking up presented values by their hash, in batches.
//!
//! On SQLite most of the cost of a lookup is handing it to the connection's thread and back. So lookups that arrive while others
//! run are batched into the next statement. A single lookup never waits. On PostgreSQL, where the round trip dominates, each lookup
//! uses its own connection.
//!
//! A statement begins after every lookup in it was requested, and reads one snapshot. So each lookup sees everything that was
//! durable when it was requested.

use std::array;
use std::num::NonZero;
use std::sync::{Arc, LazyLock};

use sea_orm::{ConnectionTrait, DbErr, QueryResult, RuntimeErr, Statement};
use tokio::sync::{Semaphore, mpsc, oneshot};

use crate::domain::token::Token;
use crate::domain::value::ValueHash;

use crate::store::Error;
use crate::store::connect::pool::Pool;
use crate::traces;

use super::columns;
use super::read::{self, Row};

/// The largest batch, for which the last of the statements has placeholders.
const MAX_BATCH: usize = 1 << (SIZES - 1);
const SIZES: usize = 6;

/// The statements for one hash, two, four, and so on. Powers of two keep the number of prepared statements small.
static STATEMENTS: LazyLock<[String; SIZES]> = LazyLock::new(|| array::from_fn(|power| statement(1 << power)));

/// How many statements may run at once: one less than there are connections, so that one is left for other reads.
const MAX_STATEMENTS: usize = 3;

/// The columns before those of the token: the hash that was presented, and its generation.
const LEADING_COLUMNS: usize = 2;

/// A token and the generation of the value that was looked up.
type Found = (Token, u32);

/// A hash that was presented, and a row for it.
type Presented<'a> = (Vec<u8>, &'a QueryResult);

/// A lookup that waits for its result.
struct LookupRequest {
    hash: ValueHash,
    answer: oneshot::Sender<Result<Option<Found>, Error>>,
}

/// The queue of lookups on SQLite.
#[derive(Clone, Debug)]
pub(in crate::store) struct LookupQueue {
    queue: mpsc::UnboundedSender<LookupRequest>,
}

fn statement(hashes: usize) -> String {
    let places: Vec<String> = (1..=hashes).map(|place| format!("${place}")).collect();
    format!(
        "SELECT presented.hash, presented.generation, {columns} FROM api_token_value AS presented \
         JOIN api_token ON api_token.id = presented.token_id \
         JOIN api_token_value ON {values} WHERE presented.hash IN ({places})",
        columns = *read::COLUMNS,
        values = read::JOIN_VALUES,
        places = places.join(", ")
    )
}

impl LookupQueue {
    /// A queue for this pool. Its task ends when the last clone of the queue is dropped.
    pub(in crate::store) fn new(pool: Pool) -> Self {
        let (queue, asked) = mpsc::unbounded_channel();
        tokio::spawn(answer_all(pool, asked));
        Self { queue }
    }

    /// Looks a hash up, batched with others.
    pub(in crate::store) async fn find(&self, hash: &ValueHash) -> Result<Option<Found>, Error> {
        let (answer, found) = oneshot::channel();
        self.queue.send(LookupRequest { hash: *hash, answer }).map_err(|_| gone())?;
        let span = traces::database("sqlite", "SELECT");
        span.end(found.await.unwrap_or_else(|_| Err(gone())))
    }
}

/// Looks a hash up alone.
pub(in crate::store) async fn find(connection: &Pool, hash: &ValueHash) -> Result<Option<Found>, Error> {
    found(&presented(&ask(connection, &[*hash]).await?)?, hash)
}

/// Takes lookups from the queue and answers them. Lookups that arrive while the maximum number of statements runs become one batch.
async fn answer_all(pool: Pool, mut queue: mpsc::UnboundedReceiver<LookupRequest>) {
    // Half of the cores; the other half is left for the callers.
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    let statements = Arc::new(Semaphore::new(cores.div_ceil(2).min(MAX_STATEMENTS)));
    // The semaphore is never closed.
    while let Ok(statement) = statements.clone().acquire_owned().await {
        let mut asked = Vec::with_capacity(MAX_BATCH);
        if queue.recv_many(&mut asked, MAX_BATCH).await == 0 {
            return;
        }
        let pool = pool.clone();
        tokio::spawn(async move {
            answer(&pool, asked).await;
            drop(statement);
        });
    }
}

async fn answer(pool: &Pool, mut asked: Vec<LookupRequest>) {
    asked.retain(|asked| !asked.answer.is_closed());
    let hashes: Vec<ValueHash> = asked.iter().map(|asked| asked.hash).collect();
    let rows = ask(pool, &hashes).await;
    let presented = rows.as_deref().map_err(DbErr::clone).and_then(presented);
    for LookupRequest { hash, answer } in asked {
        let found = presented.as_deref().map_err(|err| err.clone().into()).and_then(|rows| found(rows, &hash));
        // An error means that the caller is gone.
        let _ = answer.send(found);
    }
}

/// The rows of these hashes, at most [`MAX_BATCH`].
async fn ask(connection: &Pool, hashes: &[ValueHash]) -> Result<Vec<QueryResult>, DbErr> {
    if hashes.is_empty() {
        return Ok(Vec::new());
    }
    let places = hashes.len().next_power_of_two();
    let sql = STATEMENTS.get(places.ilog2() as usize).cloned().unwrap_or_else(|| statement(places));
    // The placeholders that are left over get the last hash again, which adds no rows.
    let padding = hashes.last().into_iter().cycle().take(places - hashes.len());
    let values = hashes.iter().chain(padding).map(|hash| hash.0.to_vec().into());
    let statement = Statement::from_sql_and_values(connection.get_database_backend(), sql, values);
    connection.query_all_raw(statement).await
}

/// The rows, each with the hash that was presented for it.
fn presented(rows: &[QueryResult]) -> Result<Vec<Presented<'_>>, DbErr> {
    rows.iter().map(|row| Ok((row.try_get_by_index(0)?, row))).collect()
}

/// The token and generation in the rows of this hash.
fn found(rows: &[Presented<'_>], hash: &ValueHash) -> Result<Option<Found>, Error> {
    let of_hash = || rows.iter().filter(|(presented, _)| *presented == hash.0).map(|(_, row)| *row);
    let Some(first) = of_hash().next() else { return Ok(None) };
    let generation = columns::to_u32(first.try_get_by_index(1)?)?;
    Ok(read::tokens(of_hash().map(|row| Row::read(row, LEADING_COLUMNS)))?.pop().map(|token| (token, generation)))
}

/// The error if the task has ended, which happens only when the whole process ends.
fn gone() -> Error {
    DbErr::Conn(RuntimeErr::Internal("the reading connection is gone".to_owned())).into()
}
