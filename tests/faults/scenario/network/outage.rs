//! One outage: three replicas lose the database in three ways, and a fourth one revokes and rotates meanwhile.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, interval, timeout};

use super::fault::Fault;
use super::probe::{Probe, Seen};
use crate::load::{Answer, Calls, Issued};
use crate::site::{Address, Replica};
use crate::support::link::Link;

/// How many tokens are changed. Every third one is rotated twice, and the others are revoked.
const CHANGES: usize = 12;
/// The time between two changes.
const PAUSE: Duration = Duration::from_millis(200);
/// For how long a value may be accepted after a change, whatever breaks (R10).
const LIMIT: Duration = Duration::from_secs(10);
/// How much longer it takes to see it.
const SEEING: Duration = Duration::from_millis(500);
const PATIENCE: Duration = Duration::from_secs(60);

pub struct Outage<'a> {
    pub calls: &'a Calls,
    pub admin: &'a str,
    /// The replica with a good network.
    pub good: Address,
    pub faults: &'a [(Fault, &'a (Arc<Replica>, Link))],
}

/// The fault, for how long a value was accepted after its change, and how long after healing it was refused.
pub type Measured = (Fault, Duration, Duration);

impl Outage<'_> {
    pub async fn run(&self) -> Result<Vec<Measured>, String> {
        let mut tokens = Vec::new();
        for number in 0..CHANGES {
            tokens.push(self.create(number).await?);
        }
        for _ in 0..3 {
            self.verify_everywhere(&tokens).await?;
        }
        let stopped = watch::Sender::new(0);
        let mut probing = JoinSet::new();
        for (fault, (_, link)) in self.faults {
            fault.inflict(link);
        }
        for (number, token) in tokens.iter().enumerate() {
            for (fault, (replica, _)) in self.faults {
                let probe = Probe {
                    calls: self.calls.clone(),
                    address: Address::Replica(replica.clone()),
                    token: token.clone(),
                    code: if is_rotated(number) { "VALUE_RETIRED" } else { "TOKEN_REVOKED" },
                    strict: fault.is_cut(),
                    stopped: stopped.clone(),
                };
                let fault = *fault;
                probing.spawn(async move { (fault, number, probe.run().await) });
            }
        }
        let (mut changed, mut pauses) = (Vec::new(), interval(PAUSE));
        for (number, token) in tokens.iter().enumerate() {
            pauses.tick().await;
            self.change(number, token).await?;
            changed.push(Instant::now());
        }
        let mut stopping = stopped.subscribe();
        let all = tokens.len() * self.faults.len();
        let all_stopped = timeout(PATIENCE, stopping.wait_for(|stopped| *stopped >= all)).await;
        let healed = Instant::now();
        self.faults.iter().for_each(|(_, (_, link))| link.heal());
        all_stopped.map_err(|_| format!("values were accepted for {PATIENCE:?}"))?.map_err(|err| err.to_string())?;
        let seen = timeout(PATIENCE, probing.join_all()).await;
        let seen = seen.map_err(|_| format!("values were not refused within {PATIENCE:?} after healing"))?;
        seen.into_iter().map(|(fault, number, seen)| measure(fault, changed[number], healed, seen)).collect()
    }

    async fn create(&self, number: usize) -> Result<Issued, String> {
        let input = json!({ "name": format!("changed {number}") });
        match self.calls.create(&self.good, "admin", self.admin, input).await {
            Answer::Done(token) => Ok(token),
            other => Err(format!("no token was created: {other:?}")),
        }
    }

    /// Has every replica cache every value.
    async fn verify_everywhere(&self, tokens: &[Issued]) -> Result<(), String> {
        for (_, (replica, _)) in self.faults {
            for token in tokens {
                let address = Address::Replica(replica.clone());
                match self.calls.verify(&address, "gateway", &token.id, &token.value).await {
                    Answer::Done(_) => {}
                    other => return Err(format!("a new value does not work: {other:?}")),
                }
            }
        }
        Ok(())
    }

    /// After this, the value is refused for good.
    async fn change(&self, number: usize, token: &Issued) -> Result<(), String> {
        if !is_rotated(number) {
            return match self.calls.revoke(&self.good, "admin", &token.id, self.admin).await {
                Answer::Done(()) => Ok(()),
                other => Err(format!("a token was not revoked: {other:?}")),
            };
        }
        let mut value = token.value.clone();
        for _ in 0..2 {
            match self.calls.rotate(&self.good, "holder", &token.id, &value, None).await {
                Answer::Done(issued) => value = issued.value,
                other => return Err(format!("a token was not rotated: {other:?}")),
            }
        }
        Ok(())
    }
}

fn is_rotated(number: usize) -> bool {
    number % 3 == 2
}

fn measure(fault: Fault, changed: Instant, healed: Instant, seen: Result<Seen, String>) -> Result<Measured, String> {
    let Seen { accepted_at, refused_at } = seen.map_err(|failure| format!("{}: {failure}", fault.name()))?;
    let accepted = accepted_at.map_or(Duration::ZERO, |at| at.saturating_duration_since(changed));
    if accepted > LIMIT + SEEING {
        return Err(format!("{}: a value was accepted for {accepted:?} after its change", fault.name()));
    }
    Ok((fault, accepted, refused_at.saturating_duration_since(healed)))
}
