//! The task that sends deliveries: claims what is due, has each sent, and notes what came of it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

use crate::domain::delivery::AllowedNetworks;
use crate::domain::id::WebhookId;
use crate::outgoing::Client;
use crate::service::{Error, Service};
use crate::store::ClaimedDelivery;

use super::attempt::attempt;
use super::settings::Settings;
use super::slots::Slots;

/// How often to look for deliveries that are due. What this process writes is sent at once.
const PERIOD: Duration = Duration::from_secs(5);
/// How long an attempt may take, from the lookup of the name to the end of the answer.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long what is on its way may still take when the server stops: an attempt, and noting it.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(12);
/// How much of an answer is read. The status is what counts.
const MAX_ANSWER_BYTES: usize = 8_192;

/// Sends deliveries until it is stopped. Then it claims no more, and waits for what is on its way, but not for long: what is not noted is
/// sent again by another process, or after the next start.
pub(super) async fn send(settings: Settings, service: Service, stop: CancellationToken) {
    let Settings { networks, tls, resolver, deadlines: _, mail: _ } = settings;
    let client = Client { resolver, tls, timeout: ATTEMPT_TIMEOUT, max_answer_bytes: MAX_ANSWER_BYTES };
    let written = service.notices_written();
    let mut sending = Sending {
        out: Arc::new((client, networks)),
        service,
        slots: Slots::default(),
        used: HashMap::new(),
        attempts: JoinSet::new(),
        has_failed: false,
    };
    let mut periods = interval(PERIOD);
    periods.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            Some(ended) = sending.attempts.join_next_with_id() => sending.ended(ended),
            () = written.notified() => {}
            _ = periods.tick() => {}
        }
        let claimed = sending.claim_all().await;
        sending.report(claimed);
    }
    let drained = async { while sending.attempts.join_next().await.is_some() {} };
    if timeout(DRAIN_TIMEOUT, drained).await.is_err() {
        tracing::warn!(name: "notices_not_drained", "stopped before every notice on its way was answered; these are sent again");
    }
}

/// The state of the task.
struct Sending {
    out: Arc<(Client, AllowedNetworks)>,
    service: Service,
    slots: Slots,
    used: HashMap<Id, WebhookId>,
    attempts: JoinSet<()>,
    has_failed: bool,
}

impl Sending {
    /// Claims and sends what is due, as far as there are slots.
    async fn claim_all(&mut self) -> Result<(), Error> {
        while self.claim_some().await? {}
        Ok(())
    }

    /// Returns whether there may be more for which there are slots.
    async fn claim_some(&mut self) -> Result<bool, Error> {
        let (mut more, mut failed) = (false, None);
        for due in self.service.due_webhooks().await? {
            let free = self.slots.free(due.id, due.is_failing);
            if free == 0 {
                continue;
            }
            match self.service.claim_deliveries(due.id, free).await {
                Ok(claimed) => {
                    more |= claimed.more && claimed.deliveries.len() < free;
                    claimed.deliveries.into_iter().for_each(|delivery| self.start(delivery));
                }
                Err(err @ Error::Unavailable(_)) => return Err(err),
                // A row that cannot be read must not hold up other webhooks.
                Err(err) => failed = failed.or(Some(err)),
            }
        }
        failed.map_or(Ok(more), Err)
    }

    fn start(&mut self, delivery: ClaimedDelivery) {
        let (webhook, out, service) = (delivery.webhook, self.out.clone(), self.service.clone());
        self.slots.take(webhook);
        let task = self.attempts.spawn(async move {
            let attempt = attempt(&out.0, &out.1, &service, &delivery).await;
            service.note_attempt(&delivery, &attempt).await;
        });
        self.used.insert(task.id(), webhook);
    }

    /// Frees the slot of an attempt, also of one that panicked.
    fn ended(&mut self, ended: Result<(Id, ()), JoinError>) {
        let id = ended.map_or_else(|err| err.id(), |(id, ())| id);
        if let Some(webhook) = self.used.remove(&id) {
            self.slots.give_back(webhook);
        }
    }

    /// Logs the first of several failures to claim, and the first success after them.
    fn report(&mut self, claimed: Result<(), Error>) {
        match claimed {
            Err(err) if !self.has_failed => {
                tracing::warn!(name: "notices_not_claimed", cause = %err.cause(), "notices cannot be read from the database; retrying every few seconds");
                self.has_failed = true;
            }
            Ok(()) if std::mem::take(&mut self.has_failed) => {
                tracing::info!(name: "notices_claimed_again", "notices can be read from the database again");
            }
            _ => {}
        }
    }
}
