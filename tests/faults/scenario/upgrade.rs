//! One version is replaced by the next, and back, as `docs/upgrade.md` says.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use migration::is_usable_after;
use sea_orm::{ConnectionTrait, Database, Statement};
use serde_json::json;
use tempfile::TempDir;
use tokio::time::{Instant, timeout_at};

use super::Run;
use crate::load::{Answer, Calls, Storm, StormPlan};
use crate::report::Report;
use crate::site::{Address, Balancer, Replica, three_replicas_of};
use crate::support::client::Client;
use crate::support::cluster::PostgresServer;
use crate::support::process::{Process, binary, command_of};

const CALL_PATIENCE: Duration = Duration::from_secs(30);
const PATIENCE: Duration = Duration::from_secs(60);
/// R10: how long another replica may accept what was revoked or rotated away.
const PROPAGATION: Duration = Duration::from_secs(10);
/// As in a rolling restart.
const FLAGS: [&str; 2] = ["--drain", "2s"];
const PLAN: StormPlan = StormPlan { tokens: 16, contended_tokens: 0 };
/// A migration of a version that neither of the two knows.
const LATER: &str = "m9999_later";

/// Both versions of the binary, and whether the older one can still use what the newer one has migrated.
struct Versions {
    previous: PathBuf,
    this: PathBuf,
    /// The migrations that the older one knows.
    known: Vec<String>,
}

impl Versions {
    /// The older version, and what it knows, which is what it has applied to this new database.
    async fn of(run: &Run, database_url: &str) -> Self {
        let previous = run.previous.clone().unwrap();
        Self { previous, this: PathBuf::from(binary()), known: migrations(database_url).await }
    }

    /// The migrations that only the newer version knows, and whether the older one can use the database after them.
    async fn newer(&self, database_url: &str) -> (usize, bool) {
        let applied = migrations(database_url).await;
        let newer: Vec<_> = applied.iter().filter(|step| !self.known.contains(step)).collect();
        (newer.len(), newer.iter().all(|step| is_usable_after(step, &self.known)))
    }
}

async fn migrations(database_url: &str) -> Vec<String> {
    let connection = Database::connect(database_url).await.unwrap();
    let sql = "SELECT version FROM seaql_migrations ORDER BY version";
    let sql = Statement::from_string(connection.get_database_backend(), sql);
    let rows = connection.query_all_raw(sql).await.unwrap();
    connection.close().await.unwrap();
    rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect()
}

/// Three replicas behind HAProxy, under a storm of rotations.
pub async fn rolling(run: &Run) -> Report {
    let mut report = Report::new(run);
    let database = PostgresServer::primary().await;
    let url = database.url();
    let replicas = three_replicas_of(run.previous.as_deref().unwrap(), &url, &FLAGS);
    let versions = Versions::of(run, &url).await;
    let balancer = Balancer::start(&replicas).await;
    let calls = Calls::record(&run.record, &run.scenario.name(), run.seed, CALL_PATIENCE);
    let admin = replicas[0].first_value();
    let storm = Storm::start(PLAN, vec![Address::Balancer(balancer.url())], &admin, &calls, run.seed).await;
    let (this, previous) = (&versions.this, &versions.previous);
    // One replica is replaced and replaced back; then all are. Before the next time, all are replaced back.
    let forth = [(this, 0), (previous, 0), (this, 0), (this, 1), (this, 2)];
    let mut steps = forth.to_vec();
    for _ in 1..run.times {
        steps.extend([(previous, 0), (previous, 1), (previous, 2)]);
        steps.extend(forth);
    }
    let (mut replaced, mut crossed, mut restricted) = (0, 0, 0);
    for (binary, number) in steps {
        if binary == previous && !versions.newer(&url).await.1 {
            continue;
        }
        report.expect(storm.acknowledge(50, PATIENCE).await);
        tokio::task::block_in_place(|| replicas[number].replace_by(binary, PATIENCE));
        replaced += 1;
        report.expect(storm.check_all(PATIENCE).await);
        for (here, there) in [(0, 2), (2, 0)] {
            report.expect(cross(&calls, &replicas[here], &replicas[there], &admin).await);
            crossed += 1;
            match restrict(&replicas[here], &replicas[there], &admin).await {
                Ok(known) => restricted += u64::from(known),
                Err(words) => report.expect(Err(words)),
            }
        }
    }
    let tally = storm.end(PATIENCE).await;
    calls.flush();
    report.count("replicas replaced", replaced);
    report.count("lives of tokens across two replicas", crossed);
    report.count("restricted tokens that another replica refused", restricted);
    report.count("rotations acknowledged", tally.rotations);
    report.check_history(run);
    report.count("requests failed", tally.failed);
    report.expect(if tally.failed == 0 { Ok(()) } else { Err(format!("{} requests failed", tally.failed)) });
    report.count_lock_outs(&tally);
    end(&mut report, &versions, &url).await;
    report
}

