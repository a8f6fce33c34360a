//! R17: clocks are set while the servers run. Deadlines follow the clock of the database, and nothing else.

mod database;
mod replica;
mod stepped_clock;

pub use database::{postgres, sqlite};
pub use replica::run as replica;

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::load::{Answer, Asked, Calls, Issued, StormPlan};
use crate::site::Address;

const CALL_PATIENCE: Duration = Duration::from_secs(60);
const PATIENCE: Duration = Duration::from_secs(60);
/// The longest time that a call may take.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);
/// How long after a step, or around a deadline, a replica may be wrong: it polls twice a second, on a machine that is busy.
const SLACK: Duration = Duration::from_millis(1_500);
const HOUR: i64 = 3_600;
const PLAN: StormPlan = StormPlan { tokens: 6, contended_tokens: 1 };

/// A token that expires this long after the present moment of a clock that is ahead by so many seconds.
async fn create(calls: &Calls, at: &Address, admin: &str, ahead: i64, lives: Option<Duration>) -> Issued {
    let now = now().saturating_add(SignedDuration::from_secs(ahead)).unwrap();
    let expires_at = lives.map(|lives| now.saturating_add(lives).unwrap().to_string());
    match calls.create(at, "admin", admin, json!({ "name": "ends", "expiresAt": expires_at })).await {
        Answer::Done(token) => token,
        other => panic!("no token was created: {other:?}"),
    }
}

#[expect(clippy::disallowed_methods, reason = "the harness compares the servers' clocks with this one")]
fn now() -> Timestamp {
    Timestamp::now()
}

/// The last answer that accepted the value, and the first one that did not.
fn turning_point(asked: &[Asked]) -> (Option<Asked>, Option<Asked>) {
    let accepted = asked.iter().rev().find(|asked| asked.accepted).copied();
    (accepted, asked.iter().find(|asked| !asked.accepted).copied())
}
