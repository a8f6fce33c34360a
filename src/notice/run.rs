//! Keeping the tasks running.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::service::Service;

use super::sender::send;
use super::settings::Settings;

/// The pause before a task that panicked is started again.
const PAUSE: Duration = Duration::from_secs(5);

/// Sends notices until it is stopped, and then for a few more seconds what is on its way.
pub async fn run(settings: Settings, service: Service, stop: CancellationToken) {
    // Aborted with this one.
    let start = || AbortOnDropHandle::new(tokio::spawn(send(settings.clone(), service.clone(), stop.clone())));
    while let Err(err) = start().await {
        tracing::error!(name: "notices_task_failed", cause = %err, "a task that sends notices failed, which is a bug; starting it again");
        let pause = sleep_until(Instant::now() + PAUSE);
        if stop.run_until_cancelled(pause).await.is_none() {
            return;
        }
    }
}
