//! R10, R13: behind PgBouncer in transaction mode, a revocation is known within a second, and nothing is lost when PgBouncer or the
//! database behind it ends.

mod cost;

use std::time::Duration;

use nix::sys::signal::Signal;

use super::{Run, revocations};
use crate::load::{Calls, Storm, StormPlan, median_and_longest};
use crate::report::Report;
use crate::site::{Address, three_replicas};
use crate::support::cluster::PostgresServer;
use crate::support::pooler::Pooler;

const CALL_PATIENCE: Duration = Duration::from_secs(30);
const PATIENCE: Duration = Duration::from_secs(60);
const PLAN: StormPlan = StormPlan { tokens: 9, contended_tokens: 3 };
/// How many revocations there are for each fault.
const REVOCATIONS: u32 = 10;

pub async fn run(run: &Run) -> Report {
    let mut report = Report::new(run);
    let mut database = PostgresServer::primary().await;
    let mut pooler = Pooler::start(&database).await;
    let replicas = three_replicas(&pooler.url(), &[]);
    let addresses = Address::of(&replicas);
    let admin = replicas[0].first_value();
    let calls = Calls::record(&run.record, &run.scenario.name(), run.seed, CALL_PATIENCE);
    let mut random = fastrand::Rng::with_seed(run.seed);
    let storm = Storm::start(PLAN, addresses.clone(), &admin, &calls, run.seed).await;
    let mut times = Vec::new();
    for number in 0..run.times {
        for _ in 0..REVOCATIONS {
            match revocations::time(&calls, &admin, &addresses, None, &mut random).await {
                Ok(both) => times.extend(both),
                Err(failure) => report.expect(Err(failure)),
            }
        }
        report.expect(storm.acknowledge(random.u32(10..100), PATIENCE).await);
        match number % 3 {
            0 => pooler.restart(Signal::SIGKILL).await,
            1 => {
                database.kill_all_processes().await;
                database.restart().await;
            }
            _ => pooler.restart(Signal::SIGTERM).await,
        }
        report.expect(storm.check_all(PATIENCE).await);
    }
    let tally = storm.end(PATIENCE).await;
    let cost = cost::measure(run, &calls, &admin, &addresses[..2], &database.url()).await;
    calls.flush();
    report.count("revocations", run.times * REVOCATIONS);
    revocations::count_times(&mut report, &times);
    report.count("faults", run.times);
    report.count("rotations acknowledged", tally.rotations);
    report.count("answers lost", tally.unknown);
    report.count("recovery with a key (p50 / max)", median_and_longest(&tally.recoveries_with_key));
    report.count("recovery without (p50 / max)", median_and_longest(&tally.recoveries_without));
    report.count("rotations a second, to those without", cost.rotations);
    report.count("missed verifications a second, to those without", cost.misses);
    report.check_history(run);
    report.count_lock_outs(&tally);
    report
}
