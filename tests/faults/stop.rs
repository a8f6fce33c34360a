//! Ctrl-C and SIGTERM: the program ends, and with it everything that it started.

use std::collections::HashSet;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use crate::support::process_tree::with_children;

/// How long an orderly end may take.
const GRACE: Duration = Duration::from_secs(10);
/// The exit status, as after Ctrl-C in a shell.
pub const STATUS: u8 = 130;

/// Waits for a signal; `stopped` says when it came. If the program is then still there after a while, because it waits for a server for
/// example, this ends its servers, and the program.
pub async fn watch_signals(stopped: watch::Sender<bool>) {
    let mut signals = [SignalKind::interrupt(), SignalKind::terminate()].map(|kind| signal(kind).unwrap());
    let [interrupt, terminate] = &mut signals;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    stopped.send_replace(true);
    sleep_until(Instant::now() + GRACE).await;
    for pid in descendants(Pid::this()) {
        // One that has ended by itself meanwhile is as good.
        let _ = kill(pid, Signal::SIGKILL);
    }
    std::process::exit(STATUS.into());
}

/// The processes that this one has started, and those that they have.
pub fn descendants(of: Pid) -> HashSet<Pid> {
    let (mut found, mut open) = (HashSet::new(), vec![of]);
    while let Some(parent) = open.pop() {
        open.extend(with_children(parent).into_iter().skip(1).filter(|child| found.insert(*child)));
    }
    found
}
