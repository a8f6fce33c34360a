//! The network between a client, such as a replica, and the database: a TCP proxy, whose bytes a scenario holds back, slows down or loses.
//!
//! A connection that is lost is *half-open*: neither end gets another byte, nor a FIN or RST, as when a firewall forgets it. When the
//! network is whole again, the server's end is closed, as TCP keepalive does it; the client's end stays silent, unless it has a
//! keepalive, too. The proxy acknowledges whatever the two send, so their own keepalives notice nothing.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

/// Ports below those that outgoing connections get, so that none is taken while nothing listens there.
const PORTS: std::ops::Range<u16> = 20_000..32_000;

/// How bytes pass.
#[allow(dead_code, reason = "the fault tests use the rest")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// At once.
    Open,
    /// Held back in both directions until the link is open again, as are new connections.
    Frozen,
    /// Each takes this long in each direction.
    Slow(Duration),
    /// At once, but new connections are refused.
    Refusing,
}

/// Which connections are lost.
#[allow(dead_code, reason = "the fault tests use the rest")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lost {
    All,
    /// All but the one on which the replica listens and polls, which is the only one that is never idle for long.
    AllButTheListener,
}

pub struct Link {
    /// Where the replica connects to.
    pub port: u16,
    wire: Arc<Wire>,
    /// Dropping it ends all connections.
    _serving: JoinSet<()>,
}

/// What all connections of a link share.
struct Wire {
    condition: watch::Sender<Condition>,
    connections: Mutex<Vec<Arc<Connection>>>,
    /// How long after a connection was lost the client's end is closed.
    keepalive: Option<Duration>,
}

#[derive(Default)]
struct Connection {
    /// Whether a `LISTEN` passed.
    listens: AtomicBool,
    lost: CancellationToken,
    /// The server has given up a lost connection.
    reaped: CancellationToken,
    /// The replica has closed it.
    closed: CancellationToken,
}

impl Link {
    /// An open link to the server at this port.
    pub async fn to(server: u16) -> Self {
        Self::open(server, None).await
    }

    /// As [`Link::to`], for a client whose TCP keepalive needs this long to find that a connection is lost.
    #[allow(dead_code, reason = "the fault tests use it")]
    pub async fn with_keepalive(server: u16, keepalive: Duration) -> Self {
        Self::open(server, Some(keepalive)).await
    }

    async fn open(server: u16, keepalive: Option<Duration>) -> Self {
        let port = free_port();
        let (condition, connections) = (watch::Sender::new(Condition::Open), Mutex::default());
        let wire = Arc::new(Wire { condition, connections, keepalive });
        let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
        let mut serving = JoinSet::new();
        serving.spawn(serve(listener, port, server, wire.clone()));
        Self { port, wire, _serving: serving }
    }

    #[allow(dead_code, reason = "the fault tests use it")]
    pub fn set(&self, condition: Condition) {
        self.wire.condition.send_replace(condition);
    }

    /// Loses the connections that there are now. New ones pass.
    pub fn lose(&self, which: Lost) {
        for connection in self.wire.connections.lock().unwrap().iter() {
            if which == Lost::All || !connection.listens.load(Ordering::Relaxed) {
                connection.lost.cancel();
            }
        }
    }

    /// Makes the network whole again.
    #[allow(dead_code, reason = "the fault tests use it")]
    pub fn heal(&self) {
        self.set(Condition::Open);
        let mut connections = self.wire.connections.lock().unwrap();
        connections.retain(|connection| !connection.closed.is_cancelled());
        connections.iter().filter(|connection| connection.lost.is_cancelled()).for_each(|lost| lost.reaped.cancel());
    }
}

