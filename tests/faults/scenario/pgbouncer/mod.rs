//! R10, R13: behind PgBouncer, a revocation is known within a second, and nothing is lost when PgBouncer or the database behind it
//! ends.

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

/// In transaction mode, and what that costs.
pub async fn transactions(run: &Run) -> Report {
    let site = Site::start("transaction").await;
    site.run(run, async |site, calls, report| {
        let cost = cost::measure(run, calls, &site.admin, &site.addresses[..2], &site.database.url()).await;
        report.count("rotations a second, to those without", cost.rotations);
        report.count("missed verifications a second, to those without", cost.misses);
    })
    .await
}

/// In session mode.
pub async fn sessions(run: &Run) -> Report {
    Site::start("session").await.run(run, async |_, _, _| {}).await
}

/// Three replicas behind PgBouncer.
struct Site {
    addresses: Vec<Address>,
    admin: String,
    // They are dropped in this order.
    pooler: Pooler,
    database: PostgresServer,
}

impl Site {
    async fn start(pool_mode: &str) -> Self {
        let database = PostgresServer::primary().await;
        let pooler = Pooler::start_at(&database, database.port, pool_mode).await;
        let replicas = three_replicas(&pooler.url(), &[]);
        Self { addresses: Address::of(&replicas), admin: replicas[0].first_value(), pooler, database }
    }

    /// Breaks PgBouncer and the database by turns, and measures the rest at the end.
    async fn run(mut self, run: &Run, measure: impl AsyncFnOnce(&Self, &Calls, &mut Report)) -> Report {
        let mut report = Report::new(run);
        let calls = Calls::record(&run.record, &run.scenario.name(), run.seed, CALL_PATIENCE);
        let mut random = fastrand::Rng::with_seed(run.seed);
        let storm = Storm::start(PLAN, self.addresses.clone(), &self.admin, &calls, run.seed).await;
        let mut times = Vec::new();
        for number in 0..run.times {
            for _ in 0..REVOCATIONS {
                match revocations::time(&calls, &self.admin, &self.addresses, None, &mut random).await {
                    Ok(both) => times.extend(both),
                    Err(failure) => report.expect(Err(failure)),
                }
            }
            report.expect(storm.acknowledge(random.u32(10..100), PATIENCE).await);
            self.break_one(number).await;
            report.expect(storm.check_all(PATIENCE).await);
        }
        let tally = storm.end(PATIENCE).await;
        report.count("revocations", run.times * REVOCATIONS);
        revocations::count_times(&mut report, &times);
        report.count("faults", run.times);
        report.count("rotations acknowledged", tally.rotations);
        report.count("answers lost", tally.unknown);
        report.count("recovery with a key (p50 / max)", median_and_longest(&tally.recoveries_with_key));
        report.count("recovery without (p50 / max)", median_and_longest(&tally.recoveries_without));
        measure(&self, &calls, &mut report).await;
        calls.flush();
        report.check_history(run);
        report.count_lock_outs(&tally);
        report
    }

    async fn break_one(&mut self, number: u32) {
        match number % 3 {
            0 => self.pooler.restart(Signal::SIGKILL).await,
            1 => {
                self.database.kill_all_processes().await;
                self.database.restart().await;
            }
            _ => self.pooler.restart(Signal::SIGTERM).await,
        }
    }
}
