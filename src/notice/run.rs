//! Keeping the tasks running.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::service::Service;

use super::mail;
use super::sender::send;
use super::settings::Settings;
use super::sweeper::sweep;

/// The pause before a task that panicked is started again.
const PAUSE: Duration = Duration::from_secs(5);

/// Sends notices, and has those of deadlines written, until it is stopped; then sends what is on its way for a few more seconds.
pub async fn run(settings: Settings, service: Service, stop: CancellationToken) {
    let sending = keep_running(&stop, || send(settings.clone(), service.clone(), stop.clone()));
    let sweeping = keep_running(&stop, || sweep(settings.deadlines.clone(), service.clone(), stop.clone()));
    let mailing = async {
        if let Some(client) = &settings.mail {
            keep_running(&stop, || mail::send(client.clone(), service.clone(), stop.clone())).await;
        }
    };
    tokio::join!(sending, sweeping, mailing);
}

/// Runs a task until it ends, and starts it again if it panics. It is aborted with this one.
async fn keep_running<T: Future<Output = ()> + Send + 'static>(stop: &CancellationToken, task: impl Fn() -> T) {
    while let Err(err) = AbortOnDropHandle::new(tokio::spawn(task())).await {
        tracing::error!(name: "notices_task_failed", cause = %err, "a task that sends notices failed, which is a bug; starting it again");
        let pause = sleep_until(Instant::now() + PAUSE);
        if stop.run_until_cancelled(pause).await.is_none() {
            return;
        }
    }
}
