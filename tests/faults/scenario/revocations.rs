//! R10: a revocation is known to the replica that handled it before its answer, and to the others soon after.

use std::time::Duration;

use sea_orm::{ConnectionTrait, DatabaseConnection};
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use super::Run;
use crate::load::{Answer, Calls, Issued, Storm, StormPlan, percentile_millis};
use crate::report::Report;
use crate::site::{Address, three_replicas};
use crate::support::cluster::PostgresServer;

const CALL_PATIENCE: Duration = Duration::from_secs(30);
const PATIENCE: Duration = Duration::from_secs(60);
/// Whatever breaks (R10).
const LIMIT: Duration = Duration::from_secs(10);
const PLAN: StormPlan = StormPlan { tokens: 3, contended_tokens: 0 };

/// Revokes tokens. With `unheard`, the connections on which the other replicas listen and poll are cut before each revocation.
pub async fn run(run: &Run, unheard: bool) -> Report {
    let mut report = Report::new(run);
    let database = PostgresServer::primary().await;
    let replicas = three_replicas(&database.url(), &[]);
    let addresses = Address::of(&replicas);
    let admin = replicas[0].first_value();
    let calls = Calls::record(&run.record, &run.scenario.name(), run.seed, CALL_PATIENCE);
    let storm = Storm::start(PLAN, addresses.clone(), &admin, &calls, run.seed).await;
    let connection = database.connect().await;
    let mut random = fastrand::Rng::with_seed(run.seed);
    let mut times = Vec::new();
    for _ in 0..run.times {
        let cut = unheard.then_some(&connection);
        match time(&calls, &admin, &addresses, cut, &mut random).await {
            Ok(both) => times.extend(both),
            Err(failure) => report.expect(Err(failure)),
        }
    }
    let tally = storm.end(PATIENCE).await;
    calls.flush();
    report.count("revocations", run.times);
    count_times(&mut report, &times);
    report.count("rotations meanwhile", tally.rotations);
    report.check_history(run);
    report.count_lock_outs(&tally);
    report
}

/// Revokes a token on a random one of these replicas: how long each of the others went on accepting its value. With `cut`, the
/// connections on which they listen and poll are cut before.
pub async fn time(
    calls: &Calls,
    admin: &str,
    addresses: &[Address],
    cut: Option<&DatabaseConnection>,
    random: &mut fastrand::Rng,
) -> Result<Vec<Duration>, String> {
    let mut others = addresses.to_vec();
    let here = others.swap_remove(random.usize(0..others.len()));
    let revocation = Revocation { calls, admin, here, others };
    let times = timeout(PATIENCE, revocation.time(cut)).await;
    let times = times.unwrap_or_else(|_| Err(format!("not done within {PATIENCE:?}")));
    times.map_err(|failure| format!("a revocation: {failure}"))
}

/// The columns of such times.
pub fn count_times(report: &mut Report, times: &[Duration]) {
    report.count("p50", percentile_millis(times, 50));
    report.count("p99", percentile_millis(times, 99));
    report.count("max", percentile_millis(times, 100));
}

/// A revocation on one replica, whose others have the value in their caches.
struct Revocation<'a> {
    calls: &'a Calls,
    admin: &'a str,
    here: Address,
    others: Vec<Address>,
}

impl Revocation<'_> {
    /// How long each of the other replicas went on accepting the value.
    async fn time(&self, cut: Option<&DatabaseConnection>) -> Result<Vec<Duration>, String> {
        let token = self.create().await?;
        for address in std::iter::once(&self.here).chain(&self.others) {
            // The first use is written, and changes what is cached.
            for _ in 0..3 {
                self.wait_until_accepted(address, &token).await?;
            }
        }
        if let Some(connection) = cut {
            self.cut_listeners(connection).await;
        }
        self.revoke(&token).await?;
        let revoked = Instant::now();
        self.require_revoked_here(&token).await?;
        let mut asking = JoinSet::new();
        for address in &self.others {
            let (calls, token, address) = (self.calls.clone(), token.clone(), address.clone());
            asking.spawn(async move {
                timeout(LIMIT, wait_until_revoked(&calls, &address, &token))
                    .await
                    .unwrap_or_else(|_| Err(format!("a replica does not refuse it within {LIMIT:?}")))?;
                Ok(revoked.elapsed())
            });
        }
        asking.join_all().await.into_iter().collect()
    }

    async fn create(&self) -> Result<Issued, String> {
        loop {
            let input = json!({ "name": "revoked" });
            match self.calls.create(&self.here, "admin", self.admin, input).await {
                Answer::Done(token) => return Ok(token),
                // The replica looks for the database, because its connection was cut.
                Answer::Unknown { .. } => {}
                other => return Err(format!("no token was created: {other:?}")),
            }
        }
    }

    /// Revokes the token, again if it is not known whether it was. Only an answer counts as acknowledged.
    async fn revoke(&self, token: &Issued) -> Result<(), String> {
        loop {
            match self.calls.revoke(&self.here, "admin", &token.id, self.admin).await {
                Answer::Done(()) => return Ok(()),
                Answer::Unknown { .. } => {}
                other => return Err(format!("it was not carried out: {other:?}")),
            }
        }
    }

    /// Checks that the replica that handled the revocation knows of it.
    async fn require_revoked_here(&self, token: &Issued) -> Result<(), String> {
        loop {
            match verify(self.calls, &self.here, token).await {
                Answer::Refused { code, .. } if code == "TOKEN_REVOKED" => return Ok(()),
                // It cannot tell now, which accepts nothing.
                Answer::Unknown { .. } => {}
                other => return Err(format!("the replica that handled it answers {other:?}")),
            }
        }
    }

    async fn wait_until_accepted(&self, address: &Address, token: &Issued) -> Result<(), String> {
        loop {
            match verify(self.calls, address, token).await {
                Answer::Done(_) => return Ok(()),
                Answer::Unknown { .. } => {}
                other => return Err(format!("a new value does not work: {other:?}")),
            }
        }
    }

    async fn cut_listeners(&self, connection: &DatabaseConnection) {
        let names: Vec<String> =
            self.others.iter().filter_map(Address::replica).map(|name| format!("'{name}'")).collect();
        // A listening connection polls, too.
        let cut = format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE application_name IN ({}) AND (query LIKE 'LISTEN%' OR query LIKE '%pg_snapshot_xmax%')",
            names.join(", ")
        );
        connection.execute_unprepared(&cut).await.unwrap();
    }
}

async fn verify(calls: &Calls, address: &Address, token: &Issued) -> Answer<u32> {
    calls.verify(address, "gateway", &token.id, &token.value).await
}

async fn wait_until_revoked(calls: &Calls, address: &Address, token: &Issued) -> Result<(), String> {
    loop {
        match verify(calls, address, token).await {
            Answer::Done(_) | Answer::Unknown { .. } => {}
            Answer::Refused { code, .. } if code == "TOKEN_REVOKED" => return Ok(()),
            other => return Err(format!("{other:?}")),
        }
    }
}
