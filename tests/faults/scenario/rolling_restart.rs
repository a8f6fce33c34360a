//! Restarting one replica after the other, as `docs/operations.md` says, fails no request.

use std::time::Duration;

use super::Run;
use crate::load::{Calls, Storm, StormPlan};
use crate::report::Report;
use crate::site::{Address, Balancer, three_replicas};
use crate::support::cluster::PostgresServer;

const CALL_PATIENCE: Duration = Duration::from_secs(30);
const PATIENCE: Duration = Duration::from_secs(60);
/// A replica that drains for 2 s is asked for `/readyz` ten times before it closes its port.
const FLAGS: [&str; 2] = ["--drain", "2s"];
const PLAN: StormPlan = StormPlan { tokens: 16, contended_tokens: 0 };

pub async fn run(run: &Run) -> Report {
    let mut report = Report::new(run);
    let database = PostgresServer::primary().await;
    let replicas = three_replicas(&database.url(), &FLAGS);
    let balancer = Balancer::start(&replicas).await;
    let calls = Calls::record(&run.record, &run.scenario.name(), run.seed, CALL_PATIENCE);
    let addresses = vec![Address::Balancer(balancer.url())];
    let storm = Storm::start(PLAN, addresses, &replicas[0].first_value(), &calls, run.seed).await;
    for replica in replicas.iter().cycle().take(run.times as usize) {
        report.expect(storm.acknowledge(50, PATIENCE).await);
        tokio::task::block_in_place(|| {
            replica.stop(PATIENCE);
            replica.restart();
        });
        report.expect(storm.check_all(PATIENCE).await);
    }
    let tally = storm.end(PATIENCE).await;
    calls.flush();
    report.count("restarts", run.times);
    report.count("rotations acknowledged", tally.rotations);
    report.check_history(run);
    report.count("requests failed", tally.failed);
    report.expect(if tally.failed == 0 { Ok(()) } else { Err(format!("{} requests failed", tally.failed)) });
    report.count_lock_outs(&tally);
    report
}
