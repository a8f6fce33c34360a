//! R8: a retired value that is presented revokes its token if `onReuse` says so, on every replica, whichever of them is killed
//! meanwhile. Nothing else does: no lost answer, no race, and no reuse if `onReuse` is `ALERT`.

use std::collections::VecDeque;
use std::time::Duration;

use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};

use super::{Run, kills};
use crate::load::{Answer, Calls, Issued, Storm, StormPlan, percentile_millis};
use crate::report::Report;
use crate::site::{Address, three_replicas};
use crate::support::cluster::PostgresServer;

const CALL_PATIENCE: Duration = Duration::from_secs(5);
const PATIENCE: Duration = Duration::from_secs(60);
/// For how long after a rotation a reuse may come from a lost race, and how much longer it takes to be sure.
const GUARD: Duration = Duration::from_secs(10 + 2);
/// For how long another replica may accept a value of a revoked token (R10).
const LIMIT: Duration = Duration::from_secs(10);
/// The tokens of the storm have the strict policy, too. Two workers of one token would present retired values to each other.
const PLAN: StormPlan = StormPlan { tokens: 24, contended_tokens: 0 };

/// A token whose first value was stolen, and retired afterwards.
struct Stolen {
    first: Issued,
    current: Issued,
    revokes: bool,
    retired_at: Instant,
}

pub async fn run(run: &Run) -> Report {
    let mut report = Report::new(run);
    let database = PostgresServer::primary().await;
    let replicas = three_replicas(&database.url(), &[]);
    let (addresses, admin) = (Address::of(&replicas), replicas[0].first_value());
    let calls = Calls::record(&run.record, &run.scenario.name(), run.seed, CALL_PATIENCE);
    let settings = json!({ "overlapMinutes": 10, "onReuse": "REVOKE" });
    let storm = Storm::start_with(settings, PLAN, addresses.clone(), &admin, &calls, run.seed).await;
    let mut random = fastrand::Rng::with_seed(run.seed);
    let thief = Thief { calls: calls.clone(), admin, addresses };
    let (mut waiting, mut times) = (VecDeque::new(), Vec::new());
    for number in 1..=run.times {
        match timeout(PATIENCE, thief.steal(number % 4 != 0)).await.unwrap_or_else(|_| Err("not in time".to_owned())) {
            Ok(stolen) => waiting.push_back(stolen),
            Err(failure) => report.expect(Err(format!("a token to steal: {failure}"))),
        }
        // The last ones have to wait until their reuse cannot be a lost race any more.
        let is_due = |stolen: &mut Stolen| number == run.times || stolen.retired_at.elapsed() > GUARD;
        let mut presenting = JoinSet::new();
        while let Some(stolen) = waiting.pop_front_if(is_due) {
            let here = thief.addresses[random.usize(0..thief.addresses.len())].clone();
            presenting.spawn(thief.clone().present(stolen, here));
        }
        kills::kill_one(&replicas, &mut random);
        for outcome in presenting.join_all().await {
            match outcome {
                Ok(late) => times.extend(late),
                Err(failure) => report.expect(Err(failure)),
            }
        }
        report.expect(storm.check_all(PATIENCE).await);
    }
    let tally = storm.end(PATIENCE).await;
    calls.flush();
    report.count("replicas killed", run.times);
    report.count("retired values presented", run.times);
    report.count("tokens revoked by it", times.len() / replicas.len());
    report.count("accepted elsewhere for (p50)", percentile_millis(&times, 50));
    report.count("max", percentile_millis(&times, 100));
    report.count("rotations acknowledged", tally.rotations);
    report.count("answers lost", tally.unknown);
    report.check_history(run);
    report.count_lock_outs(&tally);
    report
}

/// A client that presents values that it must not have any more.
#[derive(Clone)]
struct Thief {
    calls: Calls,
    admin: String,
    addresses: Vec<Address>,
}

impl Thief {
    /// A token that is rotated twice, so that its first value is retired, and presented at once, which may be a lost race.
    async fn steal(&self, revokes: bool) -> Result<Stolen, String> {
        let (calls, here) = (&self.calls, &self.addresses[0]);
        let input = json!({ "name": "stolen", "onReuse": if revokes { "REVOKE" } else { "ALERT" } });
        let first = done(calls.create(here, "admin", &self.admin, input).await)?;
        let mut current = first.clone();
        for _ in 0..2 {
            current = done(calls.rotate(here, "victim", &first.id, &current.value, None).await)?;
            done(calls.verify(here, "victim", &first.id, &current.value).await)?;
        }
        let retired_at = Instant::now();
        wait_until_refused(calls, here, &first, &["VALUE_RETIRED"]).await?;
        for address in &self.addresses {
            done(calls.verify(address, "victim", &current.id, &current.value).await)?;
        }
        Ok(Stolen { first, current, revokes, retired_at })
    }

    /// Presents the retired value here: how long each replica went on accepting the current one.
    async fn present(self, stolen: Stolen, here: Address) -> Result<Vec<Duration>, String> {
        let Stolen { first, current, revokes, retired_at } = stolen;
        sleep_until(retired_at + GUARD).await;
        // An answer that was lost may have revoked it.
        let codes: &[&str] = if revokes { &["VALUE_RETIRED", "TOKEN_REVOKED"] } else { &["VALUE_RETIRED"] };
        let presenting = timeout(PATIENCE, wait_until_refused(&self.calls, &here, &first, codes)).await;
        presenting.unwrap_or_else(|_| Err("a retired value is not refused".to_owned()))?;
        let presented_at = Instant::now();
        let mut asking = JoinSet::new();
        for address in self.addresses {
            let (calls, current) = (self.calls.clone(), current.clone());
            asking.spawn(async move {
                let verdict = if revokes {
                    timeout(LIMIT, wait_until_refused(&calls, &address, &current, &["TOKEN_REVOKED"])).await
                } else {
                    timeout(LIMIT, wait_until_accepted(&calls, &address, &current)).await
                };
                verdict.unwrap_or_else(|_| Err(format!("no such verdict within {LIMIT:?} after a reuse")))?;
                Ok(presented_at.elapsed())
            });
        }
        let times: Result<Vec<Duration>, String> = asking.join_all().await.into_iter().collect();
        Ok(if revokes { times? } else { times.map(|_| Vec::new())? })
    }
}

/// Presents a value until it is refused with one of these codes.
async fn wait_until_refused(calls: &Calls, address: &Address, token: &Issued, codes: &[&str]) -> Result<(), String> {
    loop {
        match calls.verify(address, "thief", &token.id, &token.value).await {
            Answer::Refused { code, .. } if codes.contains(&code.as_str()) => return Ok(()),
            Answer::Done(_) | Answer::Unknown { .. } | Answer::NotSent => {}
            other @ Answer::Refused { .. } => return Err(format!("not {codes:?}: {other:?}")),
        }
    }
}

/// Presents a value until it is accepted.
async fn wait_until_accepted(calls: &Calls, address: &Address, token: &Issued) -> Result<(), String> {
    loop {
        match calls.verify(address, "victim", &token.id, &token.value).await {
            Answer::Done(_) => return Ok(()),
            Answer::Unknown { .. } | Answer::NotSent => {}
            other @ Answer::Refused { .. } => return Err(format!("it does not work any more: {other:?}")),
        }
    }
}

fn done<T: std::fmt::Debug>(answer: Answer<T>) -> Result<T, String> {
    match answer {
        Answer::Done(done) => Ok(done),
        other => Err(format!("not done: {other:?}")),
    }
}
