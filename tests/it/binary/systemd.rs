//! Under systemd: sockets that are passed to the server, and what the server says of its state.

use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use nix::fcntl::{FcntlArg, fcntl};
use nix::sys::signal::Signal;
use nix::time::{ClockId, clock_gettime};

use crate::support::client::Client;
use crate::support::deadline::DEADLINE;
use crate::support::process::{Process, binary, command};

/// `rotakey serve` with these descriptors from 3, as `sd_listen_fds(3)` describes it.
fn activated(folder: &Path, names: Option<&str>, sockets: Vec<OwnedFd>) -> Command {
    let mut script = String::new();
    for (number, socket) in sockets.iter().enumerate() {
        // Far above, so that placing one does not overwrite another.
        let inherited = fcntl(socket, FcntlArg::F_DUPFD(40)).unwrap();
        script.push_str(&format!("exec {}<&{inherited} {inherited}<&-\n", number + 3));
    }
    script.push_str("export LISTEN_PID=$$\nexec \"$0\" serve \"$@\"");
    let mut command = Command::new("bash");
    command.args(["-c", &script, binary()]).current_dir(folder).env("LISTEN_FDS", sockets.len().to_string());
    command.args(["--listen", "127.0.0.1:0", "--database-url", "sqlite://rotakey.db"]);
    match names {
        Some(names) => command.env("LISTEN_FDNAMES", names),
        None => command.env_remove("LISTEN_FDNAMES"),
    };
    command
}

fn listener() -> (SocketAddr, OwnedFd) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    (listener.local_addr().unwrap(), listener.into())
}

