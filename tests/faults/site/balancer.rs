//! HAProxy, as an operator sets it up: before the replicas, where it asks each for `/readyz`, or before the database.

use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::Replica;
use crate::support::link::free_port;

const PROGRAM: &str = "/usr/sbin/haproxy";
const PATIENCE: Duration = Duration::from_secs(30);

pub struct Balancer {
    pub port: u16,
    child: Child,
    _folder: TempDir,
}

impl Balancer {
    /// Starts it before these replicas. It sends no call to a server that failed two checks, 200 ms apart.
    pub async fn start(replicas: &[Arc<Replica>]) -> Self {
        let port = free_port();
        let servers: String = replicas
            .iter()
            .map(|replica| format!("  server {} 127.0.0.1:{} check\n", replica.name, replica.port))
            .collect();
        let configuration = format!(
            "defaults\n  mode http\n  timeout connect 1s\n  timeout client 60s\n  timeout server 60s\n\
             frontend clients\n  bind 127.0.0.1:{port}\n  default_backend replicas\n\
             backend replicas\n  option httpchk GET /readyz\n  http-check expect status 200\n  \
             default-server inter 200ms fall 2 rise 1\n{servers}"
        );
        Self::configured(port, &configuration).await
    }

    /// Starts it at this port as the one address of a server, which takes all connections.
    pub async fn forwarding(port: u16, to: u16) -> Self {
        let configuration = format!(
            "defaults\n  mode tcp\n  timeout connect 1s\n  timeout client 60s\n  timeout server 60s\n\
             listen address\n  bind 127.0.0.1:{port}\n  server only 127.0.0.1:{to}\n"
        );
        Self::configured(port, &configuration).await
    }

    /// Starts it with this configuration, and waits until it accepts connections at this port.
    pub async fn configured(port: u16, configuration: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("haproxy.cfg");
        std::fs::write(&file, configuration).unwrap();
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", PROGRAM, "-db", "-f"]).arg(&file);
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let balancer = Self { port, child, _folder: folder };
        let accepting = async { while TcpStream::connect(("127.0.0.1", port)).await.is_err() {} };
        timeout(PATIENCE, accepting).await.unwrap_or_else(|_| panic!("HAProxy does not start"));
        balancer
    }

    /// Where replicas are called behind it.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
