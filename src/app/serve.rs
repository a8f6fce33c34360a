//! Running the server with its background tasks, and stopping it gracefully.

use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::http;
use crate::notice;
use crate::service::Service;
use crate::systemd::ServiceManager;

use super::error::Error;
use super::listen::Listeners;
use super::supervision;

/// For how long requests in flight may still be answered after the server closed.
const GRACE: Duration = Duration::from_secs(20);
/// How long it may take to save the contents of a deleted database to another file.
const SAVING: Duration = Duration::from_secs(60);
/// How long the database may take to close.
const CLOSING: Duration = Duration::from_secs(5);

/// What is served, and how notices are sent; without the latter, they stay in the outbox.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The endpoints.
    pub http: http::Settings,
    /// Notices.
    pub notices: Option<notice::Settings>,
}

impl From<http::Settings> for Settings {
    fn from(http: http::Settings) -> Self {
        Self { http, notices: None }
    }
}

/// How often housekeeping runs.
const HOUSEKEEPING_PERIOD: Duration = Duration::from_secs(60);

/// A flag that becomes true at the first SIGTERM or SIGINT, and whose sender is dropped at the second. SIGHUP is ignored until the
/// server serves, which may be after a long migration.
///
/// # Errors
/// When signals cannot be received.
pub fn stop_signal() -> Result<watch::Receiver<bool>, Error> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    // From here on, a SIGHUP does not end the process. What it would reload is read when the server serves.
    drop(signal(SignalKind::hangup())?);
    let (stop, stopped) = watch::channel(false);
    tokio::spawn(async move {
        for _ in 0..2 {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            stop.send_replace(true);
        }
    });
    Ok(stopped)
}

/// Serves until `stop` becomes true. Then it answers the requests in flight, for up to [`GRACE`] or until the sender of `stop` is dropped,
/// and closes the database.
///
/// # Errors
/// When the schema generated from the code is invalid, the files of the database are deleted or replaced, or it cannot be closed.
pub async fn serve(
    listeners: impl Into<Listeners>,
    service: Service,
    settings: impl Into<Settings>,
    stop: watch::Receiver<bool>,
) -> Result<(), Error> {
    let Settings { http: settings, notices } = settings.into();
    // What no message would be sent to is refused when a webhook is created.
    let networks = notices.as_ref().map(|notices| notices.networks.clone()).unwrap_or_default();
    let service = service.allowing_webhooks_to(networks);
    let shutdown = http::Shutdown::default();
    let drain = settings.drain;
    let tls = settings.tls.clone();
    let traces = settings.traces.clone().map(|traces| (tokio::spawn(traces.clone().run()), traces));
    let hangup = signal(SignalKind::hangup())?;
    let served = listen(listeners.into(), service.clone(), settings, shutdown.clone())?;
    let housekeeping = tokio::spawn(housekeep(service.clone()));
    let mut contact = tokio::spawn(service.clone().keep_contact());
    let uses = tokio::spawn(service.clone().keep_uses());
    let statistics = tokio::spawn(service.clone().keep_statistics());
    let campaigns = tokio::spawn(service.clone().keep_campaigns());
    let reports = tokio::spawn(supervision::report(service.clone(), shutdown.clone(), tls.clone(), hangup));
    let certificate = tokio::spawn(supervision::keep_tls(tls));
    let stop_notices = CancellationToken::new();
    let mut notices = notices.map(|notices| tokio::spawn(notice::run(notices, service.clone(), stop_notices.clone())));
    let alive = tokio::spawn(supervision::keep_alive());
    let failed = tokio::select! {
        () = answered(served, &shutdown, (&mut notices, &stop_notices)) => None,
        () = stop_in_steps(stop, drain, &shutdown) => {
            tracing::warn!(name: "stopped_early", "stopped before every request was answered");
            None
        }
        cause = service.database_moved() => Some(Error::DatabaseMoved(cause)),
        // It never returns, so it panicked. Without it, the cache could not be used any more.
        ended = &mut contact => Some(ended.map_or_else(Error::from, |never| match never {})),
    };
    housekeeping.abort();
    contact.abort();
    uses.abort();
    statistics.abort();
    campaigns.abort();
    reports.abort();
    certificate.abort();
    if let Some(notices) = notices {
        // What is still on its way is sent again.
        notices.abort();
    }
    let moved = matches!(failed, Some(Error::DatabaseMoved(_)));
    if moved && tokio::time::timeout(SAVING, Box::pin(service.save_moved_database())).await.is_err() {
        tracing::error!(name: "database_save_timed_out", "the contents of the database could not be saved in time");
    }
    let stop_traces = async {
        if let Some((exporting, traces)) = traces {
            traces.stop(exporting).await;
        }
    };
    match tokio::join!(tokio::time::timeout(CLOSING, Box::pin(service.close())), stop_traces).0 {
        Ok(closed) => closed.map_err(Error::Closing)?,
        Err(_) => {
            tracing::warn!(name: "database_close_timed_out", "the database was not closed in time, but no acknowledged change is lost")
        }
    }
    alive.abort();
    failed.map_or(Ok(()), Err)
}

