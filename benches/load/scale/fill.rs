//! Fills a database of either kind: rows first, then indexes, which takes minutes instead of hours.

use std::fmt::{self, Display};

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement};

use crate::seed;

/// How much a database holds.
#[derive(Clone, Copy)]
pub struct Size {
    /// Tokens.
    pub tokens: usize,
    /// Audit events.
    pub events: usize,
}

impl Display for Size {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millions = |count: usize| count / 1_000_000;
        write!(formatter, "{} million tokens", millions(self.tokens))?;
        if self.events > 0 {
            write!(formatter, " and {} million events", millions(self.events))?;
        }
        Ok(())
    }
}

/// The first tokens are active, and their values are known.
pub const KNOWN: usize = 500_000;
/// How many rows one statement inserts from numbers.
const BATCH: usize = 1_000_000;
/// How many rows one statement inserts whose values it spells out.
const LITERALS: usize = 10_000;

/// Of the tokens after the first, 10 % are revoked, 7 % have expired, 3 % are overdue; a tenth is public. There are 10,000 owners. For each
/// filter there is something that one in 1,000 of them has.
const TOKENS: &str = "INSERT INTO api_token (id, name, owner, kind, permissions, scopes, expires_at, rotation_period_minutes,
    overlap_minutes, overlap_starts, allowed_cidr_blocks, allowed_origins, on_reuse, protected, generation, created_at, last_used_at,
    revoked_at, swept_status, has_sort_keys, description, created_by)
    SELECT TOKEN, 'token ' || i, 'customer ' || i % 10000, CASE WHEN i >= FIRST AND i % 10 = 3 THEN 'PUBLIC' ELSE 'PRIVATE' END,
    CASE WHEN i >= FIRST AND i % 1000 = 123 THEN 'API_TOKEN_READ' ELSE '' END, 'orders:read orders:write',
    CASE WHEN i >= FIRST AND i % 100 BETWEEN 10 AND 16 THEN NOW - 3600000 WHEN i >= FIRST AND i % 1000 = 124 THEN Y2035 END,
    CASE WHEN i >= FIRST AND i % 100 BETWEEN 17 AND 19 THEN 60 END, 10, 'ROTATION', '', '', 'ALERT', false, 1, NOW - 86400000,
    CASE WHEN i >= FIRST AND i % 1000 = 125 THEN MID2025 ELSE NOW + 3600000 END, CASE WHEN i >= FIRST AND i % 100 < 10 THEN NOW - 3600000 END,
    CASE WHEN i < FIRST OR i % 100 > 19 THEN 'ACTIVE' WHEN i % 100 < 10 THEN 'REVOKED' WHEN i % 100 < 17 THEN 'EXPIRED'
    ELSE 'ROTATION_OVERDUE' END, true, CASE WHEN i >= FIRST AND i % 1000 = 126 THEN 'quarterly export' END,
    CASE WHEN i >= FIRST AND i % 1000 = 127 THEN CREATOR END FROM NUMBERS";
/// What one in 1,000 has besides: a rotation whose overlap goes on, and a previous value that was used since.
const ROTATED: [&str; 3] = [
    "UPDATE api_token_value SET replaced_at = NOW - 7200000, retires_at = Y2035, last_used_at = NOW - 60000 WHERE generation = 1
     AND token_id IN (SELECT TOKEN_ID FROM NUMBERS WHERE i >= FIRST AND i % 1000 = 128)",
    "INSERT INTO api_token_value (token_id, generation, hash, hint, created_at, overlap_minutes, overdue_at)
     SELECT token_id, 2, HASH_AGAIN, 'hint', replaced_at, 0, NULL FROM api_token_value WHERE replaced_at IS NOT NULL",
    "UPDATE api_token SET generation = 2, previous_generation = 1
     WHERE id IN (SELECT token_id FROM api_token_value WHERE generation = 2)",
];
/// None has an `overdue_at`: housekeeping has removed it when it wrote the status of an overdue token. It is given, because PostgreSQL has a
/// default that makes housekeeping look at the token.
const UNKNOWN_VALUES: &str = "INSERT INTO api_token_value (token_id, generation, hash, hint, created_at, first_used_at,
    overlap_minutes, overdue_at)
    SELECT TOKEN, 1, HASH, 'hint', NOW - 86400000, NOW - 86000000, 0, NULL FROM NUMBERS";
