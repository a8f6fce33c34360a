//! The open connections: accepts up to a maximum, and closes those that are idle, stalled, or hold too much memory.

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
use super::counts::{ConnectionCounts, EVICTED, IDLE, MEMORY};
use super::idle_timeout::IdleTimeout;
use super::memory::Budget;

/// How often the idle timeouts are checked.
const PERIOD: Duration = Duration::from_secs(15);
/// How long a client may take to send the rest of a request, or to read a response, once the server stops.
const CLIENT_GRACE: Duration = Duration::from_secs(5);
/// How often the connections are checked while the server stops.
const STOPPING_PERIOD: Duration = Duration::from_secs(1);
/// How long to wait before accepting again.
const RETRY: Duration = Duration::from_millis(100);
/// The shortest time between two log lines of the same kind.
const LOG_PERIOD: Duration = Duration::from_secs(60);

/// The open connections, each served by one task.
#[derive(Debug)]
pub(crate) struct OpenConnections {
    tasks: JoinSet<()>,
    open: HashMap<Id, Open>,
    /// One permit for each connection. WebSockets keep theirs.
    permits: Arc<Semaphore>,
    budget: Arc<Budget>,
    counts: Arc<ConnectionCounts>,
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
    /// Connections are numbered as they are accepted: the lower, the older.
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
    /// For up to this many concurrent connections, for which the server holds no more bytes than this budget has.
    pub(crate) fn new(max_connections: usize, budget: Arc<Budget>, counts: Arc<ConnectionCounts>) -> Self {
        let mut periods = interval(PERIOD);
        periods.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            tasks: JoinSet::new(),
            open: HashMap::new(),
            permits: Arc::new(Semaphore::new(max_connections.min(Semaphore::MAX_PERMITS))),
            budget,
            counts,
            periods,
            accepted: 0,
            full: Logged::default(),
            no_descriptors: Logged::default(),
            over_budget: Logged::default(),
        }
    }

    /// The counters of a new connection.
    pub(crate) fn activity(&self) -> Arc<Activity> {
        Arc::new(Activity::new(self.budget.clone()))
    }

    /// Accepts the next connection, with its permit. Dropping this loses no accepted connection but one that waits for a permit.
    pub(crate) async fn accept(&mut self, listener: &TcpListener) -> (TcpStream, SocketAddr, OwnedSemaphorePermit) {
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = self.look_after() => continue,
            };
            match accepted {
                Ok((stream, peer)) => return (stream, peer, self.permit().await),
                Err(cause) if is_client_error(&cause) => {}
                Err(cause) => {
                    if self.no_descriptors.may_log() {
                        let hint = "raise the limit of open files (ulimit -n, LimitNOFILE), or lower --max-connections";
                        tracing::error!(name: "accept_failed", %cause, hint, "cannot accept connections; closing one that is idle or waits for its client");
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

    /// A permit for one more connection. If there is none, an idle connection is closed, or else one that only waits for its client.
    /// If there is no such connection either, this waits.
    async fn permit(&mut self) -> OwnedSemaphorePermit {
        loop {
            if let Ok(permit) = self.permits.clone().try_acquire_owned() {
                return permit;
            }
            if self.full.may_log() {
                tracing::warn!(
                    name: "connections_limit_reached",
                    "--max-connections reached; closing an idle connection, or one that waits for its client, for each new one"
                );
            }
            self.make_room();
            let permits = self.permits.clone();
            tokio::select! {
                Ok(permit) = permits.acquire_owned() => return permit,
                () = pause() => {}
                () = self.look_after() => {}
            }
        }
    }

    /// Spawns the task that serves a connection.
    pub(crate) fn add(&mut self, activity: Arc<Activity>, served: impl Future<Output = ()> + Send + 'static) {
        let task = self.tasks.spawn(served);
        self.accepted += 1;
        self.counts.accepted();
        let open =
            Open { activity, task, idle_timeout: IdleTimeout::default(), number: self.accepted, is_closing: false };
        self.open.insert(open.task.id(), open);
    }

    /// Removes connections that have ended, and closes those that must be closed. Never returns, and is safe to drop and call again.
    async fn look_after(&mut self) {
        let budget = self.budget.clone();
        loop {
            tokio::select! {
                Some(ended) = self.tasks.join_next_with_id() => self.forget(ended),
                () = budget.exceeded() => self.close_stalled(),
                _ = self.periods.tick() => self.close_idle(),
            }
        }
    }

    fn forget(&mut self, ended: Result<(Id, ()), JoinError>) {
        let id = ended.map_or_else(|err| err.id(), |(id, ())| id);
        self.open.remove(&id);
        self.counts.ended();
    }

    fn close_idle(&mut self) {
        for open in self.open.values_mut() {
            if open.idle_timeout.is_exceeded(&open.activity) {
                tracing::debug!(name: "idle_connection_closed", "closing idle connection");
                self.counts.closed(IDLE);
                open.close();
            }
        }
    }

    fn make_room(&mut self) {
        let candidates = self.open.values_mut().filter(|open| !open.is_closing);
        let evictable = candidates
            .filter_map(|open| Some((open.idle_timeout.evictable(&open.activity)?, Reverse(open.number), open)));
        if let Some((evictable, _, open)) = evictable.max_by_key(|(evictable, age, _)| (*evictable, *age)) {
            tracing::debug!(name: "connection_evicted", ?evictable, "closing a connection to make room");
            self.counts.closed(EVICTED);
            open.close();
        }
    }

    /// Closes connections until the rest fits into the budget: first those whose client has not read for longest.
    ///
    /// What closed connections still hold does not count: the tasks of their HTTP/2 streams let go of it soon, but later than they end.
    fn close_stalled(&mut self) {
        // Closing one that holds nothing would not help, however long it has been quiet.
        let holds = |open: &&mut Open| !open.is_closing && open.activity.held_bytes() > 0;
        let mut holding: Vec<_> = self.open.values_mut().filter(holds).collect();
        let mut excess = self.budget.excess_of(holding.iter().map(|open| open.activity.held_bytes()).sum());
        holding.sort_by_key(|open| Reverse((open.idle_timeout.quiet_periods(), open.activity.held_bytes())));
        for open in holding {
            if excess == 0 {
                return;
            }
            excess = excess.saturating_sub(open.activity.held_bytes());
            open.close();
            self.counts.closed(MEMORY);
            if self.over_budget.may_log() {
                tracing::warn!(
                    name: "unread_responses_limit_reached",
                    "clients leave too many responses unread; closing the connections whose client has not read for longest"
                );
            }
        }
    }

    /// Waits until all connections have ended. After a grace period, those that only wait for their client are closed: load balancers
    /// wait no longer either.
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

/// Waits before the next attempt.
#[expect(
    clippy::disallowed_methods,
    reason = "there is no event for a free descriptor, nor for a connection that becomes idle"
)]
async fn pause() {
    sleep(RETRY).await;
}

/// Whether the client caused the error by disconnecting, which axum ignores likewise.
fn is_client_error(err: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(err.kind(), ConnectionRefused | ConnectionAborted | ConnectionReset)
}

/// When something was last logged.
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

#[cfg(test)]
mod tests {
    use std::future::pending;

    use futures_util::FutureExt;

    use crate::http::server::connection::memory::{Charge, Purpose};

    use super::*;

    #[tokio::test]
    async fn what_a_closed_connection_still_holds_closes_no_other() {
        let budget = Arc::new(Budget::new(100));
        let mut connections = OpenConnections::new(3, budget.clone(), Arc::default());
        let mut charges: Vec<_> = (0..3)
            .map(|_| {
                let activity = connections.activity();
                connections.add(activity.clone(), pending());
                Charge::new(activity, Purpose::Answer, 40)
            })
            .collect();
        while connections.open.len() == 3 {
            assert!(connections.look_after().now_or_never().is_none());
            tokio::task::yield_now().await;
        }
        assert_eq!(
            (connections.open.len(), budget.held_bytes()),
            (2, 120),
            "one is closed, and its charge is still held"
        );
        charges.iter_mut().for_each(|charge| charge.add(10));
        assert!(connections.look_after().now_or_never().is_none());
        assert!(!connections.open.values().any(|open| open.is_closing), "the others fit into the budget");
        charges.iter_mut().for_each(|charge| charge.add(1));
        assert!(connections.look_after().now_or_never().is_none());
        assert_eq!(connections.open.values().filter(|open| open.is_closing).count(), 1);
    }
}
