//! The clock of one replica is set forth and back by an hour. Tokens end at all replicas when they end by the database's clock.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::stepped_clock::SteppedClock;
use super::{ANSWER_LIMIT, CALL_PATIENCE, HOUR, PATIENCE, PLAN, SLACK, create, turning_point};
use crate::load::{Calls, Gateway, Storm, median_and_longest};
use crate::report::Report;
use crate::scenario::Run;
use crate::site::{Address, Replica};
use crate::support::cluster::PostgresServer;

const LIFE: Duration = Duration::from_secs(5);

pub async fn run(run: &Run) -> Report {
    let mut report = Report::new(run);
    let database = PostgresServer::primary().await;
    let clock = SteppedClock::new();
    let url = |name: &str| format!("{}?application_name={name}", database.url());
    let right = Arc::new(Replica::start("a", &url("a"), &[]));
    let stepped = Arc::new(Replica::start_with("b", &url("b"), &[], clock.environment()));
    let addresses = Address::of(&[right.clone(), stepped]);
    let admin = right.first_value();
    let calls = Calls::record(&run.record, &run.scenario.name(), run.seed, CALL_PATIENCE);
    let storm = Storm::start(PLAN, addresses.clone(), &admin, &calls, run.seed).await;
    let (mut late, mut early) = (Vec::new(), Vec::new());
    for ahead in [HOUR, -HOUR, 0].into_iter().cycle().take(run.times as usize) {
        let created_at = Instant::now();
        let token = create(&calls, &addresses[0], &admin, 0, Some(LIFE)).await;
        let gateway = Gateway::start(&calls, &addresses, &token).await;
        clock.set_ahead(ahead);
        let ends_at = created_at + LIFE;
        sleep_until(ends_at + SLACK).await;
        for asked in gateway.stop().await {
            let (accepted, refused) = turning_point(&asked);
            let (Some(accepted), Some(refused)) = (accepted, refused) else {
                report
                    .expect(Err(format!("a token was never refused, or never accepted; the clock is {ahead} s ahead")));
                continue;
            };
            late.push(accepted.at.saturating_duration_since(ends_at));
            early.push(ends_at.saturating_duration_since(refused.answered_at));
        }
        report.expect(storm.acknowledge(20, PATIENCE).await);
    }
    report.expect(match late.iter().chain(&early).max() {
        Some(most) if *most > SLACK => Err(format!("a token ended {most:?} too early or too late")),
        _ => Ok(()),
    });
    report.expect(calls.observed.of_all().require(ANSWER_LIMIT));
    let tally = storm.end(PATIENCE).await;
    calls.flush();
    report.count("clock steps", run.times);
    report.count("accepted after the end by (p50 / max)", median_and_longest(&late));
    report.count("refused before the end by (p50 / max)", median_and_longest(&early));
    report.count("rotations meanwhile", tally.rotations);
    report.check_history(run);
    report.count_lock_outs(&tally);
    report
}
