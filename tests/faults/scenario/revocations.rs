//! R10: a revocation is known to the replica that handled it before its answer, and to the others soon after.

use std::time::Duration;

use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use super::Run;
use crate::load::{Answer, Calls, Storm, StormPlan, percentile_millis};
use crate::report::Report;
use crate::site::{Address, three_replicas};
use crate::support::cluster::PostgresServer;

const CALL_PATIENCE: Duration = Duration::from_secs(30);
const PATIENCE: Duration = Duration::from_secs(60);
/// Whatever breaks (R10).
const LIMIT: Duration = Duration::from_secs(10);
const PLAN: StormPlan = StormPlan { tokens: 3, contended_tokens: 0 };
/// How often listening connections are cut.
const CUT_EVERY: Duration = Duration::from_millis(50);
const CUT: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'";

pub async fn run(run: &Run, unheard: bool) -> Report {
    let mut report = Report::new(run);
    let database = PostgresServer::primary().await;
    let replicas = three_replicas(&database.url(), &[]);
    let addresses = Address::of(&replicas);
    let admin = replicas[0].first_value();
    let calls = Calls::record(&run.record, &run.scenario.name(), run.seed, CALL_PATIENCE);
    let storm = Storm::start(PLAN, addresses.clone(), &admin, &calls, run.seed).await;
    let mut cutting = JoinSet::new();
    if unheard {
        let connection = database.connect().await;
        cutting.spawn(async move {
            let mut ticks = interval(CUT_EVERY);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                sea_orm::ConnectionTrait::execute_unprepared(&connection, CUT).await.unwrap();
            }
        });
    }
    let mut random = fastrand::Rng::with_seed(run.seed);
    let mut times = Vec::new();
    for number in 0..run.times {
        let mut others = addresses.clone();
        let here = others.swap_remove(random.usize(0..others.len()));
        match revoke(&calls, &admin, number, &here, &others).await {
            Ok(both) => times.extend(both),
            Err(failure) => report.expect(Err(format!("revocation {number}: {failure}"))),
        }
    }
    cutting.shutdown().await;
    let tally = storm.end(PATIENCE).await;
    calls.flush();
    report.count("revocations", run.times);
    report.count("p50", percentile_millis(&times, 50));
    report.count("p99", percentile_millis(&times, 99));
    report.count("max", percentile_millis(&times, 100));
    report.count("rotations meanwhile", tally.rotations);
    report.check_history(run);
    report.count_lock_outs(&tally);
    report
}

/// Revokes a token that all replicas have cached: how long each of the others went on accepting it.
async fn revoke(
    calls: &Calls,
    admin: &str,
    number: u32,
    here: &Address,
    others: &[Address],
) -> Result<Vec<Duration>, String> {
    let input = json!({ "name": format!("revoked {number}") });
    let Answer::Done(token) = calls.create(here, "admin", admin, input).await else {
        return Err("no token was created".to_owned());
    };
    for address in std::iter::once(here).chain(others) {
        for _ in 0..3 {
            let answer = calls.verify(address, "gateway", &token.id, &token.value).await;
            if !matches!(answer, Answer::Done(_)) {
                return Err(format!("a new value does not work: {answer:?}"));
            }
        }
    }
    let Answer::Done(()) = calls.revoke(here, "admin", &token.id, admin).await else {
        return Err("it was not carried out".to_owned());
    };
    let revoked = Instant::now();
    let refused_here = is_refused(calls.verify(here, "gateway", &token.id, &token.value).await)?;
    if !refused_here {
        return Err("the replica that handled it still accepts the value".to_owned());
    }
    let mut asking = JoinSet::new();
    for address in others {
        let (calls, token, address) = (calls.clone(), token.clone(), address.clone());
        asking.spawn(async move {
            let until_refused = async {
                while !is_refused(calls.verify(&address, "gateway", &token.id, &token.value).await)? {}
                Ok(revoked.elapsed())
            };
            timeout(LIMIT, until_refused).await.map_err(|_| format!("a replica accepts it for {LIMIT:?}"))?
        });
    }
    asking.join_all().await.into_iter().collect()
}

/// Whether a value is refused because its token was revoked.
fn is_refused(answer: Answer<u32>) -> Result<bool, String> {
    match answer {
        Answer::Done(_) => Ok(false),
        Answer::Refused { code, .. } if code == "TOKEN_REVOKED" => Ok(true),
        other => Err(format!("{other:?}")),
    }
}
