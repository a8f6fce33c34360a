//! Supervision by the service manager: when the server is ready, whether it is alive, and reloading on request.

use std::convert::Infallible;
use std::io;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use tokio::signal::unix::Signal;
use tokio::sync::{oneshot, watch};
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::http;
use crate::service::{Readiness, Service};
use crate::systemd::{ServiceManager, watchdog_timeout};
use crate::tls::{self, Connector, Reload, Tls};

use super::error::Error;

/// How often readiness is checked for the status line.
const STATUS_PERIOD: Duration = Duration::from_secs(1);
/// How often the TLS files are looked at.
const TLS_PERIOD: Duration = Duration::from_secs(5);
/// How long reading them takes at most, unless the disk hangs.
const TLS_TIMEOUT: Duration = Duration::from_secs(5);
/// How long the next part of the start may take, and how often the service manager is asked to wait for it. A migration of a large
/// database, or another replica that migrates it, takes longer than the usual timeout of a start.
const START_STEP: Duration = Duration::from_secs(30);
const START_PERIOD: Duration = Duration::from_secs(10);

/// Starts the server, and asks the service manager to wait for as long as that takes; `None` if it is asked to stop before.
pub async fn while_starting<T>(starting: impl Future<Output = T>, stop: &watch::Receiver<bool>) -> Option<T> {
    let extend = async {
        let mut periods = interval(START_PERIOD);
        loop {
            periods.tick().await;
            ServiceManager.extend_timeout(START_STEP, "Opening the database");
        }
    };
    let mut stop = stop.clone();
    tokio::select! {
        started = starting => Some(started),
        // An error means that the sender is gone, which counts as a signal.
        _ = stop.wait_for(|stop| *stop) => {
            tracing::info!(name: "stopping", "asked to stop before it served");
            None
        }
        never = extend => never,
    }
}

/// Reports the state of the server until it drains, and reloads at every hangup.
pub(super) async fn report(service: Service, shutdown: http::Shutdown, tls: Option<Tls>, mut hangup: Signal) {
    // The first contact is a matter of milliseconds.
    service.wait_for_contact().await;
    let mut periods = interval(STATUS_PERIOD);
    periods.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let draining = shutdown.draining();
    let mut reported = None;
    loop {
        let reloads = tokio::select! {
            biased;
            () = draining.cancelled() => return,
            _ = periods.tick() => false,
            Some(()) = hangup.recv() => true,
        };
        if reloads {
            // Before the server was ready, READY=1 must not say that it is.
            if reported.is_some() {
                ServiceManager.reloading();
            }
            reload(tls.as_ref(), Reload::Requested).await;
        }
        let readiness = service.readiness();
        let status = describe(&readiness);
        match reported {
            None if readiness.is_ready() => ServiceManager.ready(status),
            Some(_) if reloads => ServiceManager.ready(status),
            Some(before) if before == status => continue,
            _ => ServiceManager.status(status),
        }
        if reported.is_some() || readiness.is_ready() {
            reported = Some(status);
        }
    }
}

/// Reads the TLS files for the first time.
///
/// # Errors
/// When they cannot be used, or cannot be read in time.
pub async fn load_tls(files: tls::Files) -> Result<Tls, Error> {
    load("The files of --tls-certificate, --tls-key and --tls-client-ca", move || Tls::load(files)).await
}

/// Reads the authorities of a TLS client from the file that this flag names, if there is one.
///
/// # Errors
/// When they cannot be used, or cannot be read in time.
pub async fn load_connector(flag: &'static str, file: Option<PathBuf>) -> Result<Connector, Error> {
    load(flag, move || Connector::load(flag, file)).await
}

async fn load<T: Send + 'static>(
    what: &'static str,
    reads: impl FnOnce() -> Result<T, tls::Error> + Send + 'static,
) -> Result<T, Error> {
    match timeout(TLS_TIMEOUT, in_thread(reads)?).await {
        Ok(Ok(loaded)) => Ok(loaded?),
        _ => Err(tls::Error::TooSlow { what, seconds: TLS_TIMEOUT.as_secs() }.into()),
    }
}

/// Reads files in a thread, because the disk may be slow. Not in one of the runtime, which would wait for it before the process ends: a
/// disk that hangs must not prevent that.
fn in_thread<T: Send + 'static>(reads: impl FnOnce() -> T + Send + 'static) -> io::Result<oneshot::Receiver<T>> {
    let (done, is_done) = oneshot::channel();
    let reads = move || {
        // An error means that it took too long.
        let _ = done.send(reads());
    };
    thread::Builder::new().name("tls-files".to_owned()).spawn(reads)?;
    Ok(is_done)
}

/// Reads the files again that are read while the server runs.
async fn reload(tls: Option<&Tls>, why: Reload) {
    let Some(tls) = tls.cloned() else {
        tracing::info!(name: "reload_skipped", "SIGHUP: there is nothing to reload");
        return;
    };
    let mut is_done = match in_thread(move || tls.reload(why)) {
        Ok(is_done) => is_done,
        Err(cause) => {
            tracing::warn!(name: "tls_files_not_read", %cause, "cannot read the TLS files; keeping the certificate in use");
            return;
        }
    };
    if timeout(TLS_TIMEOUT, &mut is_done).await.is_err() {
        tracing::warn!(
            name: "tls_files_timed_out",
            seconds = TLS_TIMEOUT.as_secs(),
            "the TLS files cannot be read in time; keeping the certificate in use. Check the disk"
        );
        // At a request, the status of the service must not wait any longer. Otherwise there must not be more and more threads.
        if why == Reload::Periodic {
            let _ = is_done.await;
        }
    }
}

/// Looks for changed TLS files.
pub(super) async fn keep_tls(tls: Option<Tls>) {
    let mut periods = interval(TLS_PERIOD);
    periods.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while tls.is_some() {
        periods.tick().await;
        reload(tls.as_ref(), Reload::Periodic).await;
    }
}

/// What people read in the status of the service.
fn describe(readiness: &Readiness) -> &'static str {
    match readiness {
        Readiness { schema: false, .. } => "Not ready: another version has changed the schema of the database",
        Readiness { database: true, contact: true, schema: true } => "Ready",
        Readiness { contact: true, .. } => "Not ready: no contact with the database; answering from the cache",
        Readiness { .. } => "Not ready: no contact with the database",
    }
}

/// Shows the service manager twice in each of its periods that the server is alive.
pub(super) async fn keep_alive() -> Infallible {
    let Some(timeout) = watchdog_timeout().filter(|timeout| !timeout.is_zero()) else {
        return std::future::pending().await;
    };
    let mut periods = interval(timeout / 2);
    loop {
        periods.tick().await;
        ServiceManager.alive();
    }
}
