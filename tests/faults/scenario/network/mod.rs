//! R10: whatever happens to the network between a replica and the database, with PgBouncer in between or without, the replica learns of
//! a revocation in time, or stops answering from its cache in time; and it answers in time, whatever it says.
//!
//! One replica has a good network, on which tokens are revoked and rotated. Each of three others has another fault.

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
use crate::support::pooler::Pooler;
use fault::Fault;
use outage::Outage;

const CALL_PATIENCE: Duration = Duration::from_secs(60);
const PATIENCE: Duration = Duration::from_secs(60);
/// The longest time that a call may take.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);
/// In what time PgBouncer finds that a connection is lost, by `tcp_keepidle`, `tcp_keepintvl` and `tcp_keepcnt` of the page.
const KEEPALIVE: Duration = Duration::from_secs(5 + 2 * 3);
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

/// Replicas whose network breaks at one place.
struct Group {
    /// Which network this is, before the name of a fault.
    place: &'static str,
    /// The faults of each outage. The replicas have one each, by turns.
    faults: Vec<&'static [Fault]>,
    replicas: Vec<(Arc<Replica>, Link)>,
}

/// Between replicas and the database.
pub async fn run(run: &Run) -> Report {
    let database = PostgresServer::primary().await;
    let good = replica("good", &database.url(), database.port);
    let mut replicas = Vec::new();
    for name in ["a", "b", "c"] {
        let link = Link::to(database.port).await;
        replicas.push((replica(name, &database.url(), link.port), link));
    }
    let faults: Vec<&[Fault]> = vec![&Fault::CUTS, &Fault::IMPAIRMENTS];
    break_networks(run, &good, &[Group { place: "", faults, replicas }]).await
}

/// Between replicas and PgBouncer, and between PgBouncer and the database.
pub async fn pooled(run: &Run) -> Report {
    let database = PostgresServer::primary().await;
    let shared = Pooler::start(&database).await;
    let good = replica("good", &database.url(), database.port);
    let faults: Vec<&[Fault]> =
        if run.long { vec![&Fault::CUTS, &Fault::POOLED_IMPAIRMENTS] } else { vec![&Fault::CUTS] };
    let mut before = Vec::new();
    for name in ["a", "b", "c"] {
        let link = Link::to(shared.port).await;
        before.push((replica(name, &shared.url(), link.port), link));
    }
    let (mut behind, mut poolers) = (Vec::new(), vec![shared]);
    for name in ["d", "e", "f"] {
        let link = Link::with_keepalive(database.port, KEEPALIVE).await;
        let pooler = Pooler::start_at(&database, link.port, "transaction").await;
        behind.push((replica(name, &pooler.url(), pooler.port), link));
        poolers.push(pooler);
    }
    let before = Group { place: "replica to PgBouncer: ", faults: faults.clone(), replicas: before };
    let behind = Group { place: "PgBouncer to PostgreSQL: ", faults, replicas: behind };
    let report = break_networks(run, &good, &[before, behind]).await;
    drop(poolers);
    report
}

/// A replica that reaches the database of this URL at this port.
fn replica(name: &str, url: &str, port: u16) -> Arc<Replica> {
    let (server, database) = url.rsplit_once('/').unwrap();
    let (host, _) = server.rsplit_once(':').unwrap();
    Arc::new(Replica::start(name, &format!("{host}:{port}/{database}?application_name={name}"), &[]))
}

async fn break_networks(run: &Run, good: &Arc<Replica>, groups: &[Group]) -> Report {
    let mut report = Report::new(run);
    let admin = good.first_value();
    let calls = Calls::record(&run.record, &run.scenario.name(), run.seed, CALL_PATIENCE);
    let linked = groups.iter().flat_map(|group| group.replicas.iter().map(|(replica, _)| replica));
    let replicas: Vec<_> = std::iter::once(good).chain(linked).cloned().collect();
    let storm = Storm::start(PLAN, Address::of(&replicas), &admin, &calls, run.seed).await;
    let mut measured: HashMap<(&str, Fault), Measured> = HashMap::new();
    let outages = groups.iter().flat_map(|group| group.faults.iter().map(move |faults| (group, *faults)));
    for number in 0..run.times as usize {
        for (group, faults) in outages.clone() {
            let place = group.place;
            let faults: Vec<_> =
                faults.iter().copied().cycle().skip(number % faults.len()).zip(&group.replicas).collect();
            let outage = Outage { calls: &calls, admin: &admin, good: Address::Replica(good.clone()), faults: &faults };
            calls.observed.clear();
            match outage.run().await {
                Ok(seen) => seen.into_iter().for_each(|(fault, accepted, recovered)| {
                    let measured = measured.entry((place, fault)).or_default();
                    measured.accepted.push(accepted);
                    measured.recovered.push(recovered);
                }),
                Err(failure) => report.expect(Err(format!("outage {number}: {place}{failure}"))),
            }
            report.expect(storm.check_all(PATIENCE).await);
            for (fault, (replica, _)) in &faults {
                let measured = measured.entry((place, *fault)).or_default();
                measured.outages += 1;
                measured.answers = measured.answers.and(calls.observed.of(&replica.name));
            }
            report.expect(calls.observed.of_all().require(ANSWER_LIMIT));
        }
    }
    let tally = storm.end(PATIENCE).await;
    calls.flush();
    for (place, fault) in outages.flat_map(|(group, faults)| faults.iter().map(|fault| (group.place, *fault))) {
        let measured = measured.remove(&(place, fault)).unwrap_or_default();
        report.part([
            ("network", format!("{place}{}", fault.name())),
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
