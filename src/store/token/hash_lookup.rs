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

use sea_orm::{ConnectionTrait, DbBackend, DbErr, RuntimeErr, Statement};
use tokio::sync::{Semaphore, mpsc, oneshot};

use crate::domain::token::Token;
use crate::domain::value::ValueHash;

use crate::store::Error;
use crate::store::connect::pool::Pool;
use crate::traces;

use super::columns::Columns;
use super::read::{self, PRESENTED_HASH, Row, Rows, TokenRows};

/// The largest batch, for which the last of the statements has placeholders.
const MAX_BATCH: usize = 1 << (SIZES - 1);
const SIZES: usize = 6;

/// The statements for one hash, two, four, and so on. Powers of two keep the number of prepared statements small.
static STATEMENTS: LazyLock<[String; SIZES]> =
    LazyLock::new(|| array::from_fn(|power| statement(DbBackend::Sqlite, 1 << power)));
/// The statement of PostgreSQL, for one hash.
static STATEMENT: LazyLock<String> = LazyLock::new(|| statement(DbBackend::Postgres, 1));

/// How many statements may run at once: one less than there are connections, so that one is left for other reads.
const MAX_STATEMENTS: usize = 3;

/// A token and the generation of the value that was looked up.
type Found = (Token, u32);

/// A hash that was presented, its generation, and a row for it.
struct Presented<'a> {
    hash: ValueHash,
    generation: u32,
    columns: Columns<'a>,
}

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

fn statement(backend: DbBackend, hashes: usize) -> String {
    let places: Vec<String> = (1..=hashes).map(|place| format!("${place}")).collect();
    format!(
        "{select} FROM api_token_value AS presented JOIN api_token ON api_token.id = presented.token_id \
         JOIN api_token_value ON {values} WHERE {PRESENTED_HASH} IN ({places})",
        select = read::select_with(backend, &format!("{PRESENTED_HASH}, presented.generation, ")),
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
    found(&presented(&ask(connection, &[*hash]).await?.read()?)?, hash)
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
    if hashes.is_empty() {
        return;
    }
    let rows = ask(pool, &hashes).await.map_err(Error::from);
    let rows = rows.as_ref().map_err(Error::clone).and_then(TokenRows::read);
    let presented = rows.as_ref().map_err(Error::clone).and_then(presented);
    for LookupRequest { hash, answer } in asked {
        let found = match &presented {
            Ok(rows) => found(rows, &hash),
            // A damaged row of one token must not fail the others.
            Err(Error::Unreadable(_) | Error::Refused(_)) if hashes.len() > 1 => find(pool, &hash).await,
            Err(err) => Err(err.clone()),
        };
        // An error means that the caller is gone.
        let _ = answer.send(found);
    }
}

/// The rows of these hashes, of which there are at most [`MAX_BATCH`], and one on PostgreSQL.
async fn ask(connection: &Pool, hashes: &[ValueHash]) -> Result<TokenRows, DbErr> {
    let backend = connection.get_database_backend();
    let places = hashes.len().next_power_of_two();
    let sql = match backend {
        DbBackend::Sqlite => STATEMENTS.get(places.ilog2() as usize).unwrap_or(&STATEMENT),
        _ => &*STATEMENT,
    };
    // The placeholders that are left over get the last hash again, which adds no rows.
    let padding = hashes.last().into_iter().cycle().take(places - hashes.len());
    let values = hashes.iter().chain(padding).map(|hash| hash.0.to_vec().into());
    TokenRows::query(connection, Statement::from_sql_and_values(backend, sql, values)).await
}

/// The rows, each with the hash that was presented for it.
fn presented<'a>(rows: &'a Rows<'_>) -> Result<Vec<Presented<'a>>, Error> {
    let presented = |mut columns: Columns<'a>| {
        Ok(Presented { hash: ValueHash(columns.bytes()?), generation: columns.number()?, columns })
    };
    rows.iter().map(presented).collect()
}

/// The token and generation in the rows of this hash.
fn found(rows: &[Presented<'_>], hash: &ValueHash) -> Result<Option<Found>, Error> {
    let of_hash = || rows.iter().filter(|row| row.hash == *hash);
    let Some(Presented { generation, .. }) = of_hash().next() else { return Ok(None) };
    Ok(read::tokens(of_hash().map(|row| Row::read(row.columns.clone())))?.pop().map(|token| (token, *generation)))
}

/// The error if the task has ended, which happens only when the whole process ends.
fn gone() -> Error {
    DbErr::Conn(RuntimeErr::Internal("the reading connection is gone".to_owned())).into()
}
