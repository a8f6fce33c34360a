//! What one replica says of one value that another replica revokes or replaces.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, interval};

use crate::load::{Answer, Calls, Issued};
use crate::site::Address;

/// The time between two questions.
const PERIOD: Duration = Duration::from_millis(50);

pub struct Probe {
    pub calls: Calls,
    pub address: Address,
    pub token: Issued,
    /// The code with which the value is refused after the change.
    pub code: &'static str,
    /// Whether the replica must not accept anything once it has stopped, until it knows everything.
    pub strict: bool,
    /// Counts the probes that are not accepted any more.
    pub stopped: watch::Sender<usize>,
}

/// When it happened.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    /// The last answer that accepted the value.
    pub accepted_at: Option<Instant>,
    /// The answer that refused it.
    pub refused_at: Instant,
}

impl Probe {
    /// Asks until the value is refused.
    ///
    /// # Errors
    /// When it is accepted again, or refused for another reason.
    pub async fn run(self) -> Result<Seen, String> {
        let (mut accepted_at, mut stopped, mut questions) = (None, false, interval(PERIOD));
        loop {
            questions.tick().await;
            let answer = self.calls.verify(&self.address, "gateway", &self.token.id, &self.token.value).await;
            let now = Instant::now();
            match &answer {
                Answer::Done(_) if stopped && self.strict => {
                    return Err(
                        "a value is accepted by a replica that could not know whether it still works".to_owned()
                    );
                }
                Answer::Done(_) => accepted_at = Some(now),
                Answer::Unknown { .. } | Answer::NotSent => {}
                Answer::Refused { code, .. } if code == self.code => {}
                Answer::Refused { code, .. } => {
                    return Err(format!("a value is refused with {code}, not {}", self.code));
                }
            }
            if !matches!(answer, Answer::Done(_)) && !stopped {
                stopped = true;
                self.stopped.send_modify(|stopped| *stopped += 1);
            }
            if matches!(answer, Answer::Refused { .. }) {
                return Ok(Seen { accepted_at, refused_at: now });
            }
        }
    }
}
