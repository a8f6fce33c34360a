//! The disk of PostgreSQL is full: only that of its tables, or that of its write-ahead log, too.

use std::time::Duration;

use tokio::time::{Instant, interval, sleep_until, timeout};

use super::small_disk::SmallDisk;
use super::{PATIENCE, Run, Trial, Verification};
use crate::load::Calls;
use crate::report::Report;
use crate::site::three_replicas;
use crate::support::cluster::{PostgresServer, folder};

/// How long it lasts after clients have noticed it, in a short run and in a long one.
const OUTAGES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(30)];
/// A new database takes about a third of it.
const MEBIBYTES: u32 = 128;
/// The write-ahead log keeps little space in reserve.
const SETTINGS: [&str; 3] =
    ["ALTER SYSTEM SET max_wal_size = '4MB'", "ALTER SYSTEM SET min_wal_size = '2MB'", "SELECT pg_reload_conf()"];

/// With `log_elsewhere`, only the disk of the tables is full.
pub async fn run(run: &Run, log_elsewhere: bool) -> Report {
    let length = OUTAGES[usize::from(run.long)];
    let folder = folder();
    let (data, log) = (folder.path().join("data"), folder.path().join("wal"));
    std::fs::create_dir(&data).unwrap();
    let disk = SmallDisk::mount(&data, MEBIBYTES);
    let waldir = format!("--waldir={}", log.display());
    let arguments = if log_elsewhere { vec!["--wal-segsize=1", &waldir] } else { vec!["--wal-segsize=1"] };
    let mut database = PostgresServer::primary_in(folder, &arguments).await;
    for setting in SETTINGS {
        database.execute(setting).await;
    }
    let replicas = three_replicas(&database.url(), &[]);
    let mut trial = Trial::start(run, &replicas).await;
    let calls = trial.calls.clone();
    for _ in 0..run.times {
        let filled = async {
            let began = Instant::now();
            disk.fill();
            wait_until_unavailable(&calls).await;
            sleep_until(Instant::now() + length).await;
            disk.free();
            // PostgreSQL ends itself if it cannot write its log. A supervisor starts it again.
            database.restart_if_ended().await;
            began
        };
        match log_elsewhere {
            true => trial.outage("has no space for its tables", Verification::Always, filled).await,
            false => trial.outage("has no space at all", Verification::Any, filled).await,
        }
    }
    trial.end().await
}

async fn wait_until_unavailable(calls: &Calls) {
    let mut periods = interval(Duration::from_millis(50));
    let waiting = async {
        while calls.observed.of_all().unavailable == 0 {
            periods.tick().await;
        }
    };
    timeout(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("nothing is refused although the disk is full"));
}
