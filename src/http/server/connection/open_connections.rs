//! The open connections: lets clients in, at most so many at once, and closes connections on which nothing happens.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::{AbortHandle, Id, JoinError, JoinSet};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval, sleep};

use super::activity::Activity;
use super::idle_timeout::IdleTimeout;
use super::memory::Budget;

/// How often every connection is looked at.
const PERIOD: Duration = Duration::from_secs(15);
/// How long a client may take to send the rest of a request, or to read an answer, once the server stops.
const CLIENT_GRACE: Duration = Duration::from_secs(5);
/// How often the connections are looked at while the server stops.
const STOPPING_PERIOD: Duration = Duration::from_secs(1);
/// When it is tried again to let a client in.
const RETRY: Duration = Duration::from_millis(100);
/// How often the same trouble is logged at most.
const LOG_PERIOD: Duration = Duration::from_secs(60);

/// The open connections, each served by a task of its own.
#[derive(Debug)]
pub(crate) struct OpenConnections {
    tasks: JoinSet<()>,
    open: HashMap<Id, Open>,
    /// Places for connections. WebSockets keep theirs.
    places: Arc<Semaphore>,
    budget: Arc<Budget>,
    periods: Interval,
    accepted: u64,
    full: Logged,
    no_descriptors: Logged,
    over_budget: Logged,
}

#[derive(Debug)]
struct Open {
    activity: Arc<Activity>,
    task: AbortHandle,
    idle_timeout: IdleTimeout,
    /// The how many-th it is: the lower, the older.
    number: u64,
    is_closing: bool,
}

impl Open {
    fn close(&mut self) {
        self.is_closing = true;
        self.task.abort();
    }
}