const KNOWN_VALUES: &str = "INSERT INTO api_token_value (token_id, generation, hash, hint, created_at, first_used_at,
    overlap_minutes, overdue_at) VALUES ";
/// Five events a millisecond, spread over four months by the time in their ids. Most are rotations by the token itself.
const EVENTS: &str = "INSERT INTO audit_event (id, at, action, result, actor, token_id, generation)
    SELECT EVENT, NOW - COUNT + i, CASE i % 100 WHEN 0 THEN 'API_TOKEN_CREATED' WHEN 1 THEN 'API_TOKEN_REVOKED' WHEN 2 THEN
    'API_TOKEN_UPDATED' ELSE 'API_TOKEN_ROTATED' END, 'OK', ACTOR, ACTOR, 1 FROM NUMBERS";

/// What triggers and housekeeping write for the indexes of listings.
const FOR_LISTINGS: [&str; 5] = [
    "INSERT INTO api_token_grant (granted, token_id) SELECT 'permission:API_TOKEN_READ', id FROM api_token
     WHERE has_sort_keys AND permissions <> ''",
    "INSERT INTO api_token_grant (granted, token_id) SELECT 'scope:orders:read', id FROM api_token WHERE has_sort_keys
     UNION ALL SELECT 'scope:orders:write', id FROM api_token WHERE has_sort_keys",
    "INSERT INTO api_token_metadata (key, value, token_id) SELECT 'customer', owner, id FROM api_token WHERE has_sort_keys
     UNION ALL SELECT 'stage', 'production', id FROM api_token WHERE has_sort_keys",
    "INSERT INTO api_token_sort_key (token_id, created_by, expires_at, rotate_by, last_used_at)
     SELECT id, created_by, coalesce(expires_at, 9223372036854775807),
     coalesce(created_at + rotation_period_minutes * 60000, 9223372036854775807), last_used_at FROM api_token WHERE has_sort_keys",
    "UPDATE api_token_sort_key SET previous_used_at = (SELECT last_used_at FROM api_token_value AS previous
     WHERE previous.token_id = api_token_sort_key.token_id AND previous.generation = 1)
     WHERE token_id IN (SELECT token_id FROM api_token_value WHERE generation = 2)",
];

/// SQLite's search by name is filled as its migration does.
const SQLITE_NAMES: [&str; 2] = [
    "INSERT INTO api_token_name (token_id) SELECT id FROM api_token WHERE id NOT IN (SELECT token_id FROM api_token_name) ORDER BY id",
    "INSERT INTO api_token_name_search (rowid, name, owner, description) SELECT key, name, owner, description FROM api_token_name CROSS JOIN api_token
     ON api_token.id = token_id WHERE name LIKE 'token %' ORDER BY key",
];

/// Fills a database that has its schema and an admin token.
pub async fn fill(connection: &DatabaseConnection, size: Size) {
    let sqlite = connection.get_database_backend() == DbBackend::Sqlite;
    let now = seed::now();
    let (later, drops) = take_indexes(connection, sqlite).await;
    run(connection, &drops).await;
    let first = KNOWN.min(size.tokens);
    for (insert, range) in [(TOKENS, 0..size.tokens), (UNKNOWN_VALUES, first..size.tokens), (EVENTS, 0..size.events)] {
        for from in range.clone().step_by(BATCH) {
            let to = range.end.min(from + BATCH);
            let sql = insert.replace("FIRST", &first.to_string()).replace("COUNT", &range.end.to_string());
            run(connection, &[spell(&sql, sqlite, now, (from, to))]).await;
        }
    }
    for from in (0..first).step_by(LITERALS) {
        run(connection, &[known_values(from..first.min(from + LITERALS), sqlite, now)]).await;
    }
    let rotated =
        ROTATED.map(|sql| spell(&sql.replace("FIRST", &first.to_string()), sqlite, now, (first, size.tokens)));
    run(connection, &rotated).await;
    run(connection, &FOR_LISTINGS.map(str::to_owned)).await;
    if sqlite {
        run(connection, &SQLITE_NAMES.map(str::to_owned)).await;
    }
    run(connection, &later).await;
}

