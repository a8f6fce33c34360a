//! PgBouncer, configured as `docs/postgresql` says.

use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::task::yield_now;
use tokio::time::timeout;

use super::cluster::{PostgresServer, as_postgres, folder};
use super::link::free_port;
use crate::support::filled_in::filled_in;

const PROGRAM: &str = "/usr/sbin/pgbouncer";
const PATIENCE: Duration = Duration::from_secs(30);

pub struct Pooler {
    pub port: u16,
    #[allow(dead_code, reason = "the fault tests use it")]
    file: PathBuf,
    child: Child,
    _folder: TempDir,
}

impl Pooler {
    /// Starts it before this server, which requires a password from now on.
    pub async fn start(server: &PostgresServer) -> Self {
        Self::start_at(server, server.port, "transaction").await
    }

    /// As [`Pooler::start`], with the server at this port, and in this mode.
    pub async fn start_at(server: &PostgresServer, port_of_server: u16, pool_mode: &str) -> Self {
        server.require_password().await;
        let (folder, port) = (folder(), free_port());
        let users = folder.path().join("userlist.txt");
        std::fs::write(&users, server.ask(&filled_in("userlist.sql", &[])).await).unwrap();
        let places = [
            ("port=5000", format!("port={port_of_server}")),
            ("listen_port = 6432", format!("listen_port = {port}")),
            ("pool_mode = transaction", format!("pool_mode = {pool_mode}")),
            ("/etc/pgbouncer/userlist.txt", users.display().to_string()),
        ];
        let file = folder.path().join("pgbouncer.ini");
        std::fs::write(&file, filled_in("pgbouncer.ini", &places)).unwrap();
        let child = spawn(&file);
        let pooler = Self { port, file, child, _folder: folder };
        pooler.wait_until_up().await;
        pooler
    }

    /// The URL of the database behind it.
    pub fn url(&self) -> String {
        format!("postgres://rotakey:CHANGE-ME-4@127.0.0.1:{}/rotakey", self.port)
    }

    /// Ends it by this signal, and starts it again.
    #[allow(dead_code, reason = "the fault tests use it")]
    pub async fn restart(&mut self, signal: Signal) {
        kill(Pid::from_raw(i32::try_from(self.child.id()).unwrap()), signal).unwrap();
        let ended = async {
            while self.child.try_wait().unwrap().is_none() {
                yield_now().await
            }
        };
        timeout(PATIENCE, ended).await.unwrap_or_else(|_| panic!("PgBouncer does not end by {signal}"));
        self.child = spawn(&self.file);
        self.wait_until_up().await;
    }

    async fn wait_until_up(&self) {
        let accepting = async { while TcpStream::connect(("127.0.0.1", self.port)).await.is_err() {} };
        timeout(PATIENCE, accepting).await.unwrap_or_else(|_| panic!("PgBouncer does not start"));
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(file: &PathBuf) -> Child {
    as_postgres(PROGRAM.as_ref(), "KILL").arg(file).stderr(Stdio::null()).spawn().unwrap()
}
