//! R10: the address of the database leads to a standby that stays behind. What it still believes is never accepted.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;
use tokio::time::{Instant, timeout};

use super::{CALL_PATIENCE, PATIENCE};
use crate::load::{Answer, Calls, Issued, Storm, StormPlan};
use crate::report::Report;
use crate::scenario::Run;
use crate::site::{Address, Balancer, Replica};
use crate::support::cluster::PostgresServer;
use crate::support::link::free_port;
use crate::support::process::{self, Process};

const PLAN: StormPlan = StormPlan { tokens: 6, contended_tokens: 0 };
/// Longer than a replica uses its cache without contact.
const ASTRAY: Duration = Duration::from_secs(12);
/// How long it uses its cache.
const TRUST: Duration = Duration::from_secs(10);

/// What the replica that was led astray answered.
#[derive(Debug, Default)]
struct Answers {
    unavailable: u32,
    refused: u32,
    /// Of a token that is valid, from the cache.
    accepted: u32,
}

pub async fn run(run: &Run) -> Report {
    let mut report = Report::new(run);
    let primary = PostgresServer::primary().await;
    let standby = primary.synchronous_standby().await;
    let port = free_port();
    let mut address = Balancer::forwarding(port, primary.port).await;
    let [here, there] = [("a", primary.port), ("b", port)].map(|(name, port)| {
        let url = format!("postgres://rotakey@127.0.0.1:{port}/rotakey?application_name={name}");
        Arc::new(Replica::start(name, &url, &[]))
    });
    let addresses = Address::of(&[here.clone(), there.clone()]);
    let [at_primary, astray] = [&addresses[0], &addresses[1]];
    let admin = here.first_value();
    let calls = Calls::record(&run.record, &run.scenario.name(), run.seed, CALL_PATIENCE);
    let storm = Storm::start(PLAN, vec![at_primary.clone()], &admin, &calls, run.seed).await;
    let mut answers = Answers::default();
    let mut refused_starts = 0;
    for round in 0..run.times {
        if !report.is_good() {
            break;
        }
        let name = format!("watched {round}");
        let mut created = Vec::new();
        for _ in 0..3 {
            created.push(create(&calls, at_primary, &admin, &name).await);
        }
        let [known, unknown, valid] = created.try_into().unwrap();
        for token in [&known, &valid] {
            // The first use is written, and changes what is cached.
            for _ in 0..3 {
                wait_for(&calls, astray, token, "").await;
            }
        }
        // The standby has all of them, and learns nothing more.
        let all_valid = format!("SELECT count(*) = 3 FROM api_token WHERE name = '{name}' AND revoked_at IS NULL");
        standby.wait_for(&all_valid).await;
        standby.execute("SELECT pg_wal_replay_pause()").await;
        standby.wait_for("SELECT pg_get_wal_replay_pause_state() = 'paused'").await;
        for token in [&known, &unknown] {
            let revoked = calls.revoke(at_primary, "admin", &token.id, &admin).await;
            assert_eq!(revoked, Answer::Done(()), "nothing is broken yet");
        }
        wait_for(&calls, astray, &known, "TOKEN_REVOKED").await;
        drop(address);
        address = Balancer::forwarding(port, standby.port).await;
        standby.wait_for(&all_valid).await;
        report.expect(stay_astray(&calls, astray, &admin, [&known, &unknown], &valid, &mut answers).await);
        refused_starts += u32::from(is_start_refused(port));
        drop(address);
        address = Balancer::forwarding(port, primary.port).await;
        wait_for(&calls, astray, &valid, "").await;
        wait_for(&calls, astray, &unknown, "TOKEN_REVOKED").await;
        standby.execute("SELECT pg_wal_replay_resume()").await;
    }
    let tally = storm.end(PATIENCE).await;
    calls.flush();
    report.count("times astray", run.times);
    report.count("revoked values accepted there", 0);
    report.count("refused as revoked", answers.refused);
    report.count("`UNAVAILABLE`", answers.unavailable);
    report.count("valid values accepted from the cache", answers.accepted);
    report.count("starts on the standby refused", refused_starts);
    report.expect(if refused_starts == run.times { Ok(()) } else { Err("a server started on a standby".into()) });
    report.count("rotations meanwhile", tally.rotations);
    report.check_history(run);
    report.count_lock_outs(&tally);
    drop(address);
    report
}

/// Asks a replica whose database is the standby about two revoked tokens and a valid one, for longer than it uses its cache.
async fn stay_astray(
    calls: &Calls,
    astray: &Address,
    admin: &str,
    revoked: [&Issued; 2],
    valid: &Issued,
    answers: &mut Answers,
) -> Result<(), String> {
    let since = Instant::now();
    while since.elapsed() < ASTRAY {
        for token in revoked {
            match verify(calls, astray, token).await {
                Answer::Refused { code, .. } if code == "TOKEN_REVOKED" => answers.refused += 1,
                Answer::Unknown { retry_after: Some(_) } => answers.unavailable += 1,
                other => return Err(format!("a revoked value: {other:?} after {:?}", since.elapsed())),
            }
        }
        let asked = since.elapsed();
        match verify(calls, astray, valid).await {
            Answer::Done(_) if asked < TRUST => answers.accepted += 1,
            Answer::Unknown { retry_after: Some(_) } => answers.unavailable += 1,
            other => return Err(format!("a valid value: {other:?} after {asked:?}")),
        }
        match calls.create(astray, "admin", admin, json!({ "name": "astray" })).await {
            Answer::Unknown { retry_after: Some(_) } => answers.unavailable += 1,
            other => return Err(format!("a token is created on a standby: {other:?}")),
        }
    }
    Ok(())
}

/// Whether a server that is started there says what is wrong, and ends.
fn is_start_refused(port: u16) -> bool {
    let folder = TempDir::new().unwrap();
    let mut command = process::command(folder.path());
    command.args(["serve", "--listen", "127.0.0.1:0", "--database-url"]);
    command.arg(format!("postgres://rotakey@127.0.0.1:{port}/rotakey"));
    let (status, _, log) = tokio::task::block_in_place(|| Process::spawn(command).ended_within(PATIENCE));
    !status.success() && log.contains("is a standby")
}

async fn create(calls: &Calls, at: &Address, admin: &str, name: &str) -> Issued {
    match calls.create(at, "admin", admin, json!({ "name": name })).await {
        Answer::Done(token) => token,
        other => panic!("no token was created: {other:?}"),
    }
}

async fn verify(calls: &Calls, at: &Address, token: &Issued) -> Answer<u32> {
    calls.verify(at, "gateway", &token.id, &token.value).await
}

/// Asks until the answer has this code; none means that the value is accepted.
async fn wait_for(calls: &Calls, at: &Address, token: &Issued, code: &str) {
    let asking = async {
        loop {
            match verify(calls, at, token).await {
                Answer::Done(_) if code.is_empty() => return,
                Answer::Refused { code: refused, .. } if refused == code => return,
                _ => {}
            }
        }
    };
    timeout(PATIENCE, asking).await.unwrap_or_else(|_| panic!("a value is not answered with {code:?}"));
}