/// Replaces what the two databases write differently.
fn spell(sql: &str, sqlite: bool, now: i64, (from, to): (usize, usize)) -> String {
    let digits = |number: &str, width: usize| {
        if sqlite { format!("printf('%0{width}d', {number})") } else { format!("lpad(({number})::text, {width}, '0')") }
    };
    let numbers = if sqlite {
        format!(
            "(WITH RECURSIVE numbers(i) AS (SELECT {from} UNION ALL SELECT i + 1 FROM numbers WHERE i + 1 < {to}) SELECT i FROM numbers)"
        )
    } else {
        format!("generate_series({from}, {}) AS numbers(i)", to - 1)
    };
    let hash = if sqlite { "randomblob(32)" } else { "sha256(i::text::bytea)" };
    let token = format!("'tok_01JZZZZZZZ' || {}", digits("i", 16));
    sql.replace("TOKEN_ID", &token)
        .replace("TOKEN,", &format!("{token},"))
        .replace("EVENT,", &format!("'evt_01J' || {} || {},", digits("i / 5", 7), digits("i", 16)))
        .replace("ACTOR", &format!("'tok_01JZZZZZZZ' || {}", digits("i / 5", 16)))
        .replace("HASH_AGAIN", if sqlite { "randomblob(32)" } else { "sha256(token_id::bytea)" })
        .replace("HASH", hash)
        .replace("CREATOR", &format!("'{}'", seed::id(7)))
        .replace("Y2035", "2051222400000")
        .replace("MID2025", "1751328000000")
        .replace("NUMBERS", &numbers)
        .replace("NOW", &now.to_string())
}

fn known_values(range: std::ops::Range<usize>, sqlite: bool, now: i64) -> String {
    let rows: Vec<String> = range
        .map(|number| {
            let (id, value) = (seed::id(number), seed::value(number));
            let hash: String = value.hash().0.iter().map(|byte| format!("{byte:02x}")).collect();
            let hash = if sqlite { format!("X'{hash}'") } else { format!("'\\x{hash}'") };
            let hint = value.hint().as_str().to_owned();
            format!("('{id}', 1, {hash}, '{hint}', {}, {}, 0, NULL)", now - 86_400_000, now - 86_000_000)
        })
        .collect();
    format!("{KNOWN_VALUES}{}", rows.join(", "))
}

/// The statements that create the indexes and triggers again, and those that drop them. Primary keys stay.
async fn take_indexes(connection: &DatabaseConnection, sqlite: bool) -> (Vec<String>, Vec<String>) {
    let (create, drop) = if sqlite {
        let these = "FROM sqlite_master WHERE type IN ('index', 'trigger') AND sql IS NOT NULL ORDER BY name";
        (format!("SELECT sql AS found {these}"), format!("SELECT 'DROP ' || type || ' ' || name AS found {these}"))
    } else {
        let these = "FROM pg_indexes WHERE tablename IN ('api_token', 'api_token_value', 'audit_event')
            AND NOT EXISTS (SELECT FROM pg_constraint WHERE conname = indexname) ORDER BY indexname";
        (format!("SELECT indexdef AS found {these}"), format!("SELECT 'DROP INDEX ' || indexname AS found {these}"))
    };
    (column(connection, &create).await, column(connection, &drop).await)
}

/// The column `found` of these rows.
pub async fn column(connection: &DatabaseConnection, sql: &str) -> Vec<String> {
    let statement = Statement::from_string(connection.get_database_backend(), sql);
    let rows = connection.query_all_raw(statement).await.unwrap();
    rows.iter().map(|row| row.try_get("", "found").unwrap()).collect()
}

async fn run(connection: &DatabaseConnection, statements: &[String]) {
    for statement in statements {
        connection.execute_unprepared(statement).await.unwrap_or_else(|error| panic!("{error}: {:.200}", statement));
    }
}
