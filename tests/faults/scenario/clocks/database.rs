//! The clock of the database is set forth and back by an hour. All deadlines move with it, at every replica.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;
use tokio::time::{Instant, sleep_until};

use super::stepped_clock::SteppedClock;
use super::{ANSWER_LIMIT, CALL_PATIENCE, HOUR, PATIENCE, PLAN, SLACK, create, turning_point};
use crate::history::check::Limits;
use crate::load::{Calls, Gateway, Storm, median_and_longest};
use crate::report::Report;
use crate::scenario::Run;
use crate::site::{Address, Replica, three_replicas};
use crate::support::cluster::PostgresServer;

/// The clock of the recorder is not the database's here, and the life of a token is as long as the latter says.
const LIMITS: Limits =
    Limits { propagation: Duration::from_secs(10), clock_slack: Duration::from_secs(3 * 3_600), clock_set_back: true };
const LIFE: Duration = Duration::from_secs(4);
/// Longer than a step.
const OVERLAP_MINUTES: u32 = 180;
const HALF_AN_HOUR: Duration = Duration::from_secs(1_800);

/// On PostgreSQL, whose clock all replicas go by.
pub async fn postgres(run: &Run) -> Report {
    let clock = SteppedClock::new();
    let mut database = PostgresServer::primary().await;
    database.stop();
    database.environment = clock.environment();
    database.restart().await;
    let replicas = three_replicas(&database.url(), &[]);
    steps(run, &replicas, &clock).await
}

/// On SQLite, whose clock is that of the host.
pub async fn sqlite(run: &Run) -> Report {
    let (clock, folder) = (SteppedClock::new(), TempDir::new().unwrap());
    let url = format!("sqlite://{}", folder.path().join("rotakey.db").display());
    let replicas = [Arc::new(Replica::start_with("a", &url, &[], clock.environment()))];
    steps(run, &replicas, &clock).await
}

async fn steps(run: &Run, replicas: &[Arc<Replica>], clock: &SteppedClock) -> Report {
    let mut report = Report::new(run);
    let (addresses, admin) = (Address::of(replicas), replicas[0].first_value());
    let calls = Calls::record(&run.record, &run.scenario.name(), run.seed, CALL_PATIENCE);
    // If an overlap ended by a step, a client whose answer is lost at that moment would be locked out.
    let settings = json!({ "overlapMinutes": OVERLAP_MINUTES });
    let storm = Storm::start_with(settings, PLAN, addresses.clone(), &admin, &calls, run.seed).await;
    let mut followed = Vec::new();
    for _ in 0..run.times {
        let lasting = create(&calls, &addresses[0], &admin, 0, None).await;
        let lasting = Gateway::start(&calls, &addresses, &lasting).await;
        let ends_within = create(&calls, &addresses[0], &admin, 0, Some(HALF_AN_HOUR)).await;
        let ends_within = Gateway::start(&calls, &addresses, &ends_within).await;
        let times = refused_after_step(clock, ends_within).await;
        report.expect(times.map(|times| followed.extend(times)));
        // Set back an hour, a token that has only seconds left has them again.
        let ends_soon = create(&calls, &addresses[0], &admin, HOUR, Some(LIFE)).await;
        let ends_soon = Gateway::start(&calls, &addresses, &ends_soon).await;
        clock.set_ahead(0);
        sleep_until(Instant::now() + LIFE + SLACK).await;
        let times = refused_after_step(clock, ends_soon).await;
        report.expect(times.map(|times| followed.extend(times)));
        let refused = lasting.stop().await.iter().flatten().any(|asked| !asked.accepted);
        report.expect(if refused { Err("a token that does not end was refused".to_owned()) } else { Ok(()) });
        clock.set_ahead(0);
        report.expect(storm.acknowledge(20, PATIENCE).await);
    }
    report.expect(calls.observed.of_all().require(ANSWER_LIMIT));
    let tally = storm.end(PATIENCE).await;
    calls.flush();
    report.count("clock steps", run.times * 4);
    report.count("deadlines follow after (p50 / max)", median_and_longest(&followed));
    report.count("rotations meanwhile", tally.rotations);
    report.check_history_within(run, LIMITS);
    report.count_lock_outs(&tally);
    report
}

/// Sets the clock forth by an hour, and waits until the token must be refused: for how long each server still accepted it.
async fn refused_after_step(clock: &SteppedClock, gateway: Gateway) -> Result<Vec<Duration>, String> {
    clock.set_ahead(HOUR);
    let stepped_at = Instant::now();
    sleep_until(stepped_at + 2 * SLACK).await;
    let mut times = Vec::new();
    for asked in gateway.stop().await {
        let (Some(accepted), Some(refused)) = turning_point(&asked) else {
            return Err("a token is accepted although it has ended by the database's clock".to_owned());
        };
        if refused.answered_at < stepped_at {
            return Err("a token is refused before it has ended by the database's clock".to_owned());
        }
        let late = accepted.at.saturating_duration_since(stepped_at);
        if late > SLACK {
            return Err(format!("a token was accepted {late:?} after it had ended by the database's clock"));
        }
        times.push(late);
    }
    Ok(times)
}