async fn status(address: SocketAddr, path: &str) -> u16 {
    let client = Client::anonymous(&format!("http://{address}"));
    client.request("GET", path).send().await.unwrap().status().as_u16()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passed_socket_is_served_instead_of_the_flag_and_its_backlog_is_not_lost() {
    for name in [None, Some("rotakey.socket"), Some("api"), Some("unknown")] {
        let folder = tempfile::tempdir().unwrap();
        let (address, socket) = listener();
        // This client connects before there is a server.
        let waiting = tokio::spawn(async move { status(address, "/healthz").await });
        let server = Process::listening(activated(folder.path(), name, vec![socket]));
        assert_eq!(server.url, format!("http://{address}"), "{name:?}");
        server.logged("instead of --listen");
        assert_eq!(waiting.await.unwrap(), 200);
        assert_eq!(status(address, "/metrics").await, 401, "no address of its own for metrics");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn passed_sockets_are_told_apart_by_their_names() {
    let folder = tempfile::tempdir().unwrap();
    let ((metrics, metrics_socket), (api, api_socket)) = (listener(), listener());
    let sockets = vec![metrics_socket, api_socket];
    let server = Process::listening(activated(folder.path(), Some("metrics:api"), sockets));
    assert_eq!(server.url, format!("http://{api}"));
    assert_eq!((status(api, "/metrics").await, status(metrics, "/metrics").await), (404, 200));
    drop(server);
    let (metrics, socket) = listener();
    let server = Process::listening(activated(folder.path(), Some("metrics"), vec![socket]));
    assert_ne!(server.url, format!("http://{metrics}"), "the API is at --listen");
    assert_eq!(server.client().request("GET", "/healthz").send().await.unwrap().status(), 200);
    assert_eq!(status(metrics, "/metrics").await, 200);
}

#[test]
fn a_socket_that_cannot_be_served_is_refused_before_anything_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    let tcp = || listener().1;
    let unix = UnixListener::bind(folder.path().join("socket")).unwrap();
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    let accepted = TcpListener::bind("127.0.0.1:0").unwrap();
    let connection = TcpStream::connect(accepted.local_addr().unwrap()).unwrap();
    let file = std::fs::File::create(folder.path().join("file")).unwrap();
    for (names, sockets, refusal) in [
        (Some("api"), vec![unix.into()], "does not listen for TCP connections"),
        (None, vec![udp.into()], "does not listen for TCP connections"),
        (Some("metrics"), vec![connection.into()], "Set ListenStream= to an address and a port, and Accept=no"),
        (Some("api"), vec![file.into()], "does not listen for TCP connections"),
        (Some("api:api"), vec![tcp(), tcp()], "two sockets for the API"),
        (None, vec![tcp(), tcp()], "two sockets for the API"),
        (Some("metric"), vec![tcp()], "FileDescriptorName="),
        (Some("api:metrics"), vec![tcp()], "LISTEN_FDNAMES"),
    ] {
        let command = activated(folder.path(), names, sockets);
        let (status, stdout, stderr) = Process::spawn(command).ended();
        assert_eq!((status.code(), stdout.as_str()), (Some(1), ""), "{names:?}");
        assert!(stderr.contains(refusal), "{names:?}: {stderr}");
        assert!(!folder.path().join("rotakey.db").exists());
    }
    // A number of descriptors that are not open.
    let mut command = activated(folder.path(), None, vec![]);
    command.env("LISTEN_FDS", "2");
    let (status, _, stderr) = Process::spawn(command).ended();
    assert_eq!(status.code(), Some(1));
    assert!(stderr.contains("LISTEN_FDS must be"), "{stderr}");
}

#[tokio::test(flavor = "multi_thread")]
async fn sockets_for_another_process_are_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = command(folder.path());
    command.args(["serve", "--listen", "127.0.0.1:0"]).envs([("LISTEN_PID", "1"), ("LISTEN_FDS", "1")]);
    let server = Process::listening(command);
    assert_eq!(server.client().request("GET", "/healthz").send().await.unwrap().status(), 200);
}

/// The service manager's end of `sd_notify(3)`.
struct Manager {
    socket: UnixDatagram,
    said: Vec<String>,
}

impl Manager {
    fn new(folder: &Path) -> Self {
        let socket = UnixDatagram::bind(folder.join("notify")).unwrap();
        socket.set_read_timeout(Some(DEADLINE)).unwrap();
        Self { socket, said: Vec::new() }
    }

    /// The next message with this line.
    fn next(&mut self, line: &str) -> String {
        loop {
            let mut buffer = [0; 1024];
            let read = self.socket.recv(&mut buffer).unwrap_or_else(|_| panic!("no {line} after {:?}", self.said));
            let message = String::from_utf8(buffer[..read].to_vec()).unwrap();
            self.said.push(message.clone());
            if message.lines().any(|said| said == line) {
                return message;
            }
        }
    }
}

fn monotonic_micros() -> u128 {
    Duration::from(clock_gettime(ClockId::CLOCK_MONOTONIC).unwrap()).as_micros()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_manager_is_told_when_the_server_is_ready_reloads_and_stops() {
    let folder = tempfile::tempdir().unwrap();
    let mut manager = Manager::new(folder.path());
    let mut command = command(folder.path());
    command
        .args(["serve", "--listen", "127.0.0.1:0", "--drain", "1s"])
        .env("NOTIFY_SOCKET", folder.path().join("notify"));
    command.env_remove("WATCHDOG_USEC");
    let server = Process::listening(command);
    assert!(manager.next("STATUS=Opening the database").contains("EXTEND_TIMEOUT_USEC=30000000"));
    assert!(manager.next("READY=1").contains("STATUS=Ready"));
    // It is ready from this message on.
    assert_eq!(server.client().request("GET", "/readyz").send().await.unwrap().status(), 200);
    for _ in 0..2 {
        let before = monotonic_micros();
        server.signal(Signal::SIGHUP);
        let message = manager.next("RELOADING=1");
        let at =
            message.lines().find_map(|line| line.strip_prefix("MONOTONIC_USEC=")).unwrap().parse::<u128>().unwrap();
        assert!((before..=monotonic_micros()).contains(&at), "{message}");
        manager.next("READY=1");
    }
    server.signal(Signal::SIGTERM);
    assert!(manager.next("STOPPING=1").contains("STATUS=Draining"));
    assert!(manager.next("STOPPING=1").contains("STATUS=Stopping"));
    assert!(server.ended().0.success());
    assert!(!manager.said.iter().any(|message| message.contains("WATCHDOG")));
}

#[test]
fn the_watchdog_is_notified_as_often_as_it_wants() {
    let folder = tempfile::tempdir().unwrap();
    let mut manager = Manager::new(folder.path());
    let mut command = command(folder.path());
    command.args(["serve", "--listen", "127.0.0.1:0"]).env("NOTIFY_SOCKET", folder.path().join("notify"));
    command.env("WATCHDOG_USEC", "200000").env_remove("WATCHDOG_PID");
    let server = Process::listening(command);
    let begun = monotonic_micros();
    for _ in 0..10 {
        manager.next("WATCHDOG=1");
    }
    assert!(monotonic_micros() - begun >= 500_000, "it is notified far too often");
    drop(server);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_manager_that_cannot_be_reached_is_logged_once_and_stops_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = command(folder.path());
    command.args(["serve", "--listen", "127.0.0.1:0"]).env("NOTIFY_SOCKET", folder.path().join("nobody"));
    command.env("WATCHDOG_USEC", "20000").env_remove("WATCHDOG_PID");
    let server = Process::listening(command);
    server.client().ready().await;
    server.signal(Signal::SIGTERM);
    let (status, _, stderr) = server.ended();
    assert!(status.success());
    assert_eq!(stderr.matches("cannot notify the service manager").count(), 1, "{stderr}");
}
