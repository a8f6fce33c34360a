//! Composition: opens the database, binds the port, runs the server and its background tasks, and shuts down gracefully.

use std::net::SocketAddr;
use std::time::Duration;

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::clock::SharedClock;
use crate::config::{DatabaseUrl, Listen};
use crate::entropy::SharedEntropy;
use crate::http;
use crate::service::{Policy, Service};
use crate::store::{self, Store};

/// For how long requests in flight may still be answered after the server closed.
const GRACE: Duration = Duration::from_secs(20);
/// How long it may take to save the contents of a deleted database to another file.
const SAVING: Duration = Duration::from_secs(60);
/// How long the database may take to close.
const CLOSING: Duration = Duration::from_secs(5);

/// How often housekeeping runs.
const HOUSEKEEPING_PERIOD: Duration = Duration::from_secs(60);

/// Why the server could not start or stopped.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database cannot be used.
    #[error("Cannot open the database {0}")]
    Database(#[from] store::Error),
    /// The files of the database were deleted or replaced.
    #[error("The server has stopped: {0}")]
    DatabaseMoved(store::Error),
    /// The database did not close in order.
    #[error("The database was not closed cleanly, but no acknowledged change is lost: {0}")]
    Closing(store::Error),
    /// An essential task has failed, which is a bug.
    #[error("The server has stopped, because an essential task failed: {0}")]
    Task(#[from] tokio::task::JoinError),
    /// The port cannot be bound.
    #[error("Cannot listen on {address}: {source}. Choose another address with {flag}.")]
    Listen {
        /// The flag that sets it.
        flag: &'static str,
        /// The configured address.
        address: Listen,
        /// The error of the operating system.
        source: std::io::Error,
    },
    /// The GraphQL schema generated from the code is invalid.
    #[error(transparent)]
    Schema(#[from] http::InvalidSchema),
    /// Signals cannot be received.
    #[error("The server stopped: {0}")]
    Io(#[from] std::io::Error),
}

/// Raises the limit of open files to the hard limit, because each connection is one. Returns the new limit.
pub fn raise_descriptor_limit() -> usize {
    let raised = getrlimit(Resource::RLIMIT_NOFILE).map(|(soft, hard)| {
        let raised = setrlimit(Resource::RLIMIT_NOFILE, hard, hard);
        if raised.is_ok() { hard } else { soft }
    });
    // If the limit is unknown, assume the lowest one that is common on POSIX systems.
    usize::try_from(raised.unwrap_or(256)).unwrap_or(usize::MAX)
}

/// Opens the database and brings its schema up to date.
///
/// # Errors
/// When it cannot be opened or migrated.
pub async fn open(
    url: &DatabaseUrl,
    clock: SharedClock,
    entropy: SharedEntropy,
    policy: Policy,
) -> Result<Service, Error> {
    let store = Store::connect(url.as_str()).await?;
    store.migrate().await?;
    start(store, clock, entropy, policy).await
}

/// Opens an existing database, and brings its schema up to date.
///
/// # Errors
/// When it does not exist, or it cannot be opened or migrated.
pub async fn open_existing(
    url: &DatabaseUrl,
    clock: SharedClock,
    entropy: SharedEntropy,
    policy: Policy,
) -> Result<Service, Error> {
    let store = Store::connect_existing(url.as_str()).await?;
    store.require_schema().await?;
    store.migrate().await?;
    start(store, clock, entropy, policy).await
}

async fn start(store: Store, clock: SharedClock, entropy: SharedEntropy, policy: Policy) -> Result<Service, Error> {
    let place = store.place().to_owned();
    let service = Service::open(store, clock, entropy, policy).await;
    service.map_err(|cause| Error::Database(store::Error::Unsuitable(format!("{place}: {cause}."))))
}

/// Binds the port. A host name stands for the first of its addresses, IPv4 before IPv6, because some clients only try IPv4.
///
/// # Errors
/// When the port cannot be bound, or the host name has no address.
pub async fn bind(listen: Listen) -> Result<TcpListener, Error> {
    bind_as("--listen", listen).await
}

/// Like [`bind`], for the metrics.
///
/// # Errors
/// As those of [`bind`].
pub async fn bind_metrics(listen: Listen) -> Result<TcpListener, Error> {
    bind_as("--metrics-listen", listen).await
}

async fn bind_as(flag: &'static str, listen: Listen) -> Result<TcpListener, Error> {
    let bound = match &listen {
        Listen::Address(address) => TcpListener::bind(address).await,
        Listen::Name(name, port) => match tokio::net::lookup_host((name.as_str(), *port)).await {
            Ok(addresses) => {
                let mut addresses: Vec<SocketAddr> = addresses.collect();
                addresses.sort_by_key(SocketAddr::is_ipv6);
                TcpListener::bind(addresses.as_slice()).await
            }
            Err(err) => Err(err),
        },
    };
    bound.map_err(|source| Error::Listen { flag, address: listen, source })
}

/// The listeners of the server.
#[derive(Debug)]
pub struct Listeners {
    /// The API.
    pub api: TcpListener,
    /// The metrics. Without it, they are on the port of the API.
    pub metrics: Option<TcpListener>,
}

impl From<TcpListener> for Listeners {
    fn from(api: TcpListener) -> Self {
        Self { api, metrics: None }
    }
}

/// A flag that becomes true at the first SIGTERM or SIGINT, and whose sender is dropped at the second.
///
/// # Errors
/// When signals cannot be received.
pub fn stop_signal() -> Result<watch::Receiver<bool>, Error> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
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
    settings: http::Settings,
    stop: watch::Receiver<bool>,
) -> Result<(), Error> {
    let shutdown = http::Shutdown::default();
    let drain = settings.drain;
    let served = listen(listeners.into(), service.clone(), settings, shutdown.clone())?;
    let housekeeping = tokio::spawn(housekeep(service.clone()));
    let mut contact = tokio::spawn(service.clone().keep_contact());
    let uses = tokio::spawn(service.clone().keep_uses());
    let statistics = tokio::spawn(service.clone().keep_statistics());
    let failed = tokio::select! {
        () = async { served.await; shutdown.streams_ended().await } => None,
        () = stop_in_steps(stop, drain, &shutdown) => {
            tracing::warn!("stopped before every request was answered");
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
    let moved = matches!(failed, Some(Error::DatabaseMoved(_)));
    if moved && tokio::time::timeout(SAVING, service.save_moved_database()).await.is_err() {
        tracing::error!("the contents of the database could not be saved in time");
    }
    match tokio::time::timeout(CLOSING, service.close()).await {
        Ok(closed) => closed.map_err(Error::Closing)?,
        Err(_) => tracing::warn!("the database was not closed in time, but no acknowledged change is lost"),
    }
    failed.map_or(Ok(()), Err)
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
        tracing::info!(?drain, "draining; still answering requests, and asking clients to reconnect elsewhere");
        let _ = tokio::time::timeout(drain, second_signal()).await;
    }
    shutdown.close();
    tracing::info!("stopping; finishing requests in flight");
    let _ = tokio::time::timeout(GRACE, second_signal()).await;
}

/// Runs housekeeping at startup and then once a minute.
async fn housekeep(service: Service) {
    let mut minutes = tokio::time::interval(HOUSEKEEPING_PERIOD);
    loop {
        minutes.tick().await;
        if let Err(cause) = service.sweep().await {
            tracing::warn!(%cause, "housekeeping failed; retrying in a minute");
        }
    }
}

#[cfg(test)]
mod tests;
