//! The task that sends mails, one after the other.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

use crate::mail::Client;
use crate::service::{Error, Service};

use super::attempt::attempt;

/// How often to look for mails that are due. A test of this process is sent at once.
const PERIOD: Duration = Duration::from_secs(5);
/// How long what is on its way may still take when the server stops: less than the grace of requests.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(12);

/// Sends mails until it is stopped. Then it claims no more, and waits for the one on its way, but not for long: what is not noted is sent
/// again by another process, or after the next start.
pub(in crate::notice) async fn send(client: Client, service: Service, stop: CancellationToken) {
    let due = service.mail_made_due();
    let mut periods = interval(PERIOD);
    periods.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut has_failed = false;
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            () = due.notified() => {}
            _ = periods.tick() => {}
        }
        match send_due(&client, &service, &stop).await {
            Err(err) if !has_failed => {
                tracing::warn!(name: "mails_not_claimed", cause = %err.cause(), "mails to be sent cannot be read from the database; retrying every few seconds");
                has_failed = true;
            }
            Ok(()) if std::mem::take(&mut has_failed) => {
                tracing::info!(name: "mails_claimed_again", "mails to be sent can be read from the database again");
            }
            _ => {}
        }
    }
}

/// Sends what is due. A digest that cannot be read does not hold up the others.
async fn send_due(client: &Client, service: &Service, stop: &CancellationToken) -> Result<(), Error> {
    let mut outcome = Ok(());
    for digest in service.due_mail_digests().await? {
        if stop.is_cancelled() {
            break;
        }
        let claimed = match service.claim_mail(digest).await {
            Ok(Some(claimed)) => claimed,
            Ok(None) => continue,
            Err(err @ Error::Unavailable(_)) => return Err(err),
            Err(err) => {
                outcome = outcome.and(Err(err));
                continue;
            }
        };
        let sending = async {
            let attempt = attempt(client, &claimed).await;
            service.note_mail(&claimed, &attempt).await;
        };
        let mut sending = std::pin::pin!(sending);
        let is_sent = stop.run_until_cancelled(sending.as_mut()).await.is_some();
        if !is_sent && timeout(DRAIN_TIMEOUT, sending).await.is_err() {
            tracing::warn!(name: "mail_not_drained", "stopped before the mail server answered; the mail is sent again");
        }
    }
    outcome
}
