//! HAProxy before the replicas, as an operator sets it up: it asks each for `/readyz`.

use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::Replica;
use super::replica::free_port;

const PROGRAM: &str = "/usr/sbin/haproxy";
const PATIENCE: Duration = Duration::from_secs(30);

pub struct Balancer {
    pub url: String,
    child: Child,
    _folder: TempDir,
}

impl Balancer {
    /// Starts it, and waits until it accepts connections. It sends no call to a server that failed two checks, 200 ms apart.
    pub async fn start(replicas: &[Arc<Replica>]) -> Self {
        let (folder, port) = (TempDir::new().unwrap(), free_port());
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
        let file = folder.path().join("haproxy.cfg");
        std::fs::write(&file, configuration).unwrap();
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", PROGRAM, "-db", "-f"]).arg(&file);
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let balancer = Self { url: format!("http://127.0.0.1:{port}"), child, _folder: folder };
        let accepting = async { while TcpStream::connect(("127.0.0.1", port)).await.is_err() {} };
        timeout(PATIENCE, accepting).await.unwrap_or_else(|_| panic!("HAProxy does not start"));
        balancer
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
