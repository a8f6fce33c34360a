//! A gateway that asks every server again and again whether one value works, as long as something is broken.

use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, interval, timeout};

use super::calls::{Answer, Calls, Issued};
use crate::site::Address;

/// The time between two questions to one server.
const PERIOD: Duration = Duration::from_millis(50);
/// How many accepted questions in a row show that a server has the value in its cache.
const CACHED: usize = 5;
/// A gateway gives up a question after this time.
const PATIENCE: Duration = Duration::from_secs(60);

pub struct Gateway {
    asking: JoinSet<Vec<Asked>>,
    stop: tokio::sync::watch::Sender<bool>,
}

/// A question, and whether the value was accepted.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    pub at: Instant,
    pub answered_at: Instant,
    pub accepted: bool,
}

impl Gateway {
    /// Has every server cache the value, and begins to ask.
    pub async fn start(calls: &Calls, addresses: &[Address], token: &Issued) -> Self {
        let stop = tokio::sync::watch::Sender::new(false);
        let mut asking = JoinSet::new();
        for address in addresses {
            let (calls, address, token, mut stopped) =
                (calls.clone(), address.clone(), token.clone(), stop.subscribe());
            let caching = async {
                let mut accepted = 0;
                while accepted < CACHED {
                    let answer = calls.verify(&address, "gateway", &token.id, &token.value).await;
                    accepted = if matches!(answer, Answer::Done(_)) { accepted + 1 } else { 0 };
                }
            };
            timeout(PATIENCE, caching).await.unwrap_or_else(|_| panic!("a value is not accepted"));
            asking.spawn(async move {
                let (mut asked, mut periods) = (Vec::new(), interval(PERIOD));
                while !*stopped.borrow_and_update() {
                    periods.tick().await;
                    let at = Instant::now();
                    let answer = calls.verify(&address, "gateway", &token.id, &token.value).await;
                    let accepted = matches!(answer, Answer::Done(_));
                    asked.push(Asked { at, answered_at: Instant::now(), accepted });
                }
                asked
            });
        }
        Self { asking, stop }
    }

    /// What was asked of each server.
    pub async fn stop(self) -> Vec<Vec<Asked>> {
        self.stop.send_replace(true);
        timeout(PATIENCE, self.asking.join_all()).await.unwrap_or_else(|_| panic!("a question was not answered"))
    }
}
