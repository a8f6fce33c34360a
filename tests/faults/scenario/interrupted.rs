//! This program is stopped itself, by Ctrl-C or SIGTERM, and leaves no server behind.

use std::collections::HashSet;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;
use tokio::time::{Instant, interval, timeout};

use super::Run;
use crate::load::median_and_longest;
use crate::report::Report;
use crate::stop;

/// How long anything may take, on a machine that has much else to do.
const PATIENCE: Duration = Duration::from_secs(60);
/// Three replicas, the parent of PostgreSQL and some of its children.
const SERVERS: usize = 8;

pub async fn run(run: &Run) -> Report {
    let mut report = Report::new(run);
    let mut random = fastrand::Rng::with_seed(run.seed);
    let (mut ended_after, mut processes) = (Vec::new(), 0);
    for signal in [Signal::SIGTERM, Signal::SIGINT].into_iter().cycle().take(run.times as usize) {
        match interrupt(signal, random.u32(1..20)).await {
            Ok((took, ended)) => {
                ended_after.push(took);
                processes += ended;
            }
            Err(failure) => report.expect(Err(format!("{signal}: {failure}"))),
        }
    }
    report.count("interruptions", run.times);
    report.count("processes ended", processes);
    report.count("after (p50 / max)", median_and_longest(&ended_after));
    report
}

/// Starts a scenario, stops it so many twentieths of a second after its servers run, and waits until all of them are gone.
async fn interrupt(signal: Signal, later: u32) -> Result<(Duration, usize), String> {
    let folder = TempDir::new().unwrap();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["replica-kills", "--times", "1000", "--record"]).arg(folder.path().join("history"));
    let mut harness = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let pid = Pid::from_raw(i32::try_from(harness.id()).unwrap());
    let mut periods = interval(Duration::from_millis(50));
    let mut seen = HashSet::new();
    let starting = async {
        let mut left = later;
        while left > 0 {
            periods.tick().await;
            let now = stop::descendants(pid);
            left -= u32::from(now.len() >= SERVERS);
            seen.extend(now.into_iter().map(|pid| (pid, started_at(pid))));
        }
    };
    let started = timeout(PATIENCE, starting).await;
    kill(pid, signal).unwrap();
    let signalled = Instant::now();
    let ended = timeout(PATIENCE, ended(&mut harness)).await;
    let took = signalled.elapsed();
    if ended.is_err() {
        harness.kill().unwrap();
        harness.wait().unwrap();
    }
    started.map_err(|_| "the servers do not start".to_owned())?;
    let status = ended.map_err(|_| format!("it does not end within {PATIENCE:?}"))?;
    let left: Vec<_> = seen.iter().filter(|(pid, started)| started.is_some() && started_at(*pid) == *started).collect();
    if status.code() != Some(stop::STATUS.into()) || !left.is_empty() {
        return Err(format!("it ended with {status}, and {left:?} of its processes still run"));
    }
    Ok((took, seen.len()))
}

async fn ended(harness: &mut Child) -> ExitStatus {
    let mut periods = interval(Duration::from_millis(50));
    loop {
        periods.tick().await;
        if let Some(status) = harness.try_wait().unwrap() {
            return status;
        }
    }
}

/// When a process started, in ticks since the machine did; `None` if there is none, or if only its status is left.
fn started_at(pid: Pid) -> Option<String> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name of the program stands in parentheses. The state is the first field after it, and the start the twentieth.
    let fields: Vec<&str> = stat.rsplit(')').next()?.split_whitespace().collect();
    (*fields.first()? != "Z").then(|| fields.get(19).map(|start| (*start).to_owned()))?
}