/// A token is created on one replica, rotated and rotated away on the other, and revoked on the first.
async fn cross(calls: &Calls, here: &Arc<Replica>, there: &Arc<Replica>, admin: &str) -> Result<(), String> {
    let [here, there] = [here, there].map(|replica| Address::Replica(replica.clone()));
    let client = "crossing";
    let failed = |what: &str| format!("{what} across {:?} and {:?}", here.replica(), there.replica());
    let input = json!({ "name": "crossing", "overlapMinutes": 0 });
    let Answer::Done(created) = calls.create(&here, client, admin, input).await else { return Err(failed("create")) };
    let id = created.id;
    let Answer::Done(rotated) = calls.rotate(&there, client, &id, &created.value, None).await else {
        return Err(failed("rotate"));
    };
    refused(calls, &here, &id, &created.value).await.map_err(|()| failed("the rotated value"))?;
    let Answer::Done(2) = calls.verify(&here, client, &id, &rotated.value).await else { return Err(failed("verify")) };
    let Answer::Done(()) = calls.revoke(&here, client, &id, admin).await else { return Err(failed("revoke")) };
    refused(calls, &there, &id, &rotated.value).await.map_err(|()| failed("the revoked token"))
}

/// What a replica of this version restricts is accepted by no other, also not by one of the older version, which does not know that
/// tokens can be suspended, or valid from a later time on. Returns whether this replica knows it.
async fn restrict(here: &Replica, there: &Replica, admin: &str) -> Result<bool, String> {
    let failed = |what: &str| format!("{what}, restricted by {} and presented to {}", here.name, there.name);
    let admin = Client::anonymous(&here.url).with(admin);
    let token = admin.create(json!({ "name": "suspended" })).await.map_err(|code| failed(&code))?;
    let elsewhere = token.client.at(&there.url);
    // Now both have cached it.
    elsewhere.check().await.map_err(|code| failed(&code))?;
    match admin.suspend(&token.id).await {
        Ok(_) => {}
        Err(code) if code == "GRAPHQL_VALIDATION_FAILED" => return Ok(false),
        Err(code) => return Err(failed(&code)),
    }
    if elsewhere.rotate().await.is_ok() {
        return Err(failed("a suspended token was rotated"));
    }
    let refused = async { while elsewhere.check().await.is_ok() {} };
    timeout_at(Instant::now() + PROPAGATION, refused).await.map_err(|_| failed("a suspended token is accepted"))?;
    admin.resume(&token.id).await.map_err(|code| failed(&code))?;
    let accepted = async { while elsewhere.check().await.is_err() {} };
    timeout_at(Instant::now() + PROPAGATION, accepted).await.map_err(|_| failed("a resumed token is refused"))?;

    let input = json!({ "name": "later", "notBefore": "2999-01-01T00:00:00Z" });
    let later = admin.create(input).await.map_err(|code| failed(&code))?.client.at(&there.url);
    let verified = later.request("GET", "/verify").send().await.map_err(|err| failed(&err.to_string()))?;
    if verified.status() == 200 || later.check().await.is_ok() || later.rotate().await.is_ok() {
        return Err(failed("a token that is not valid yet is accepted"));
    }
    Ok(true)
}

/// Waits until this value is refused here.
async fn refused(calls: &Calls, at: &Address, token: &str, value: &str) -> Result<(), ()> {
    let refusing =
        async { while !matches!(calls.verify(at, "crossing", token, value).await, Answer::Refused { .. }) {} };
    timeout_at(Instant::now() + PROPAGATION, refusing).await.map_err(drop)
}

