//! The database fails for a while, in ways other than a kill. Clients get `UNAVAILABLE` with the time to wait; cached values are verified
//! for as long as it is promised; and everything works again by itself.

mod connections;
mod full;
mod small_disk;
mod stopped;

pub use connections::run as out_of_connections;
pub use full::run as full;
pub use stopped::run as stopped;

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use super::Run;
use crate::load::{Answer, Asked, Calls, Gateway, Issued, Storm, StormPlan};
use crate::report::Report;
use crate::site::{Address, Replica};

const CALL_PATIENCE: Duration = Duration::from_secs(60);
const PATIENCE: Duration = Duration::from_secs(60);
/// The longest time that a call may take.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);
/// For how long a replica answers from its cache when it has lost the database (R10).
const TRUST: Duration = Duration::from_secs(10);
/// How much earlier, at most, it may have learned the last that it knows.
const POLL: Duration = Duration::from_secs(3);
/// How much longer an answer may be on its way, on a machine that has much else to do.
const SEEING: Duration = Duration::from_millis(500);
const PLAN: StormPlan = StormPlan { tokens: 8, contended_tokens: 1 };

/// What verification must be like during an outage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verification {
    /// Of a cached value it goes on, at least until ten seconds have passed since the last poll, and no longer.
    UntilTrustEnds,
    /// As before, but the contact was lost some time before the outage began.
    NoLongerThanTrust,
    /// It goes on.
    Always,
    /// It goes on or not.
    Any,
}

/// Replicas under load, of which the outages are counted.
struct Trial<'a> {
    report: Report,
    calls: Calls,
    storm: Storm,
    addresses: Vec<Address>,
    verified: Issued,
    run: &'a Run,
}

impl<'a> Trial<'a> {
    async fn start(run: &'a Run, replicas: &[Arc<Replica>]) -> Self {
        let calls = Calls::record(&run.record, &run.scenario.name(), run.seed, CALL_PATIENCE);
        let (admin, addresses) = (replicas[0].first_value(), Address::of(replicas));
        let storm = Storm::start(PLAN, addresses.clone(), &admin, &calls, run.seed).await;
        let created = calls.create(&addresses[0], "admin", &admin, json!({ "name": "verified" })).await;
        let Answer::Done(verified) = created else { panic!("no token: {created:?}") };
        Self { report: Report::new(run), calls, storm, addresses, verified, run }
    }

    /// One outage, until this future ends, and a row of the table about it. The future says when the outage began.
    async fn outage(&mut self, name: &str, verification: Verification, outage: impl Future<Output = Instant>) {
        let before = self.storm.acknowledge(10, PATIENCE).await;
        self.report.expect(before);
        let gateway = Gateway::start(&self.calls, &self.addresses, &self.verified).await;
        self.calls.observed.clear();
        let began = outage.await;
        let ended = Instant::now();
        self.report.expect(self.storm.acknowledge(1, PATIENCE).await);
        let works_again = ended.elapsed();
        self.report.expect(self.storm.check_all(PATIENCE).await);
        let asked = gateway.stop().await;
        let answers = self.calls.observed.of_all();
        self.report.expect(answers.require(ANSWER_LIMIT));
        let served: Vec<_> = asked.iter().map(|asked| served_for(asked, began, ended)).collect();
        self.report.expect(verification.holds(&served, ended - began).map_err(|failure| format!("{name}: {failure}")));
        let [least, most] = [served.iter().min(), served.iter().max()].map(|time| time.copied().unwrap_or_default());
        self.report.part([
            ("database", name.to_owned()),
            ("for", format!("{:.1} s", (ended - began).as_secs_f64())),
            ("UNAVAILABLE", answers.unavailable.to_string()),
            ("longest answer", format!("{:.1} s", answers.longest.as_secs_f64())),
            (
                "cached values verified for (least / most)",
                format!("{:.1} s / {:.1} s", least.as_secs_f64(), most.as_secs_f64()),
            ),
            ("a rotation is answered again after", format!("{:.2} s", works_again.as_secs_f64())),
        ]);
    }

    async fn end(self) -> Report {
        let Self { mut report, calls, storm, run, .. } = self;
        let tally = storm.end(PATIENCE).await;
        calls.flush();
        report.check_history(run);
        report.count_lock_outs(&tally);
        report
    }
}

/// How long the value was accepted since the outage began, until it was refused for the first time or the outage ended.
fn served_for(asked: &[Asked], began: Instant, ended: Instant) -> Duration {
    let during = asked.iter().filter(|asked| asked.answered_at >= began && asked.at <= ended);
    let accepted = during.take_while(|asked| asked.accepted).last();
    accepted.map_or(Duration::ZERO, |asked| asked.answered_at.min(ended) - began)
}

impl Verification {
    /// Whether the value was accepted for as long as it must be, and no longer.
    fn holds(self, served: &[Duration], outage: Duration) -> Result<(), String> {
        let (least, most) = match self {
            Self::Any => return Ok(()),
            Self::Always => (outage, outage),
            Self::NoLongerThanTrust => (Duration::ZERO, outage.min(TRUST)),
            Self::UntilTrustEnds => (outage.min(TRUST - POLL), outage.min(TRUST)),
        };
        let good = |served: &&Duration| **served + SEEING >= least && **served <= most + SEEING;
        match served.iter().find(|served| !good(served)) {
            Some(served) => Err(format!("a cached value was verified for {served:?}, not {least:?} to {most:?}")),
            None => Ok(()),
        }
    }
}