/// Waits until the server closes, and until requests and notices in flight are answered.
async fn answered(
    served: impl Future<Output = ()>,
    shutdown: &http::Shutdown,
    (notices, stop_notices): (&mut Option<JoinHandle<()>>, &CancellationToken),
) {
    let streams = async {
        shutdown.streams_ended().await;
        stop_notices.cancel();
        if let Some(notices) = notices {
            // It never panics: it starts its parts again.
            let _ = notices.await;
        }
    };
    tokio::join!(served, streams);
}

/// Serves on every address, until the server closes.
fn listen(
    listeners: Listeners,
    service: Service,
    settings: http::Settings,
    shutdown: http::Shutdown,
) -> Result<impl Future<Output = ()>, Error> {
    let (api, metrics) = match listeners.metrics {
        None => (http::server(service, settings, shutdown)?, None),
        Some(listener) => {
            let (api, monitoring) = http::servers(service, settings, shutdown)?;
            (api, Some((monitoring, listener)))
        }
    };
    let metrics = async {
        if let Some((monitoring, listener)) = metrics {
            monitoring.serve(listener).await;
        }
    };
    Ok(async { tokio::join!(api.serve(listeners.api), metrics).0 })
}

/// Waits for `stop`, then drains and closes the server. Returns [`GRACE`] later. A second signal ends either wait at once.
async fn stop_in_steps(mut stop: watch::Receiver<bool>, drain: Duration, shutdown: &http::Shutdown) {
    // An error means that the sender is gone, which counts as a signal.
    let _ = stop.wait_for(|stop| *stop).await;
    let mut second_signal = async || while stop.changed().await.is_ok() {};
    if !drain.is_zero() {
        shutdown.drain();
        ServiceManager.stopping(drain + GRACE + CLOSING, "Draining: still answering requests");
        tracing::info!(name: "draining", seconds = drain.as_secs(), "draining; still answering requests, and asking clients to reconnect elsewhere");
        let _ = tokio::time::timeout(drain, second_signal()).await;
    }
    shutdown.close();
    ServiceManager.stopping(GRACE + CLOSING, "Stopping: finishing requests in flight");
    tracing::info!(name: "stopping", "stopping; finishing requests in flight");
    let _ = tokio::time::timeout(GRACE, second_signal()).await;
}

/// Runs housekeeping at startup and then once a minute.
async fn housekeep(service: Service) {
    let mut minutes = tokio::time::interval(HOUSEKEEPING_PERIOD);
    loop {
        minutes.tick().await;
        if let Err(err) = service.sweep().await {
            tracing::warn!(name: "housekeeping_failed", cause = %err.cause(), "housekeeping failed; retrying in a minute");
        }
    }
}
