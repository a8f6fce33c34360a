//! What clients and replicas see of a failover.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::time::timeout;

use super::PATIENCE;
use crate::history::{History, Kind, Outcome};
use crate::load::{Answer, Calls, Tally, median_and_longest};
use crate::report::Report;
use crate::scenario::Run;
use crate::site::{Address, Replica};

/// The columns that every failover has, which took place at these moments.
pub fn count_outages(report: &mut Report, run: &Run, moments_micros: &[u64], tally: &Tally) {
    report.count("rotations acknowledged", tally.rotations);
    report.count("answers lost", tally.unknown);
    let outages = outages(&History::read(&run.record).unwrap(), moments_micros);
    report.count("no rotation answered for (p50 / max)", median_and_longest(&outages));
    report.count("recovery with a key (p50 / max)", median_and_longest(&tally.recoveries_with_key));
    report.count("recovery without (p50 / max)", median_and_longest(&tally.recoveries_without));
}

/// For each of these moments, the longest time from it to the next one in which no rotation was answered.
fn outages(history: &History, moments_micros: &[u64]) -> Vec<Duration> {
    let is_rotation = |call: &&crate::history::Call| call.call == Kind::Rotate && call.outcome == Outcome::Ok;
    let mut answered: Vec<u64> = history.calls.iter().filter(is_rotation).map(|call| call.end_micros).collect();
    answered.sort_unstable();
    let until = moments_micros.iter().skip(1).copied().chain([u64::MAX]);
    let longest = |(from, until): (u64, u64)| {
        let answers = answered.iter().copied().filter(|answer| (from..until).contains(answer));
        let before = std::iter::once(from).chain(answers.clone());
        let gap = before.zip(answers).map(|(before, after)| after - before).max();
        Duration::from_micros(gap.unwrap_or(u64::MAX))
    };
    moments_micros.iter().copied().zip(until).map(longest).collect()
}

/// Lets each replica create a token of this name: an error if one does not in time.
pub async fn create_at_each(replicas: &[Arc<Replica>], calls: &Calls, admin: &str, name: &str) -> Result<(), String> {
    for address in Address::of(replicas) {
        let creating = async {
            loop {
                match calls.create(&address, "admin", admin, json!({ "name": name })).await {
                    Answer::Done(_) => return Ok(()),
                    // It still looks for the primary.
                    Answer::Unknown { .. } => {}
                    other => return Err(format!("{:?} creates no token: {other:?}", address.replica())),
                }
            }
        };
        let late = |_| Err(format!("{:?} creates no token within {PATIENCE:?}", address.replica()));
        timeout(PATIENCE, creating).await.unwrap_or_else(late)?;
    }
    Ok(())
}
