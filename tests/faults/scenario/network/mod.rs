//! R10: whatever happens to the network between a replica and the database, the replica learns of a revocation in time, or stops
//! answering from its cache in time; and it answers in time, whatever it says.
//!
//! One replica has a good network, on which tokens are revoked and rotated. Each of the three others has another fault.

mod fault;
mod outage;
mod probe;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::Run;
use crate::load::{Answers, Calls, Storm, StormPlan, median_and_longest, percentile_millis};
use crate::report::Report;
use crate::site::{Address, Replica};
use crate::support::cluster::PostgresServer;
use crate::support::link::Link;
use fault::Fault;
use outage::Outage;

const CALL_PATIENCE: Duration = Duration::from_secs(60);
const PATIENCE: Duration = Duration::from_secs(60);
/// The longest time that a call may take.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);
const PLAN: StormPlan = StormPlan { tokens: 6, contended_tokens: 0 };

/// What was measured of one fault.
#[derive(Default)]
struct Measured {
    outages: u32,
    /// From the answer of each change until the value was not accepted any more.
    accepted: Vec<Duration>,
    /// From when the network was whole again until the value was refused.
    recovered: Vec<Duration>,
    answers: Answers,
}

pub async fn run(run: &Run) -> Report {
    let mut report = Report::new(run);
    let database = PostgresServer::primary().await;
    let url = |port: u16, name: &str| {
        let url = database.url().replace(&format!(":{}/", database.port), &format!(":{port}/"));
        format!("{url}?application_name={name}")
    };
    let good = Arc::new(Replica::start("good", &url(database.port, "good"), &[]));
    let admin = good.first_value();
    let mut linked = Vec::new();
    for name in ["a", "b", "c"] {
        let link = Link::to(database.port).await;
        linked.push((Arc::new(Replica::start(name, &url(link.port, name), &[])), link));
    }
    let calls = Calls::record(&run.record, &run.scenario.name(), run.seed, CALL_PATIENCE);
    let replicas: Vec<_> = std::iter::once(&good).chain(linked.iter().map(|(replica, _)| replica)).cloned().collect();
    let storm = Storm::start(PLAN, Address::of(&replicas), &admin, &calls, run.seed).await;
    let mut measured: HashMap<Fault, Measured> = HashMap::new();
    for number in 0..run.times as usize {
        for faults in [Fault::CUTS, Fault::IMPAIRMENTS] {
            let faults: Vec<_> = faults.into_iter().cycle().skip(number % 3).zip(&linked).collect();
            let outage = Outage { calls: &calls, admin: &admin, good: Address::Replica(good.clone()), faults: &faults };
            calls.observed.clear();
            match outage.run().await {
                Ok(seen) => seen.into_iter().for_each(|(fault, accepted, recovered)| {
                    let measured = measured.entry(fault).or_default();
                    measured.accepted.push(accepted);
                    measured.recovered.push(recovered);
                }),
                Err(failure) => report.expect(Err(format!("outage {number}: {failure}"))),
            }
            report.expect(storm.check_all(PATIENCE).await);
            for (fault, (replica, _)) in &faults {
                let measured = measured.entry(*fault).or_default();
                measured.outages += 1;
                measured.answers = measured.answers.and(calls.observed.of(&replica.name));
            }
            report.expect(calls.observed.of_all().require(ANSWER_LIMIT));
        }
    }
    let tally = storm.end(PATIENCE).await;
    calls.flush();
    for fault in Fault::CUTS.into_iter().chain(Fault::IMPAIRMENTS) {
        let measured = measured.remove(&fault).unwrap_or_default();
        report.part([
            ("network", fault.name().to_owned()),
            ("outages", measured.outages.to_string()),
            ("changes", measured.accepted.len().to_string()),
            ("accepted for (p50)", percentile_millis(&measured.accepted, 50)),
            ("p99", percentile_millis(&measured.accepted, 99)),
            ("max", percentile_millis(&measured.accepted, 100)),
            ("UNAVAILABLE", measured.answers.unavailable.to_string()),
            ("longest answer", format!("{:.1} s", measured.answers.longest.as_secs_f64())),
            ("refused after healing (p50 / max)", median_and_longest(&measured.recovered)),
        ]);
    }
    report.check_history(run);
    report.count_lock_outs(&tally);
    report
}