/// One server on SQLite, which is stopped meanwhile.
pub async fn sqlite(run: &Run) -> Report {
    let mut report = Report::new(run);
    let folder = TempDir::new().unwrap();
    let url = format!("sqlite://{}", folder.path().join("rotakey.db").display());
    let previous = run.previous.clone().unwrap();
    let replica = Arc::new(Replica::start_binary(previous, "a", &url, &[], Vec::new()));
    let versions = Versions::of(run, &url).await;
    let calls = Calls::record(&run.record, &run.scenario.name(), run.seed, CALL_PATIENCE);
    let addresses = vec![Address::Replica(replica.clone())];
    let storm = Storm::start(PLAN, addresses, &replica.first_value(), &calls, run.seed).await;
    let backup = folder.path().join("before.db");
    report.expect(tokio::task::block_in_place(|| back_up(&versions.previous, &backup, &url)));
    let (this, previous) = (&versions.this, &versions.previous);
    let mut steps = vec![this];
    for _ in 0..run.times {
        steps.extend([previous, this]);
    }
    let mut replaced = 0;
    for binary in steps {
        if binary == previous && !versions.newer(&url).await.1 {
            continue;
        }
        report.expect(storm.acknowledge(50, PATIENCE).await);
        tokio::task::block_in_place(|| replica.replace_by(binary, PATIENCE));
        replaced += 1;
        report.expect(storm.check_all(PATIENCE).await);
    }
    let tally = storm.end(PATIENCE).await;
    calls.flush();
    tokio::task::block_in_place(|| replica.stop(PATIENCE));
    report.count("servers replaced", replaced);
    report.count("rotations acknowledged", tally.rotations);
    report.check_history(run);
    report.count_lock_outs(&tally);
    end(&mut report, &versions, &url).await;
    report
}

fn back_up(binary: &Path, backup: &Path, database_url: &str) -> Result<(), String> {
    let mut command = command_of(binary, backup.parent().unwrap());
    command.arg("backup").arg(backup).args(["--database-url", database_url]);
    let (status, _, stderr) = Process::spawn(command).ended_within(PATIENCE);
    if status.success() && backup.exists() { Ok(()) } else { Err(format!("no backup: {stderr}")) }
}

/// The database that this version leaves: what the older one makes of it, and what both make of one that a later version has changed.
async fn end(report: &mut Report, versions: &Versions, database_url: &str) {
    let (newer, is_usable) = versions.newer(database_url).await;
    report.count("migrations", newer);
    let starts = tokio::task::block_in_place(|| start(&versions.previous, database_url));
    report.count("the older version then", if starts.is_ok() { "starts" } else { "refuses" });
    report.expect(match (is_usable, &starts) {
        (true, Ok(())) => Ok(()),
        (false, Err(words)) if is_refusal(words) => Ok(()),
        _ => Err(format!("the older version, after {newer} migrations: {starts:?}")),
    });
    // A later version whose migration admits the older of the two, and then one whose migration admits neither.
    let oldest = versions.known.last().and_then(|step| step.split('_').next()).unwrap_or_default();
    apply(database_url, &format!("{LATER}_usable_from_{oldest}")).await;
    for binary in [&versions.previous, &versions.this] {
        let starts = tokio::task::block_in_place(|| start(binary, database_url));
        report.expect(starts.map_err(|words| format!("after a later version that admits it: {words}")));
    }
    apply(database_url, LATER).await;
    for binary in [&versions.previous, &versions.this] {
        let starts = tokio::task::block_in_place(|| start(binary, database_url));
        let is_refused = starts.as_ref().is_err_and(|words| is_refusal(words) && words.contains(LATER));
        report.expect(if is_refused { Ok(()) } else { Err(format!("after a later version: {starts:?}")) });
    }
    report.count("downgrade", "refused");
}

/// Records a migration of a later version as applied.
async fn apply(database_url: &str, step: &str) {
    let connection = Database::connect(database_url).await.unwrap();
    let insert = format!("INSERT INTO seaql_migrations VALUES ('{step}', 0)");
    connection.execute_unprepared(&insert).await.unwrap();
    connection.close().await.unwrap();
}

/// Starts this version and stops it again, or returns the last line of what it said.
fn start(binary: &Path, database_url: &str) -> Result<(), String> {
    let folder = TempDir::new().unwrap();
    let mut command = command_of(binary, folder.path());
    // With a command that ends by itself. It migrates and checks as `serve` does.
    command.args(["bootstrap", "--database-url", database_url]);
    let (status, _, stderr) = Process::spawn(command).ended_within(PATIENCE);
    if status.success() { Ok(()) } else { Err(stderr.lines().last().unwrap_or_default().to_owned()) }
}

fn is_refusal(words: &str) -> bool {
    words.contains("a newer version of Rotakey has changed it") && words.contains("restore the backup")
}
