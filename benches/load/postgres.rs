//! A temporary PostgreSQL cluster, and `pgbench` on it as the baseline of rotations.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use sea_orm::sqlx::{AssertSqlSafe, Connection, PgConnection, query};

use crate::machine::cores;
use crate::{client, server};

const CREATE: &str = "mutation($input: CreateAPITokenInput!) { createAPIToken(input: $input) { token { value } } }";

const TOKENS: &str = "INSERT INTO api_token (id, name, kind, permissions, scopes, overlap_minutes, overlap_starts,
    allowed_cidr_blocks, allowed_origins, on_reuse, protected, generation, created_at)
    SELECT 'tok_' || $1 || '.' || client, 'bench', 'PRIVATE', '', 'orders:read', 10, 'ROTATION', '', '', 'ALERT', false, 1, 1
    FROM generate_series(0, $2 - 1) AS client";
const VALUES: &str = "INSERT INTO api_token_value (token_id, generation, hash, hint, created_at, overlap_minutes)
    SELECT 'tok_' || $1 || '.' || client, 1, sha256(($1 || '.' || client || '.1')::bytea), 'hint', 1, 0
    FROM generate_series(0, $2 - 1) AS client";

/// The cluster, which is removed on drop.
pub struct Postgres {
    process: Child,
    cluster: String,
    /// The URL of a database in it, with the schema of the server.
    pub url: String,
    /// The value of the admin token.
    pub admin: String,
}

impl Postgres {
    /// Starts a cluster.
    pub async fn start() -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/with-postgres");
        // The cluster lives as long as this command, which ends when its stdin is closed.
        let mut command = Command::new(script);
        command.args(["sh", "-c", "echo \"$ROTAKEY_TEST_POSTGRES\"; cat >/dev/null"]);
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut cluster = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut cluster).unwrap();
        let cluster = cluster.trim();
        let (url, admin) = database(cluster, "bench").await;
        Self { process, cluster: cluster.to_owned(), url, admin }
    }

    /// The URL of another database in it, with the schema of the server, and the value of its admin token.
    pub async fn database(&self, name: &str) -> (String, String) {
        database(&self.cluster, name).await
    }

    /// Creates this many tokens through the server, and returns their values.
    pub async fn tokens(&self, host: &str, count: usize) -> Vec<String> {
        let mut values = Vec::new();
        for number in 0..count {
            let variables =
                serde_json::json!({ "input": { "name": format!("token {number}"), "scopes": ["orders:read"] } });
            let request = client::graphql(&self.admin, CREATE, &variables);
            values.push(client::ask_for(host, &request, "/data/createAPIToken/token/value").await);
        }
        values
    }

    /// The rotations per second of `pgbench` with this many clients, on tokens that are created for this round.
    pub async fn pgbench(&self, round: usize, clients: usize, time: Duration) -> f64 {
        let mut connection = PgConnection::connect(&self.url).await.unwrap();
        for insert in [TOKENS, VALUES] {
            let count = i32::try_from(clients).unwrap();
            query(insert).bind(round.to_string()).bind(count).execute(&mut connection).await.unwrap();
        }
        connection.close().await.unwrap();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/load/rotation.sql");
        let output = Command::new("pgbench")
            .args(["-n", "-M", "prepared", "-c", &clients.to_string(), "-j", &cores().to_string()])
            .args(["-T", &time.as_secs().to_string(), "-D", &format!("round={round}"), "-D", "current=1", "-f"])
            .args([&script, Path::new(&self.url)])
            .output()
            .unwrap();
        let stdout = String::from_utf8_lossy(&output.stdout);
        let rate = stdout.lines().find_map(|line| line.strip_prefix("tps = ")?.split(' ').next());
        let rate = rate.filter(|_| output.status.success());
        rate.unwrap_or_else(|| panic!("pgbench: {}", String::from_utf8_lossy(&output.stderr))).parse().unwrap()
    }
}

async fn database(cluster: &str, name: &str) -> (String, String) {
    let mut connection = PgConnection::connect(&format!("{cluster}/postgres")).await.unwrap();
    query(AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    let url = format!("{cluster}/{name}");
    let admin = server::bootstrap(&url);
    (url, admin)
}

impl Drop for Postgres {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}
