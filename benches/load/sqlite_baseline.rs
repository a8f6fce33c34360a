//! The baseline of rotations on SQLite: the same statements through the driver, in one durable transaction each, without HTTP, GraphQL or
//! rules.
//!
//! These are the statements that `store` combines: look up the value, write its first use, increment the generation, replace the old value
//! and set its overlap, insert the new value, and append the audit event.

use std::path::Path;
use std::time::{Duration, Instant};

use sea_orm::sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sea_orm::sqlx::{Connection, Row, SqlitePool, query};
use sha2::{Digest, Sha256};

use crate::seed;

const CURRENT: &str = "SELECT hash FROM api_token_value WHERE token_id = ?1 AND replaced_at IS NULL";
const LOOK_UP: &str = "SELECT * FROM api_token AS token LEFT JOIN api_token_value AS value ON value.token_id = token.id
    WHERE token.id IN (SELECT token_id FROM api_token_value WHERE hash = ?1)
    AND (value.generation = token.generation OR value.generation = token.previous_generation OR value.hash = ?1)";
const FIND: &str =
    "SELECT token.generation, token.*, value.* FROM api_token AS token LEFT JOIN api_token_value AS value
    ON value.token_id = token.id
    WHERE token.id = ?1 AND (value.generation = token.generation OR value.generation = token.previous_generation)";
const USE_VALUE: &str = "UPDATE api_token_value SET first_used_at = ?3, salt = NULL
    WHERE token_id = ?1 AND generation = ?2 AND first_used_at IS NULL";
const USE_TOKEN: &str = "UPDATE api_token SET last_used_at = ?2 WHERE id = ?1";
const MOVE_ON: &str = "UPDATE api_token SET generation = ?2 + 1, previous_generation = ?2
    WHERE id = ?1 AND generation = ?2 AND revoked_at IS NULL";
const REPLACE: &str = "UPDATE api_token_value SET replaced_at = ?3, retires_at = ?3, salt = NULL
    WHERE token_id = ?1 AND generation = ?2";
const RETIRE: &str = "UPDATE api_token_value SET retires_at = ?3 WHERE token_id = ?1 AND generation = ?2";
const INSERT: &str = "INSERT INTO api_token_value
    (token_id, generation, hash, hint, created_at, created_by, overlap_minutes) VALUES (?1, ?2, ?3, ?4, ?5, ?1, 10)";
const APPEND: &str =
    "INSERT INTO audit_event (id, at, action, result, actor, token_id, generation, address, request_id)
    VALUES (?1, ?2, 'ROTATED', 'OK', ?3, ?3, ?4, '127.0.0.1', ?5)";

/// A database opened as by the server: with one connection for writes and four for reads.
#[derive(Clone)]
pub struct Driver {
    write: SqlitePool,
    read: SqlitePool,
}

impl Driver {
    /// Opens the database.
    pub async fn open(path: &Path) -> Self {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true);
        let pool = |connections| SqlitePoolOptions::new().max_connections(connections).connect_with(options.clone());
        Self { write: pool(1).await.unwrap(), read: pool(4).await.unwrap() }
    }

    /// The rotations per second of this many concurrent tasks, each with its own token.
    pub async fn rate(&self, clients: usize, time: Duration) -> f64 {
        let started = Instant::now();
        let end = started + time;
        let rotate = |number| {
            let driver = self.clone();
            tokio::spawn(async move {
                let (id, mut count) = (seed::id(number), 0_u32);
                let current = query(CURRENT).bind(&id).fetch_one(&driver.read).await.unwrap();
                let mut presented: Vec<u8> = current.get(0);
                while Instant::now() < end {
                    presented = driver.rotate(&id, presented).await;
                    count += 1;
                }
                count
            })
        };
        let tasks: Vec<_> = (0..clients).map(rotate).collect();
        let mut rotations = 0;
        for task in tasks {
            rotations += task.await.unwrap();
        }
        f64::from(rotations) / started.elapsed().as_secs_f64()
    }

    /// Rotates the token whose current value has this hash. Returns the hash of the new value.
    async fn rotate(&self, id: &str, presented: Vec<u8>) -> Vec<u8> {
        let now = seed::now();
        query(LOOK_UP).bind(presented).fetch_all(&self.read).await.unwrap();
        let mut connection = self.write.acquire().await.unwrap();
        let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await.unwrap();
        let found = query(FIND).bind(id).fetch_all(&mut *transaction).await.unwrap();
        let generation: i64 = found[0].get(0);
        query(USE_VALUE).bind(id).bind(generation).bind(now).execute(&mut *transaction).await.unwrap();
        query(USE_TOKEN).bind(id).bind(now).execute(&mut *transaction).await.unwrap();
        let moved = query(MOVE_ON).bind(id).bind(generation).execute(&mut *transaction).await.unwrap();
        assert_eq!(moved.rows_affected(), 1);
        query(REPLACE).bind(id).bind(generation).bind(now).execute(&mut *transaction).await.unwrap();
        query(RETIRE).bind(id).bind(generation).bind(now + 600_000).execute(&mut *transaction).await.unwrap();
        let next = generation + 1;
        let hash = Sha256::digest(format!("{id} {next}")).to_vec();
        let insert = query(INSERT).bind(id).bind(next).bind(&hash).bind("hint").bind(now);
        insert.execute(&mut *transaction).await.unwrap();
        let (event, request) = (format!("evt_{now}{generation:08}{id}"), format!("req_{now}{id}"));
        let append = query(APPEND).bind(event).bind(now).bind(id).bind(next).bind(request);
        append.execute(&mut *transaction).await.unwrap();
        transaction.commit().await.unwrap();
        hash
    }
}
