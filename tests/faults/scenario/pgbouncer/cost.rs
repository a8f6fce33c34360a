//! What PgBouncer costs: the same requests to replicas behind it and to others that reach the database directly, in turn.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use crate::load::{Answer, Calls, Issued};
use crate::scenario::Run;
use crate::site::{Address, Replica};

const PATIENCE: Duration = Duration::from_secs(120);
/// How many clients send requests at the same time.
const CLIENTS: usize = 8;
/// How many requests of each kind one of them sends in a round.
const REQUESTS: usize = 20;

/// The rates behind PgBouncer, each divided by the rate without it: the median of all rounds.
pub struct Cost {
    pub rotations: String,
    pub misses: String,
}

/// How long the requests of a round took.
struct Times {
    rotations: Duration,
    misses: Duration,
}

/// The replicas `behind` are behind PgBouncer. Others reach the database at this URL.
pub async fn measure(run: &Run, calls: &Calls, admin: &str, behind: &[Address], url: &str) -> Cost {
    let rounds = if run.long { 10 } else { 2 };
    let beside = Address::of(&["d", "e"].map(|name| Arc::new(Replica::start(name, url, &[]))));
    let (mut rotations, mut misses) = (Vec::new(), Vec::new());
    // The first round warms up.
    for round in 0..=rounds {
        // In turn, and each of them first in every second round.
        let measuring = async {
            if round % 2 == 0 {
                let with = time(calls, admin, behind).await;
                (with, time(calls, admin, &beside).await)
            } else {
                let without = time(calls, admin, &beside).await;
                (time(calls, admin, behind).await, without)
            }
        };
        let (with, without) = timeout(PATIENCE, measuring).await.unwrap_or_else(|_| panic!("a round takes too long"));
        if round > 0 {
            rotations.push(without.rotations.as_secs_f64() / with.rotations.as_secs_f64());
            misses.push(without.misses.as_secs_f64() / with.misses.as_secs_f64());
        }
    }
    Cost { rotations: median(rotations), misses: median(misses) }
}

/// Rotations on the first of these replicas, and verifications on the second one of values that it does not know.
async fn time(calls: &Calls, admin: &str, replicas: &[Address]) -> Times {
    let (first, second) = (replicas[0].clone(), replicas[1].clone());
    let (calls, admin) = (calls.clone(), admin.to_owned());
    let mut creating = JoinSet::new();
    for client in 0..CLIENTS {
        let (calls, first, admin) = (calls.clone(), first.clone(), admin.clone());
        creating.spawn(async move { used_values(&calls, &first, &admin, &format!("client {client}")).await });
    }
    let values = creating.join_all().await;
    let begun = Instant::now();
    let mut rotating = JoinSet::new();
    for values in &values {
        let (calls, first, mut held) = (calls.clone(), first.clone(), values[0].clone());
        rotating.spawn(async move {
            for _ in 0..REQUESTS {
                match calls.rotate(&first, "rotating", &held.id, &held.value, None).await {
                    Answer::Done(issued) => held = issued,
                    other => panic!("not rotated: {other:?}"),
                }
            }
        });
    }
    rotating.join_all().await;
    let rotations = begun.elapsed();
    let begun = Instant::now();
    let mut verifying = JoinSet::new();
    for values in values {
        let (calls, second) = (calls.clone(), second.clone());
        verifying.spawn(async move {
            for token in &values[1..] {
                let answer = calls.verify(&second, "verifying", &token.id, &token.value).await;
                assert!(matches!(answer, Answer::Done(_)), "not verified: {answer:?}");
            }
        });
    }
    verifying.join_all().await;
    Times { rotations, misses: begun.elapsed() }
}

/// Values that this replica knows, and that have been used, so that a verification writes nothing.
async fn used_values(calls: &Calls, replica: &Address, admin: &str, client: &str) -> Vec<Issued> {
    let mut values = Vec::new();
    for _ in 0..=REQUESTS {
        let Answer::Done(token) = calls.create(replica, client, admin, json!({ "name": client })).await else {
            panic!("no token")
        };
        let answer = calls.verify(replica, client, &token.id, &token.value).await;
        assert!(matches!(answer, Answer::Done(_)), "not verified: {answer:?}");
        values.push(token);
    }
    values
}

fn median(mut ratios: Vec<f64>) -> String {
    ratios.sort_by(f64::total_cmp);
    ratios.get(ratios.len() / 2).map_or_else(|| "none".to_owned(), |ratio| format!("{ratio:.2}"))
}