async fn serve(listener: TcpListener, port: u16, server: u16, wire: Arc<Wire>) {
    let mut condition = wire.condition.subscribe();
    let mut listener = Some(listener);
    let mut carrying = JoinSet::new();
    loop {
        let refuses = *condition.borrow_and_update() == Condition::Refusing;
        listener = match listener {
            _ if refuses => None,
            None => Some(TcpListener::bind(("127.0.0.1", port)).await.unwrap()),
            listener => listener,
        };
        let accepted = async {
            match &listener {
                Some(listener) => listener.accept().await.unwrap().0,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            changed = condition.changed() => changed.unwrap(),
            Some(_) = carrying.join_next() => {}
            replica = accepted => {
                let connection = Arc::<Connection>::default();
                wire.connections.lock().unwrap().push(connection.clone());
                carrying.spawn(carry(replica, server, wire.clone(), connection));
            }
        }
    }
}

async fn carry(replica: TcpStream, server: u16, wire: Arc<Wire>, connection: Arc<Connection>) {
    let (from_replica, to_replica) = replica.into_split();
    if connection.passes(&wire, Instant::now()).await {
        let server = TcpStream::connect(("127.0.0.1", server)).await;
        if let Ok(server) = server {
            server.set_nodelay(true).unwrap();
            let (from_server, to_server) = server.into_split();
            let there = pass(from_replica, to_server, &wire, &connection, connection.reaped.cancelled());
            let there = async {
                there.await;
                connection.closed.cancel();
            };
            let back = pass(from_server, to_replica, &wire, &connection, connection.given_up(wire.keepalive));
            tokio::join!(there, back);
        }
    } else {
        connection.reaped.cancelled().await;
    }
    connection.closed.cancel();
}

/// Passes bytes in one direction, and then the end; returns when the sender has closed it. If the connection is lost, the receiver
/// gets nothing more, and its end is kept open until `released`.
async fn pass(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    wire: &Wire,
    connection: &Connection,
    released: impl Future<Output = ()>,
) {
    let (send, mut sent) = mpsc::unbounded_channel();
    let reading = async move {
        let mut buffer = vec![0; 16_384];
        loop {
            let read = from.read(&mut buffer).await.unwrap_or(0);
            let bytes = buffer[..read].to_vec();
            if bytes.windows(6).any(|word| word == b"LISTEN") {
                connection.listens.store(true, Ordering::Relaxed);
            }
            // What is lost is read all the same, until its sender gives up.
            let _ = send.send((Instant::now(), bytes));
            if read == 0 {
                return;
            }
        }
    };
    let writing = async move {
        loop {
            let next = tokio::select! {
                next = sent.recv() => next,
                () = connection.lost.cancelled() => None,
            };
            let Some((at, bytes)) = next else { break };
            if !connection.passes(wire, at).await {
                break;
            }
            let done = if bytes.is_empty() { to.shutdown().await } else { to.write_all(&bytes).await };
            if done.is_err() {
                break;
            }
        }
        if connection.lost.is_cancelled() {
            // Dropping this half sends a FIN.
            released.await;
        }
    };
    tokio::join!(reading, writing);
}

impl Connection {
    /// Waits until the client has closed a lost connection, or its keepalive finds it lost.
    async fn given_up(&self, keepalive: Option<Duration>) {
        match keepalive {
            // Whichever is first.
            Some(keepalive) => drop(timeout(keepalive, self.closed.cancelled()).await),
            None => self.closed.cancelled().await,
        }
    }

    /// Waits until what was sent at this moment arrives; false if it is lost.
    async fn passes(&self, wire: &Wire, sent_at: Instant) -> bool {
        let mut condition = wire.condition.subscribe();
        while !self.lost.is_cancelled() {
            let now = *condition.borrow_and_update();
            let due = match now {
                Condition::Open | Condition::Refusing => return true,
                Condition::Slow(delay) if Instant::now() >= sent_at + delay => return true,
                Condition::Slow(delay) => Some(sent_at + delay),
                Condition::Frozen => None,
            };
            let waiting = async {
                match due {
                    Some(due) => sleep_until(due).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                changed = condition.changed() => changed.unwrap(),
                () = self.lost.cancelled() => {}
                () = waiting => {}
            }
        }
        false
    }
}

/// A port that is free now.
pub fn free_port() -> u16 {
    let mut random = fastrand::Rng::new();
    (0..100)
        .map(|_| random.u16(PORTS))
        .find(|port| std::net::TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .unwrap_or_else(|| panic!("no port of {PORTS:?} is free"))
}
