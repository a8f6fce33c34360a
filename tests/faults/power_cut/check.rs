//! What must be found after the power was cut: a whole database with all that was acknowledged.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use sea_orm::sqlx::sqlite::SqliteConnectOptions;
use sea_orm::sqlx::{self, ConnectOptions, Connection, SqliteConnection};
use tokio::task::block_in_place;

use super::storm::{Acknowledged, Client, serve};
use crate::history::Call;
use crate::load::{Answer, Calls};
use crate::site::Address;

const CALL_PATIENCE: Duration = Duration::from_secs(30);

/// What a client had when the power was cut.
#[derive(Clone, Copy, Debug)]
pub struct Held<'a> {
    client: &'a Client,
    /// The newest value that it had received.
    newest: &'a Acknowledged,
    /// The value that it received next. The rotation may have been in the database before the power was cut.
    next: Option<&'a Acknowledged>,
}

impl<'a> Held<'a> {
    /// What each client had when the recording was this long.
    pub fn at(clients: &'a [Client], length: u64) -> Vec<Self> {
        let held = |client: &'a Client| {
            let received = client.acknowledged.partition_point(|value| value.received <= length);
            let newest = client.acknowledged.get(received.checked_sub(1)?)?;
            Some(Self { client, newest, next: client.acknowledged.get(received) })
        };
        clients.iter().filter_map(held).collect()
    }
}

/// Checks the file of the database: what is wrong with it.
pub async fn database(folder: &Path, held: &[Held<'_>]) -> Vec<String> {
    let path = folder.join("rotakey.db");
    if !path.exists() {
        return held.iter().map(|held| format!("lost: {} of {}", held.newest.generation, held.client.name)).collect();
    }
    match rows(&path).await {
        Ok(rows) => held.iter().filter_map(|held| rows.check(held).err()).collect(),
        Err(err) => vec![format!("the database is broken: {err}")],
    }
}

#[derive(Default)]
struct Rows {
    /// By the id of the token: its generation and the previous one.
    tokens: HashMap<String, (u32, Option<u32>)>,
    /// By token and generation: the SHA-256 of the value, and when it is retired.
    values: HashMap<(String, u32), (String, Option<i64>)>,
}

async fn rows(path: &Path) -> Result<Rows, sqlx::Error> {
    let mut connection = SqliteConnectOptions::new().filename(path).connect().await?;
    let broken: Vec<String> = sqlx::query_scalar("PRAGMA integrity_check").fetch_all(&mut connection).await?;
    if broken != ["ok"] {
        return Err(sqlx::Error::Protocol(broken.join("; ")));
    }
    let tables: Vec<String> = sqlx::query_scalar("SELECT name FROM sqlite_master WHERE name = 'api_token_value'")
        .fetch_all(&mut connection)
        .await?;
    let rows = if tables.is_empty() { Rows::default() } else { read(&mut connection).await? };
    connection.close().await?;
    Ok(rows)
}

async fn read(connection: &mut SqliteConnection) -> Result<Rows, sqlx::Error> {
    let orphans = sqlx::query("PRAGMA foreign_key_check").fetch_all(&mut *connection).await?.len();
    if orphans > 0 {
        return Err(sqlx::Error::Protocol(format!("{orphans} rows without their token")));
    }
    let tokens: Vec<(String, u32, Option<u32>)> =
        sqlx::query_as("SELECT id, generation, previous_generation FROM api_token WHERE revoked_at IS NULL")
            .fetch_all(&mut *connection)
            .await?;
    let values: Vec<(String, u32, String, Option<i64>)> =
        sqlx::query_as("SELECT token_id, generation, lower(hex(hash)), retires_at FROM api_token_value")
            .fetch_all(&mut *connection)
            .await?;
    Ok(Rows {
        tokens: tokens.into_iter().map(|(id, generation, previous)| (id, (generation, previous))).collect(),
        values: values.into_iter().map(|(id, generation, hash, end)| ((id, generation), (hash, end))).collect(),
    })
}

impl Rows {
    /// The newest value that the client received works: as the current one, or as the previous one, if the rotation that the client
    /// was waiting for is in the database.
    fn check(&self, held: &Held<'_>) -> Result<(), String> {
        let Held { client, newest, next } = held;
        let (generation, name) = (newest.generation, &client.name);
        let Some(&(current, previous)) = self.tokens.get(&client.token) else {
            return Err(format!("lost: the token of {name}, of which generation {generation} was acknowledged"));
        };
        let value = |generation: u32| self.values.get(&(client.token.clone(), generation));
        let is = |generation: u32, issued: &Acknowledged| {
            value(generation).is_some_and(|(hash, _)| *hash == Call::digest(&issued.value))
        };
        if current < generation || !is(generation, newest) {
            return Err(format!("lost: generation {generation} of {name} was acknowledged, {current} is there"));
        }
        if (1..=current).any(|generation| value(generation).is_none()) {
            return Err(format!("lost: an older value of {name}"));
        }
        let retires = value(generation).is_some_and(|(_, end)| end.is_some());
        let is_rotated = current == generation + 1
            && previous == Some(generation)
            && retires
            && next.is_none_or(|next| is(current, next));
        if (current == generation && !retires) || is_rotated {
            Ok(())
        } else {
            Err(format!(
                "{name} holds generation {generation}, which {current} (previous: {previous:?}) does not allow"
            ))
        }
    }
}

/// Lets the server open the database: every client verifies its value, and rotates with it as after a lost answer. With stale
/// sectors, the reserve may look like a file of another program, which is left as it is.
pub async fn server(folder: &Path, held: &[Held<'_>], stale: bool) -> Vec<String> {
    let server = serve(None, folder);
    let calls = Calls::record(&folder.join("history"), "after a power cut", 0, CALL_PATIENCE);
    let address = Address::Balancer(server.url.clone());
    let mut failures = Vec::new();
    for held in held {
        failures.extend(rotate(&calls, &address, held).await.err());
    }
    server.signal(nix::sys::signal::Signal::SIGTERM);
    let (status, _, log) = block_in_place(|| server.ended());
    if !status.success() {
        failures.push(format!("the server failed: {log}"));
    }
    if !stale && log.contains("no reserve can be kept") {
        failures.push("what is left of the reserve prevents another one".to_owned());
    }
    failures
}

async fn rotate(calls: &Calls, address: &Address, held: &Held<'_>) -> Result<(), String> {
    let Held { client: Client { name, token, .. }, newest, next } = held;
    let Acknowledged { value, generation, .. } = newest;
    let verified = calls.verify(address, name, token, value).await;
    if verified != Answer::Done(*generation) {
        return Err(format!("lost: generation {generation} of {name}: {verified:?}"));
    }
    // The request that was not answered, again.
    let key = next.and_then(|next| next.idempotency_key.as_deref());
    let mut answer = calls.rotate(address, name, token, value, key).await;
    if let Answer::Refused { code, retry_after: Some(time) } = &answer
        && code == "ROTATION_CONFLICT"
    {
        // The server says how long: a rotation without a key was done in the last ten seconds. There is nothing else to wait for.
        let _ = tokio::time::timeout(*time, std::future::pending::<()>()).await;
        answer = calls.rotate(address, name, token, value, key).await;
    }
    match answer {
        Answer::Done(issued) => match calls.verify(address, name, token, &issued.value).await {
            Answer::Done(_) => Ok(()),
            other => Err(format!("{name} got a value that does not work: {other:?}")),
        },
        other => Err(format!("locked out: {name}: {other:?}")),
    }
}
