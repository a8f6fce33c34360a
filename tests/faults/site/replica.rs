//! The real binary as one of several replicas. It keeps its address over restarts, as behind a load balancer.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use nix::sys::signal::Signal;
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::support::link::free_port;
use crate::support::process::{self, Process};

pub struct Replica {
    /// Its name in the history.
    pub name: String,
    pub url: String,
    pub port: u16,
    database_url: String,
    flags: Vec<String>,
    environment: Vec<(String, String)>,
    folder: TempDir,
    /// The binary, which is that of this version or of another.
    binary: Mutex<PathBuf>,
    process: Mutex<Option<Process>>,
    /// Whether it runs, as far as the scenario knows.
    up: watch::Sender<bool>,
}

impl Replica {
    /// Starts a server on this database, with these flags besides.
    pub fn start(name: &str, database_url: &str, flags: &[&str]) -> Self {
        Self::start_with(name, database_url, flags, Vec::new())
    }

    /// As [`Replica::start`], with these variables in its environment.
    pub fn start_with(name: &str, database_url: &str, flags: &[&str], environment: Vec<(String, String)>) -> Self {
        let binary = PathBuf::from(process::binary());
        Self::start_binary(binary, name, database_url, flags, environment)
    }

    /// As [`Replica::start_with`], by this binary.
    pub fn start_binary(
        binary: PathBuf,
        name: &str,
        database_url: &str,
        flags: &[&str],
        environment: Vec<(String, String)>,
    ) -> Self {
        let port = free_port();
        let replica = Self {
            name: name.to_owned(),
            url: format!("http://127.0.0.1:{port}"),
            port,
            database_url: database_url.to_owned(),
            flags: flags.iter().map(|flag| (*flag).to_owned()).collect(),
            environment,
            folder: TempDir::new().unwrap(),
            binary: Mutex::new(binary),
            process: Mutex::new(None),
            up: watch::Sender::new(false),
        };
        replica.restart();
        replica
    }

    /// The value of the first token, which the server on an empty database prints.
    pub fn first_value(&self) -> String {
        self.process.lock().unwrap().as_ref().unwrap().first_value()
    }

    /// Kills it with SIGKILL, and waits until it is gone.
    pub fn kill(&self) {
        self.up.send_replace(false);
        let process = self.process.lock().unwrap().take().unwrap();
        process.signal(Signal::SIGKILL);
        assert!(!process.ended().0.success());
    }

    /// Asks it to stop, and waits until it has ended by itself.
    pub fn stop(&self, deadline: Duration) {
        let process = self.process.lock().unwrap().take().unwrap();
        process.signal(Signal::SIGTERM);
        let (status, _, log) = process.ended_within(deadline);
        self.up.send_replace(false);
        assert!(status.success(), "{} did not stop within {deadline:?}: {log}", self.name);
    }

    /// Starts it again, and waits until it listens.
    pub fn restart(&self) {
        let mut command = process::command_of(&self.binary.lock().unwrap(), self.folder.path());
        command.args(["serve", "--listen", &format!("127.0.0.1:{}", self.port), "--log", "info"]);
        command.args(["--database-url", &self.database_url]).args(&self.flags);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        let process = Process::listening(command);
        assert!(self.process.lock().unwrap().replace(process).is_none());
        self.up.send_replace(true);
    }

    /// Stops it, and starts another version at its address.
    pub fn replace_by(&self, binary: &Path, deadline: Duration) {
        self.stop(deadline);
        *self.binary.lock().unwrap() = binary.to_owned();
        self.restart();
    }

    pub fn is_up(&self) -> bool {
        *self.up.borrow()
    }

    /// Waits until it runs; false if that is not before the deadline.
    pub async fn wait_until_up(&self, deadline: Instant) -> bool {
        let mut up = self.up.subscribe();
        let waiting = up.wait_for(|up| *up);
        tokio::time::timeout_at(deadline, waiting).await.is_ok()
    }
}
