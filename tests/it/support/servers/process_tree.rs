//! A process and its children.

use std::fs;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::deadline::until;

/// This process and its children.
pub fn with_children(parent: Pid) -> Vec<Pid> {
    let pids = fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let is_child = |pid: &i32| {
        let pid = Pid::from_raw(*pid);
        stat(pid).is_some_and(|fields| fields.get(1) == Some(&parent.to_string()))
    };
    // The parent first: it then starts no others.
    std::iter::once(parent).chain(pids.filter(is_child).map(Pid::from_raw)).collect()
}

/// Stops this process by SIGSTOP, so that it starts no others, and lists it with its children.
#[allow(dead_code, reason = "the fault tests use it")]
pub fn stopped_with_children(parent: Pid) -> Vec<Pid> {
    signal_all(&[parent], Signal::SIGSTOP);
    with_children(parent)
}

/// Sends a signal to each. One that has ended by itself meanwhile is as good.
#[allow(dead_code, reason = "the fault tests use it")]
pub fn signal_all(pids: &[Pid], signal: Signal) {
    for pid in pids {
        let _ = kill(*pid, signal);
    }
}

/// Waits until each has ended.
#[allow(dead_code, reason = "the fault tests use it")]
pub async fn wait_until_ended(pids: &[Pid]) {
    // Of a zombie, only the entry is left.
    let runs = |pid: &Pid| stat(*pid).is_some_and(|fields| fields.first().is_some_and(|state| state != "Z"));
    until("the end of killed processes", async || !pids.iter().any(runs)).await;
}

/// The fields of `/proc/PID/stat` after the name of the program: the state, the parent, and others.
fn stat(pid: Pid) -> Option<Vec<String>> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name stands in parentheses.
    Some(stat.rsplit(')').next()?.split_whitespace().map(str::to_owned).collect())
}
