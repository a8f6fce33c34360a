//! A client that holds a value and rotates it again and again. When an answer is lost, it does what `docs/rotation.md` says.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use super::calls::{Answer, Calls, Issued};
use super::storm::{Phase, Shared};
use super::tally::Tally;
use crate::site::Address;

/// How long a worker waits for the value that the other one gets.
const PATIENCE: Duration = Duration::from_secs(30);

/// The newest value that the workers of one client know of their token. They share it as they would share a file.
#[derive(Debug)]
pub struct Token {
    pub id: String,
    pub newest: Mutex<(u32, String)>,
}

/// A worker of a client.
pub struct Holder {
    pub name: String,
    pub token: Arc<Token>,
    /// Whether it is the only worker of its client.
    pub alone: bool,
    /// Whether it rotates with idempotency keys.
    pub keyed: bool,
    /// The value in hand, and its generation.
    pub held: (u32, String),
    /// The value before it, until the one in hand has worked.
    pub previous: Option<(u32, String)>,
    pub calls: Calls,
    pub random: fastrand::Rng,
    pub shared: Arc<Shared>,
    pub tally: Tally,
    /// A rotation of which it does not know whether it took place.
    pub cut_off: Option<CutOff>,
    /// Since when it has had no value that works, and waits for the one that the other worker gets.
    pub refused_since: Option<Instant>,
    /// The last outage after which the value in hand was seen to work.
    pub checked: u64,
    pub rotations: u32,
}

/// A rotation without an answer.
#[derive(Debug)]
pub struct CutOff {
    key: Option<String>,
    since: Instant,
}

/// What the client does next.
enum Next {
    Continue,
    Wait(Duration),
    /// It has no value that works, and no way to get one.
    LockedOut(String),
}

impl Holder {
    /// Rotates and verifies until the storm is over, and then once more, to show that it still can.
    pub async fn run(mut self) -> Tally {
        let mut phase = self.shared.phase.subscribe();
        loop {
            let now = *phase.borrow_and_update();
            if now.over && self.cut_off.is_none() && self.rotate_a_last_time().await {
                return self.tally;
            }
            let next = if now.outages != self.checked { self.check(now.outages).await } else { self.call().await };
            match next {
                Next::Continue => {}
                Next::Wait(time) => self.wait(&mut phase, time).await,
                Next::LockedOut(why) => {
                    self.tally.locked_out.push(format!("{}: {why}", self.name));
                    self.shared.checked.add_permits(1);
                    return self.tally;
                }
            }
        }
    }

    /// Waits for as long as an answer said, but for an outage, after which the value in hand is to be checked.
    async fn wait(&self, phase: &mut watch::Receiver<Phase>, time: Duration) {
        let checked = self.checked;
        let outage = phase.wait_for(|phase| phase.outages != checked);
        let _ = timeout(time, outage).await;
    }

    /// After an outage: whether the value in hand works.
    async fn check(&mut self, outages: u64) -> Next {
        let Some(address) = self.address().await else { return Next::Continue };
        let answer = self.verify(&address).await;
        if let Answer::Done(_) = answer {
            self.checked = outages;
            self.shared.checked.add_permits(1);
        }
        self.after_verifying(answer)
    }

    async fn call(&mut self) -> Next {
        let Some(address) = self.address().await else { return Next::Continue };
        if self.cut_off.is_none() && self.random.u8(0..3) == 0 {
            let answer = self.verify(&address).await;
            return self.after_verifying(answer);
        }
        self.rotate(&address).await
    }

    async fn rotate_a_last_time(&mut self) -> bool {
        let Some(address) = self.address().await else { return false };
        let before = self.tally.rotations;
        let next = self.rotate(&address).await;
        matches!(next, Next::Continue) && self.tally.rotations > before
    }

    fn after_verifying(&mut self, answer: Answer<u32>) -> Next {
        match answer {
            Answer::Done(_) => {
                self.previous = None;
                Next::Continue
            }
            Answer::NotSent => {
                self.tally.failed += 1;
                Next::Continue
            }
            Answer::Unknown { retry_after } => {
                self.tally.failed += 1;
                retry_after.map_or(Next::Continue, Next::Wait)
            }
            Answer::Refused { code, .. } => self.take_newest(&code),
        }
    }

