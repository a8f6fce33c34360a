//! What the measures share: the rounds, the databases, and the table of results.

use std::path::Path;

use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::client;
use crate::rounds::{Rounds, Row};
use crate::seed::{self, Database};
use crate::server::{Cores, Server};
use crate::wrk::Requests;

/// The number of tokens in the small database.
pub const SMALL: usize = 1_000;
/// The number of tokens in the large database.
pub const LARGE: usize = 1_000_000;
/// The number of those that are in use.
pub const IN_USE: usize = 100_000;

/// A run of the benchmark.
pub struct Bench {
    /// How many rounds, and how long each takes.
    pub rounds: Rounds,
    /// For clients within this process.
    pub runtime: Runtime,
    folder: TempDir,
    large: Option<Database>,
    rows: Vec<Row>,
}

impl Bench {
    /// A new run. Its databases are in the build directory, which is on a disk and not in memory.
    pub fn new(rounds: Rounds) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        Self { rounds, runtime, folder, large: None, rows: Vec::new() }
    }

    /// A folder for files, which is deleted when the run ends.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A small database of this name.
    pub fn small_database(&self, name: &str) -> Database {
        self.runtime.block_on(seed::database(self.folder(), name, SMALL))
    }

    /// Creates the large database, unless an earlier measure has.
    pub fn fill_large(&mut self) {
        if self.large.is_none() {
            eprintln!("filling a database with {LARGE} tokens");
            self.large = Some(self.runtime.block_on(seed::database(self.folder.path(), "large.db", LARGE)));
        }
    }

    /// The large database, which [`Bench::fill_large`] has created.
    pub fn large(&self) -> &Database {
        self.large.as_ref().unwrap()
    }

    /// `GET /verify` with the values of these tokens.
    pub fn verify(&self, name: &str, tokens: impl Iterator<Item = usize>) -> Requests {
        Requests::write(self.folder(), name, tokens.map(|token| client::verify(seed::value(token).expose())))
    }

    /// Sends each request once, and checks that the first response contains this text.
    pub fn warm(&self, server: &Server, requests: &Requests, expected: &str) {
        let first = self.runtime.block_on(client::ask(server.host(), requests.first()));
        assert!(first.contains(expected), "the response does not contain {expected}: {first}");
        self.runtime.block_on(client::send_all(server.host(), Requests::all(requests.path())));
    }

    /// Rotakey, pinned to its cores.
    pub fn rotakey(&self, database: &Database, flags: &[&str]) -> Server {
        Server::rotakey(&database.url(), Cores::Pinned, flags)
    }

    /// Adds a row to the table.
    pub fn add_row(&mut self, row: Row) {
        eprintln!("{}", row.markdown());
        self.rows.push(row);
    }

    /// The rows of the table.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }
}
