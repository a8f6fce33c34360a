//! Many clients that rotate at once, and what a scenario needs to know of them.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::calls::{Answer, Calls};
use super::holder::{Holder, Token};
use super::tally::Tally;
use crate::site::Address;

/// How many clients there are. Half of them rotate with idempotency keys.
#[derive(Clone, Copy, Debug)]
pub struct StormPlan {
    /// Tokens that one worker rotates.
    pub tokens: usize,
    /// Tokens that two workers rotate at the same time.
    pub contended_tokens: usize,
}

/// What the clients are told.
#[derive(Clone, Copy, Debug, Default)]
pub struct Phase {
    /// How many outages there were. After each, every client checks that its value works.
    pub outages: u64,
    pub over: bool,
}

/// What clients and scenario share.
pub struct Shared {
    pub addresses: Vec<Address>,
    pub phase: watch::Sender<Phase>,
    /// A permit for each rotation that was acknowledged.
    pub acknowledged: Semaphore,
    /// A permit for each client whose value works after the last outage.
    pub checked: Semaphore,
}

pub struct Storm {
    shared: Arc<Shared>,
    running: JoinSet<Tally>,
    clients: u32,
}

impl Storm {
    /// Creates the tokens by the right of `admin`, and lets the clients rotate them.
    pub async fn start(plan: StormPlan, addresses: Vec<Address>, admin: &str, calls: &Calls, seed: u64) -> Self {
        Self::start_with(json!({ "overlapMinutes": 10 }), plan, addresses, admin, calls, seed).await
    }

    /// As [`Storm::start`], with these settings of the tokens.
    pub async fn start_with(
        settings: Value,
        plan: StormPlan,
        addresses: Vec<Address>,
        admin: &str,
        calls: &Calls,
        seed: u64,
    ) -> Self {
        let shared = Arc::new(Shared {
            addresses: addresses.clone(),
            phase: watch::Sender::new(Phase::default()),
            acknowledged: Semaphore::new(0),
            checked: Semaphore::new(0),
        });
        let mut random = fastrand::Rng::with_seed(seed);
        let mut holders = Vec::new();
        for number in 0..plan.tokens + plan.contended_tokens {
            let workers = if number < plan.tokens { 1 } else { 2 };
            let mut input = settings.clone();
            input["name"] = json!(format!("token {number}"));
            let Answer::Done(created) = calls.create(&addresses[0], "admin", admin, input).await else {
                panic!("no token")
            };
            let held = (created.generation, created.value);
            let token = Arc::new(Token { id: created.id, newest: Mutex::new(held.clone()) });
            for worker in 0..workers {
                holders.push(Holder {
                    name: format!("client {number}.{worker}"),
                    token: token.clone(),
                    alone: workers == 1,
                    keyed: (number + worker) % 2 == 0,
                    held: held.clone(),
                    calls: calls.clone(),
                    random: random.fork(),
                    shared: shared.clone(),
                    tally: Tally::default(),
                    cut_off: None,
                    refused_since: None,
                    previous: None,
                    checked: 0,
                    rotations: 0,
                });
            }
        }
        let clients = u32::try_from(holders.len()).unwrap();
        let mut running = JoinSet::new();
        for holder in holders {
            running.spawn(holder.run());
        }
        Self { shared, running, clients }
    }

    /// Waits until so many more rotations were acknowledged.
    ///
    /// # Errors
    /// They were not in this time.
    pub async fn acknowledge(&self, rotations: u32, patience: Duration) -> Result<(), String> {
        let acknowledged = &self.shared.acknowledged;
        acknowledged.forget_permits(usize::MAX >> 3);
        match timeout(patience, acknowledged.acquire_many(rotations)).await {
            Ok(permits) => permits.unwrap().forget(),
            Err(_) => return Err(format!("{rotations} more rotations were not acknowledged within {patience:?}")),
        }
        Ok(())
    }

    /// After an outage: waits until each client has seen that its value works.
    ///
    /// # Errors
    /// One has not in this time.
    pub async fn check_all(&self, patience: Duration) -> Result<(), String> {
        let checked = &self.shared.checked;
        checked.forget_permits(usize::MAX >> 3);
        self.shared.phase.send_modify(|phase| phase.outages += 1);
        match timeout(patience, checked.acquire_many(self.clients)).await {
            Ok(permits) => permits.unwrap().forget(),
            Err(_) => return Err(format!("a client had no value that works within {patience:?} after an outage")),
        }
        Ok(())
    }

    /// Ends the storm: each client rotates a last time. What they counted; one that cannot rotate in this time is locked out.
    pub async fn end(mut self, patience: Duration) -> Tally {
        self.shared.phase.send_modify(|phase| phase.over = true);
        let mut total = Tally::default();
        let ending = async {
            while let Some(tally) = self.running.join_next().await {
                total.add(tally.unwrap());
            }
        };
        if timeout(patience, ending).await.is_err() {
            let stuck = self.running.len();
            total.locked_out.extend((0..stuck).map(|_| format!("a client could not rotate within {patience:?}")));
        }
        total
    }
}
