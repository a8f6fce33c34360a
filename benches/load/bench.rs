//! What the measures share: where they run, for how long, and the databases that several of them need.

use std::path::Path;

use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::client;
use crate::rounds::{Rounds, Row};
use crate::seed::{self, Database};
use crate::server::{Cores, Server};
use crate::wrk::Requests;

/// How many tokens the small database has.
pub const SMALL: usize = 1_000;
/// How many tokens the large database has.
pub const LARGE: usize = 1_000_000;
/// How many of them are in use.
pub const IN_USE: usize = 100_000;

/// One run.
pub struct Bench {
    /// How often and for how long.
    pub rounds: Rounds,
    /// For clients that are not programs of their own.
    pub runtime: Runtime,
    folder: TempDir,
    large: Option<Database>,
    rows: Vec<Row>,
}

impl Bench {
    /// A run that has measured nothing yet. Its databases are where the build is, which is on a disk and not in memory.
    pub fn new(rounds: Rounds) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        Self { rounds, runtime, folder, large: None, rows: Vec::new() }
    }

    /// Where files may be left until the run ends.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A small database of this name.
    pub fn small_database(&self, name: &str) -> Database {
        self.runtime.block_on(seed::database(self.folder(), name, SMALL))
    }

    /// Makes the large database, unless an earlier measure has.
    pub fn fill_large(&mut self) {
        if self.large.is_none() {
            eprintln!("filling a database with {LARGE} tokens");
            self.large = Some(self.runtime.block_on(seed::database(self.folder.path(), "large.db", LARGE)));
        }
    }

    /// The large database, which [`Bench::fill_large`] has made.
    pub fn large(&self) -> &Database {
        self.large.as_ref().unwrap()
    }

    /// `GET /verify` with the values of these tokens.
    pub fn verify(&self, name: &str, tokens: impl Iterator<Item = usize>) -> Requests {
        Requests::write(self.folder(), name, tokens.map(|token| client::verify(seed::value(token).expose())))
    }

    /// Sends each request once, and checks that the first answer says this.
    pub fn warm(&self, server: &Server, requests: &Requests, says: &str) {
        let first = self.runtime.block_on(client::ask(server.host(), requests.first()));
        assert!(first.contains(says), "the answer does not say {says}: {first}");
        self.runtime.block_on(client::send_all(server.host(), Requests::all(requests.path())));
    }

    /// Rotakey on a core of its own.
    pub fn rotakey(&self, database: &Database, flags: &[&str]) -> Server {
        Server::rotakey(&database.url(), Cores::Pinned, flags)
    }

    /// Adds a line to the table.
    pub fn add_row(&mut self, row: Row) {
        eprintln!("{}", row.markdown());
        self.rows.push(row);
    }

    /// The table's lines.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }
}
