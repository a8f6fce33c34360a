//! R13: a kill at any moment loses no acknowledged rotation, and leaves no client without a value that works.

use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;

use super::Run;
use crate::load::{Calls, Storm, StormPlan, median_and_longest};
use crate::report::Report;
use crate::site::{Address, Replica, three_replicas};
use crate::support::cluster::PostgresServer;

/// How long a call may take before its client gives it up.
const CALL_PATIENCE: Duration = Duration::from_secs(5);
/// How long anything else may take, on a machine that has much else to do.
const PATIENCE: Duration = Duration::from_secs(60);

const PLAN: StormPlan = StormPlan { tokens: 24, contended_tokens: 4 };

/// The server on SQLite.
pub async fn sqlite(run: &Run) -> Report {
    let folder = TempDir::new().unwrap();
    let url = format!("sqlite://{}", folder.path().join("rotakey.db").display());
    let replicas = [Arc::new(Replica::start("a", &url, &[]))];
    storm(run, &replicas, async |random| kill_one(&replicas, random)).await
}

/// One of three replicas on PostgreSQL.
pub async fn replicas(run: &Run) -> Report {
    let database = PostgresServer::primary().await;
    let replicas = three_replicas(&database.url(), &[]);
    storm(run, &replicas, async |random| kill_one(&replicas, random)).await
}

/// PostgreSQL itself, under three replicas.
pub async fn postgres(run: &Run) -> Report {
    let mut database = PostgresServer::primary().await;
    let replicas = three_replicas(&database.url(), &[]);
    storm(run, &replicas, async |random| {
        if random.bool() {
            database.kill_all_processes().await;
        } else {
            database.stop_immediately();
        }
        database.restart().await;
    })
    .await
}

/// Kills one of these replicas, and starts it again.
pub fn kill_one(replicas: &[Arc<Replica>], random: &mut fastrand::Rng) {
    let replica = &replicas[random.usize(0..replicas.len())];
    tokio::task::block_in_place(|| {
        replica.kill();
        replica.restart();
    });
}

/// Breaks something under a storm of rotations, as often as the run says.
async fn storm(run: &Run, replicas: &[Arc<Replica>], mut fault: impl AsyncFnMut(&mut fastrand::Rng)) -> Report {
    let mut report = Report::new(run);
    let calls = Calls::record(&run.record, &run.scenario.name(), run.seed, CALL_PATIENCE);
    let storm = Storm::start(PLAN, Address::of(replicas), &replicas[0].first_value(), &calls, run.seed).await;
    let mut random = fastrand::Rng::with_seed(run.seed);
    let mut faults = 0;
    while faults < run.times && report.is_good() {
        // After another number of rotations each time, so at another instruction.
        report.expect(storm.acknowledge(random.u32(10..100), PATIENCE).await);
        fault(&mut random).await;
        faults += 1;
        report.expect(storm.check_all(PATIENCE).await);
    }
    let tally = storm.end(PATIENCE).await;
    calls.flush();
    report.count("faults", faults);
    report.count("rotations acknowledged", tally.rotations);
    report.count("answers lost", tally.unknown);
    report.count("recovery with a key (p50 / max)", median_and_longest(&tally.recoveries_with_key));
    report.count("recovery without (p50 / max)", median_and_longest(&tally.recoveries_without));
    report.check_history(run);
    report.count_lock_outs(&tally);
    report
}