    async fn verify(&self, address: &Address) -> Answer<u32> {
        self.calls.verify(address, &self.name, &self.token.id, &self.held.1).await
    }

    async fn rotate(&mut self, address: &Address) -> Next {
        if self.cut_off.is_some() {
            self.adopt_newest();
        }
        // The same request again if the last one was cut off; otherwise one with a key that was never used.
        let key = match &self.cut_off {
            Some(cut_off) => cut_off.key.clone(),
            None => self.keyed.then(|| {
                self.rotations += 1;
                format!("{} {}", self.name, self.rotations)
            }),
        };
        let answer = self.calls.rotate(address, &self.name, &self.token.id, &self.held.1, key.as_deref()).await;
        match answer {
            Answer::Done(issued) => {
                self.take(issued);
                Next::Continue
            }
            Answer::NotSent => {
                self.tally.failed += 1;
                Next::Continue
            }
            Answer::Unknown { retry_after } => {
                self.tally.failed += 1;
                self.tally.unknown += 1;
                self.cut_off.get_or_insert(CutOff { key, since: Instant::now() });
                retry_after.map_or(Next::Continue, Next::Wait)
            }
            Answer::Refused { code, retry_after } if code == "ROTATION_CONFLICT" => {
                if self.adopt_newest() {
                    return Next::Continue;
                }
                self.cut_off.get_or_insert(CutOff { key, since: Instant::now() });
                Next::Wait(retry_after.unwrap_or_default())
            }
            Answer::Refused { code, .. } => self.take_newest(&code),
        }
    }

    /// Goes on with the value that an answer issued.
    fn take(&mut self, issued: Issued) {
        self.tally.rotations += 1;
        self.recovered();
        self.previous = Some(std::mem::replace(&mut self.held, (issued.generation, issued.value)));
        let mut newest = self.token.newest.lock().unwrap();
        if newest.0 < self.held.0 {
            *newest = self.held.clone();
        }
        drop(newest);
        self.shared.acknowledged.add_permits(1);
    }

    /// A lost rotation has come to its end.
    fn recovered(&mut self) {
        // One of two workers may also have lost a race, and waits for the other.
        if let Some(cut_off) = self.cut_off.take().filter(|_| self.alone) {
            let kind =
                if self.keyed { &mut self.tally.recoveries_with_key } else { &mut self.tally.recoveries_without };
            kind.push(cut_off.since.elapsed());
        }
    }

    /// The value in hand was refused: the other worker has the next one, or gets it.
    fn take_newest(&mut self, code: &str) -> Next {
        if self.adopt_newest() || self.return_to_previous() {
            return Next::Continue;
        }
        let since = *self.refused_since.get_or_insert_with(Instant::now);
        if self.alone || since.elapsed() > PATIENCE {
            return Next::LockedOut(code.to_owned());
        }
        Next::Wait(Duration::from_secs(1))
    }

    /// Another worker, whose answer was lost, may have cancelled the value in hand before it was used.
    fn return_to_previous(&mut self) -> bool {
        let Some(previous) = self.previous.take().filter(|_| !self.alone) else { return false };
        let refused = std::mem::replace(&mut self.held, previous);
        let mut newest = self.token.newest.lock().unwrap();
        if *newest == refused {
            *newest = self.held.clone();
        }
        true
    }

    fn adopt_newest(&mut self) -> bool {
        let newest = self.token.newest.lock().unwrap().clone();
        let newer = newest.0 > self.held.0;
        if newer {
            self.held = newest;
            self.previous = None;
            // The rotation that was cut off has been overtaken.
            self.cut_off = None;
            self.refused_since = None;
        }
        newer
    }

    /// One of the servers that run; `None` if there is none for long.
    async fn address(&mut self) -> Option<Address> {
        let addresses = &self.shared.addresses;
        let up: Vec<&Address> = addresses.iter().filter(|address| address.is_up()).collect();
        if !up.is_empty() {
            return Some(up[self.random.usize(0..up.len())].clone());
        }
        let address = addresses[self.random.usize(0..addresses.len())].clone();
        address.wait_until_up(Instant::now() + Duration::from_secs(1)).await.then_some(address)
    }
}
