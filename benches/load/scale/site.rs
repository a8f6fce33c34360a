//! A filled database.

use std::path::Path;
use std::time::{Duration, Instant};

use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection};

use super::fill::{self, Size};
use crate::postgres::Postgres;
use crate::server;

/// A database, and what it took to fill it.
pub struct Site {
    /// Its URL.
    pub url: String,
    /// The value of its admin token.
    pub admin: String,
    /// What it holds.
    pub size: Size,
    /// How large it is.
    pub mib: f64,
    /// How long that took.
    pub filled_in: Duration,
}

impl Site {
    /// A SQLite file in this folder.
    pub async fn sqlite(folder: &Path, size: Size) -> Self {
        let path = folder.join(format!("scale-{}.db", size.tokens));
        let url = format!("sqlite://{}", path.display());
        let admin = server::bootstrap(&url);
        let connection = connect(&url).await;
        // Nothing was acknowledged that could be lost.
        for pragma in ["synchronous = OFF", "cache_size = -1000000", "temp_store = MEMORY"] {
            connection.execute_unprepared(&format!("PRAGMA {pragma}")).await.unwrap();
        }
        let filled_in = timed(&connection, size).await;
        connection.execute_unprepared("PRAGMA wal_checkpoint(TRUNCATE)").await.unwrap();
        connection.close().await.unwrap();
        Self { url, admin, size, mib: mib(std::fs::metadata(&path).unwrap().len()), filled_in }
    }

    /// A database of this cluster.
    pub async fn postgres(cluster: &Postgres, size: Size) -> Self {
        let (url, admin) = cluster.database(&format!("scale_{}", size.tokens)).await;
        let connection = connect(&url).await;
        // Foreign keys hold by construction; checking them takes longer than the rows.
        for setting in
            ["synchronous_commit = off", "session_replication_role = replica", "maintenance_work_mem = '1GB'"]
        {
            connection.execute_unprepared(&format!("SET {setting}")).await.unwrap();
        }
        let filled_in = timed(&connection, size).await;
        connection.execute_unprepared("VACUUM ANALYZE").await.unwrap();
        connection.execute_unprepared("CHECKPOINT").await.unwrap();
        let bytes = fill::column(&connection, "SELECT pg_database_size(current_database())::text AS found").await;
        connection.close().await.unwrap();
        Self { url, admin, size, mib: mib(bytes[0].parse().unwrap()), filled_in }
    }
}

/// One connection, because settings belong to it.
async fn connect(url: &str) -> DatabaseConnection {
    let mut options = ConnectOptions::new(url);
    options.max_connections(1).sqlx_logging(false);
    Database::connect(options).await.unwrap()
}

async fn timed(connection: &DatabaseConnection, size: Size) -> Duration {
    eprintln!("filling a database with {size}");
    let started = Instant::now();
    fill::fill(connection, size).await;
    started.elapsed()
}

#[expect(clippy::cast_precision_loss, reason = "a size in MiB needs no more precision")]
fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
