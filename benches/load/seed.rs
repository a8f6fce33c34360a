//! Creates databases with many tokens and known values within seconds. They are the same in every run.

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use rotakey::domain::token::TokenKind;
use rotakey::domain::value::Value;
use sea_orm::sqlx::sqlite::SqliteConnectOptions;
use sea_orm::sqlx::{ConnectOptions, Connection, query};
use sha2::{Digest, Sha256};

use crate::server;

/// The number of tokens that one statement inserts.
const BATCH: usize = 50_000;

/// A database and its admin.
pub struct Database {
    /// Its file.
    pub path: PathBuf,
    /// The value of its admin token.
    pub admin: String,
}

impl Database {
    /// Its URL.
    pub fn url(&self) -> String {
        format!("sqlite://{}", self.path.display())
    }
}

/// The value of the token of this number.
pub fn value(number: usize) -> Value {
    Value::from_entropy(TokenKind::Private, &Sha256::digest(number.to_le_bytes()).into())
}

/// The id of the token of this number: a ULID whose last letters are its digits.
pub fn id(number: usize) -> String {
    format!("tok_01JZZZZZZZ{number:016}")
}

/// Milliseconds since the Unix epoch.
pub fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis().try_into().unwrap()
}

const NUMBERS: &str = "WITH RECURSIVE numbers(i) AS (SELECT ?1 UNION ALL SELECT i + 1 FROM numbers WHERE i + 1 < ?2)";

const TOKENS: &str =
    "INSERT INTO api_token (id, name, owner, kind, permissions, scopes, overlap_minutes, overlap_starts,
    allowed_cidr_blocks, allowed_origins, on_reuse, protected, generation, created_at, last_used_at, has_sort_keys)
    SELECT printf('tok_01JZZZZZZZ%016d', i), 'token ' || i, 'customer ' || i % 1000, 'PRIVATE', '',
    'orders:read orders:write', 10, 'ROTATION', '', '', 'ALERT', 0, 1, ?3 - 86400000,
    ?3 - 3600000, 1 FROM numbers";

/// As housekeeping would write them while something is measured.
const SORT_KEYS: &str = "INSERT INTO api_token_sort_key (token_id, expires_at, rotate_by, last_used_at)
    SELECT printf('tok_01JZZZZZZZ%016d', i), 9223372036854775807, 9223372036854775807, ?3 - 3600000 FROM numbers";

// Both lists are BLOBs, because SQLite's substr on a long TEXT counts characters from its start.
const VALUES: &str =
    "INSERT INTO api_token_value (token_id, generation, hash, hint, created_at, first_used_at, overlap_minutes)
    SELECT printf('tok_01JZZZZZZZ%016d', i), 1, substr(?4, (i - ?1) * 32 + 1, 32), CAST(substr(?5, (i - ?1) * 4 + 1, 4) AS TEXT),
    ?3 - 86400000, ?3 - 86000000, 0 FROM numbers";

/// Creates a database with this many tokens in the folder.
pub async fn database(folder: &Path, name: &str, tokens: usize) -> Database {
    let path = folder.join(name);
    let admin = server::bootstrap(&format!("sqlite://{}", path.display()));
    // Durability is not needed here, because nothing was acknowledged.
    let options =
        SqliteConnectOptions::new().filename(&path).pragma("synchronous", "OFF").pragma("cache_size", "-400000");
    let mut connection = options.connect().await.unwrap();
    let now = now();
    for from in (0..tokens).step_by(BATCH) {
        let to = tokens.min(from + BATCH);
        let (mut hashes, mut hints) = (Vec::with_capacity(BATCH * 32), Vec::with_capacity(BATCH * 4));
        for value in (from..to).map(value) {
            hashes.extend_from_slice(&value.hash().0);
            hints.extend_from_slice(value.hint().as_str().as_bytes());
        }
        let mut transaction = connection.begin().await.unwrap();
        let (from, to) = (i64::try_from(from).unwrap(), i64::try_from(to).unwrap());
        let insert = format!("{NUMBERS} {TOKENS}");
        let insert = query(sea_orm::sqlx::AssertSqlSafe(insert)).bind(from).bind(to).bind(now);
        insert.execute(&mut *transaction).await.unwrap();
        let insert = format!("{NUMBERS} {VALUES}");
        let insert = query(sea_orm::sqlx::AssertSqlSafe(insert)).bind(from).bind(to).bind(now).bind(hashes).bind(hints);
        insert.execute(&mut *transaction).await.unwrap();
        let insert =
            query(sea_orm::sqlx::AssertSqlSafe(format!("{NUMBERS} {SORT_KEYS}"))).bind(from).bind(to).bind(now);
        insert.execute(&mut *transaction).await.unwrap();
        transaction.commit().await.unwrap();
    }
    query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    Database { path, admin }
}
