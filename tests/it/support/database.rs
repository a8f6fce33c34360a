//! A database for one test, gone with it.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use sea_orm::{ConnectionTrait, Database, DatabaseConnection, DbBackend, Statement};
use tempfile::TempDir;

pub struct TestDatabase {
    pub url: String,
    /// The same database without the connection pooler, if the tests run through one.
    pub direct_url: String,
    folder: TempDir,
}

/// The PostgreSQL cluster to test on, if not on SQLite.
#[expect(clippy::disallowed_methods, reason = "the one setting of the test run itself")]
fn cluster() -> Option<String> {
    std::env::var("ROTAKEY_TEST_POSTGRES").ok()
}

/// The same cluster without the connection pooler, if the tests run through one.
#[expect(clippy::disallowed_methods, reason = "the other setting of the test run itself")]
fn direct_cluster() -> Option<String> {
    std::env::var("ROTAKEY_TEST_POSTGRES_DIRECT").ok()
}

impl TestDatabase {
    /// On the database of this test run.
    pub async fn new() -> Self {
        match cluster() {
            Some(cluster) => Self::in_cluster(cluster).await,
            None => Self::sqlite(),
        }
    }

    /// On SQLite, whatever the test run is on: for `on_sqlite_` tests.
    pub fn sqlite() -> Self {
        let folder = TempDir::new().unwrap();
        let url = format!("sqlite://{}", folder.path().join("rotakey.db").display());
        Self { direct_url: url.clone(), url, folder }
    }

    /// On PostgreSQL: for `on_postgres_` tests.
    pub async fn postgres() -> Self {
        match cluster() {
            Some(cluster) => Self::in_cluster(cluster).await,
            None => panic!("ROTAKEY_TEST_POSTGRES is not set: run this test by ./tests/with-postgres"),
        }
    }

    async fn in_cluster(cluster: String) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let folder = TempDir::new().unwrap();
        let name = format!("test_{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::SeqCst));
        let direct_cluster = direct_cluster().unwrap_or_else(|| cluster.clone());
        let server = Database::connect(format!("{direct_cluster}/postgres")).await.unwrap();
        server.execute_unprepared(&format!("CREATE DATABASE {name}")).await.unwrap();
        server.close().await.unwrap();
        Self { url: format!("{cluster}/{name}"), direct_url: format!("{direct_cluster}/{name}"), folder }
    }

    /// Whether a connection pooler is before the database.
    pub fn is_pooled(&self) -> bool {
        self.url != self.direct_url
    }

    pub fn is_sqlite(&self) -> bool {
        self.url.starts_with("sqlite:")
    }

    /// Another database with all that this one holds, which no process may use just now; where it is.
    pub async fn copy(&self) -> String {
        if let Some(file) = self.url.strip_prefix("sqlite://") {
            let copy = self.folder.path().join("copy.db");
            std::fs::copy(file, &copy).unwrap();
            return format!("sqlite://{}", copy.display());
        }
        let (direct, name) = self.direct_url.rsplit_once('/').unwrap();
        let connection = Database::connect(format!("{direct}/postgres")).await.unwrap();
        connection.execute_unprepared(&format!("CREATE DATABASE {name}_copy TEMPLATE {name}")).await.unwrap();
        connection.close().await.unwrap();
        let (server, _) = self.url.rsplit_once('/').unwrap();
        format!("{server}/{name}_copy")
    }

    /// A connection beside the server's own, to look behind the API.
    pub async fn connect(&self) -> DatabaseConnection {
        Database::connect(&self.direct_url).await.unwrap()
    }

    /// A folder that lives as long as the database.
    pub fn folder(&self) -> PathBuf {
        self.folder.path().to_path_buf()
    }

    /// Everything that the database holds, as bytes: its files, or every row of every table as text.
    pub async fn contents(&self) -> Vec<u8> {
        if self.is_sqlite() {
            let files = std::fs::read_dir(self.folder.path()).unwrap();
            let databases = files
                .map(|file| file.unwrap().path())
                .filter(|path| path.file_name().unwrap().to_string_lossy().starts_with("rotakey.db"));
            return databases.flat_map(|path| std::fs::read(path).unwrap()).collect();
        }
        let connection = self.connect().await;
        let mut contents = Vec::new();
        for table in
            ["api_token", "api_token_metadata", "api_token_value", "api_token_value_user", "audit_event", "change"]
        {
            let sql = format!("SELECT {table}::text AS line FROM {table}");
            let rows = connection.query_all_raw(Statement::from_string(DbBackend::Postgres, sql)).await.unwrap();
            contents.extend(rows.into_iter().flat_map(|row| row.try_get::<String>("", "line").unwrap().into_bytes()));
        }
        contents
    }
}
