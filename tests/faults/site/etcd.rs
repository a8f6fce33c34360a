//! etcd, in which the Patronis of a cluster agree on the primary.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use tokio::time::timeout;

use crate::support::link::free_port;

const PATIENCE: Duration = Duration::from_secs(30);

/// One member. Outside of tests there are three.
pub struct Etcd {
    /// Where clients connect.
    pub port: u16,
    child: Child,
    _folder: TempDir,
}

impl Etcd {
    /// Starts it, and waits until it is healthy.
    pub async fn start() -> Self {
        let folder = TempDir::new().unwrap();
        let (port, peer_port) = (free_port(), free_port());
        let [clients, peers] = [port, peer_port].map(|port| format!("http://127.0.0.1:{port}"));
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "etcd", "--data-dir"]).arg(folder.path().join("data"));
        command.args(["--listen-client-urls", &clients, "--advertise-client-urls", &clients]);
        command.args(["--listen-peer-urls", &peers, "--initial-advertise-peer-urls", &peers]);
        command.args(["--initial-cluster", &format!("default={peers}")]);
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let etcd = Self { port, child, _folder: folder };
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let health = format!("{clients}/health");
        let healthy = async || http.get(&health).send().await.is_ok_and(|answer| answer.status().is_success());
        let started = timeout(PATIENCE, async { while !healthy().await {} }).await;
        started.unwrap_or_else(|_| panic!("etcd does not start"));
        etcd
    }
}

impl Drop for Etcd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