impl OpenConnections {
    /// For at most so many connections at once, which together make the server hold at most so many bytes.
    pub(crate) fn new(max_connections: usize, max_held_bytes: usize) -> Self {
        let mut periods = interval(PERIOD);
        periods.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            tasks: JoinSet::new(),
            open: HashMap::new(),
            places: Arc::new(Semaphore::new(max_connections.min(Semaphore::MAX_PERMITS))),
            budget: Arc::new(Budget::new(max_held_bytes)),
            periods,
            accepted: 0,
            full: Logged::default(),
            no_descriptors: Logged::default(),
            over_budget: Logged::default(),
        }
    }

    /// The counters of a connection that is yet to be served.
    pub(crate) fn activity(&self) -> Arc<Activity> {
        Arc::new(Activity::new(self.budget.clone()))
    }

    /// The next client, and its place. Nobody who was let in is lost if this is dropped and called again, but the one that waits for a
    /// place.
    pub(crate) async fn accept(&mut self, listener: &TcpListener) -> (TcpStream, SocketAddr, OwnedSemaphorePermit) {
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = self.look_after() => continue,
            };
            match accepted {
                Ok((stream, peer)) => return (stream, peer, self.place().await),
                Err(cause) if is_of_the_client(&cause) => {}
                Err(cause) => {
                    if self.no_descriptors.may_log() {
                        let hint = "raise the limit of open files (ulimit -n, LimitNOFILE), or lower --max-connections";
                        tracing::error!(%cause, hint, "no connection can be accepted; one that is idle or waits for its client is closed");
                    }
                    self.make_room();
                    tokio::select! {
                        () = pause() => {}
                        () = self.look_after() => {}
                    }
                }
            }
        }
    }

    /// A place for one more connection. If there is none, a connection is closed that is idle, or else one that only waits for its
    /// client; while there is none either, this waits.
    async fn place(&mut self) -> OwnedSemaphorePermit {
        loop {
            if let Ok(place) = self.places.clone().try_acquire_owned() {
                return place;
            }
            if self.full.may_log() {
                tracing::warn!(
                    "--max-connections are open; one that is idle or waits for its client is closed for each new one"
                );
            }
            self.make_room();
            let places = self.places.clone();
            tokio::select! {
                Ok(place) = places.acquire_owned() => return place,
                () = pause() => {}
                () = self.look_after() => {}
            }
        }
    }

    /// Serves one more.
    pub(crate) fn add(&mut self, activity: Arc<Activity>, served: impl Future<Output = ()> + Send + 'static) {
        let task = self.tasks.spawn(served);
        self.accepted += 1;
        let open =
            Open { activity, task, idle_timeout: IdleTimeout::default(), number: self.accepted, is_closing: false };
        self.open.insert(open.task.id(), open);
    }

    /// Forgets connections that have ended, and closes those that must be; never ends. Nothing is lost if it is dropped and called again.
    async fn look_after(&mut self) {
        let budget = self.budget.clone();
        loop {
            tokio::select! {
                Some(ended) = self.tasks.join_next_with_id() => self.forget(ended),
                () = budget.exceeded() => self.close_those_that_hold_most(),
                _ = self.periods.tick() => self.close_quiet(),
            }
        }
    }

    fn forget(&mut self, ended: Result<(Id, ()), JoinError>) {
        let id = ended.map_or_else(|err| err.id(), |(id, ())| id);
        self.open.remove(&id);
    }

    fn close_quiet(&mut self) {
        for open in self.open.values_mut() {
            if open.idle_timeout.is_exceeded(&open.activity) {
                tracing::debug!("closing idle connection");
                open.close();
            }
        }
    }

    fn make_room(&mut self) {
        let candidates = self.open.values_mut().filter(|open| !open.is_closing);
        let evictable = candidates
            .filter_map(|open| Some((open.idle_timeout.evictable(&open.activity)?, Reverse(open.number), open)));
        if let Some((evictable, _, open)) = evictable.max_by_key(|(evictable, age, _)| (*evictable, *age)) {
            tracing::debug!(?evictable, "closing a connection to make room");
            open.close();
        }
    }

    /// Closes connections until the rest is within the budget: first those whose answers have not been read for longest.
    fn close_those_that_hold_most(&mut self) {
        let closing = self.open.values().filter(|open| open.is_closing).map(|open| open.activity.held_bytes());
        let mut excess = self.budget.excess().saturating_sub(closing.sum());
        // Closing one that holds nothing would not help, however long it has been quiet.
        let holds = |open: &&mut Open| !open.is_closing && open.activity.held_bytes() > 0;
        let mut holding: Vec<_> = self.open.values_mut().filter(holds).collect();
        holding.sort_by_key(|open| Reverse((open.idle_timeout.quiet_periods(), open.activity.held_bytes())));
        for open in holding {
            if excess == 0 {
                return;
            }
            excess = excess.saturating_sub(open.activity.held_bytes());
            open.close();
            if self.over_budget.may_log() {
                tracing::warn!("clients leave too many answers unread; connections that hold most are closed");
            }
        }
    }

    /// Waits until all connections have ended. Those that wait for their clients are closed soon, however fast these are: load
    /// balancers wait no longer either.
    pub(crate) async fn finish(mut self) {
        let (begun, mut seconds) = (Instant::now(), interval(STOPPING_PERIOD));
        loop {
            tokio::select! {
                ended = self.tasks.join_next_with_id() => match ended {
                    Some(ended) => self.forget(ended),
                    None => return,
                },
                _ = seconds.tick() => {
                    let is_over = begun.elapsed() >= CLIENT_GRACE;
                    for open in self.open.values_mut().filter(|open| is_over && !open.activity.snapshot().is_working) {
                        open.close();
                    }
                }
            }
        }
    }
}

/// Waits before it is tried again.
#[expect(
    clippy::disallowed_methods,
    reason = "nothing tells when the system has a descriptor again, or a connection becomes idle"
)]
async fn pause() {
    sleep(RETRY).await;
}

/// Whether only this client is at fault, as axum and hyper judge it: it has gone already.
fn is_of_the_client(err: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(err.kind(), ConnectionRefused | ConnectionAborted | ConnectionReset)
}

/// When a trouble was logged last.
#[derive(Debug, Default)]
struct Logged(Option<Instant>);

impl Logged {
    fn may_log(&mut self) -> bool {
        let may = self.0.is_none_or(|at| at.elapsed() >= LOG_PERIOD);
        if may {
            self.0 = Some(Instant::now());
        }
        may
    }
}
