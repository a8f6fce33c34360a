//! Tracing as a whole: its settings, and the beginning of a trace.

use std::fmt::{self, Debug, Formatter};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hyper::HeaderMap;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::clock::SharedClock;
use crate::entropy::SharedEntropy;
use crate::metrics::{Exposition, Family};

use super::collector::Collector;
use super::exporter::Exporter;
use super::parent::Parent;
use super::queue::Queue;
use super::request::{Active, Collected, RequestTrace, number, random_id, text};
use super::sampling::Sampling;

/// How long the last spans may take to reach the collector when the server stops.
const LAST_EXPORT: Duration = Duration::from_secs(3);

/// The operator's settings of tracing.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The collector.
    pub collector: Collector,
    /// The share of requests that are traced, from 0 to 1.
    pub ratio: f64,
    /// How many requests whose client asks for it are traced in a second.
    pub followed_per_second: u32,
    /// Resource attributes that identify this server: names and texts.
    pub resource: Vec<(String, String)>,
}

/// Tracing, if it is configured. Clones share it.
#[derive(Clone)]
pub struct Traces(Arc<Inner>);

/// The decision to trace a request.
pub struct Sampled {
    parent: Option<Parent>,
}

struct Inner {
    sampling: Sampling,
    clock: SharedClock,
    entropy: SharedEntropy,
    queue: Arc<Queue>,
    /// What every span of a request says of the server.
    server: Vec<KeyValue>,
    exporter: Mutex<Option<Exporter>>,
    stop: CancellationToken,
}

impl Debug for Traces {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("Traces(…)")
    }
}

impl Traces {
    /// Tracing of a server with this scheme, host and port.
    pub fn new(
        settings: Settings,
        (scheme, host, port): (&str, &str, u16),
        clock: SharedClock,
        entropy: SharedEntropy,
    ) -> Self {
        let Settings { collector, ratio, followed_per_second, resource } = settings;
        let queue = Arc::new(Queue::default());
        let stop = CancellationToken::new();
        let exporter = Exporter::new(collector, &resource, queue.clone(), stop.clone());
        let server = vec![text("url.scheme", scheme), text("server.address", host), number("server.port", port.into())];
        let sampling = Sampling::new(ratio, followed_per_second);
        Self(Arc::new(Inner { sampling, clock, entropy, queue, server, exporter: Mutex::new(Some(exporter)), stop }))
    }

    /// Sends spans to the collector until [`Traces::stop`] is called. Runs once. Returns whether the last spans were dropped.
    pub async fn run(self) -> bool {
        let exporter = self.0.exporter.lock().unwrap_or_else(PoisonError::into_inner).take();
        match exporter {
            Some(exporter) => exporter.run().await,
            None => false,
        }
    }

    /// Waits until the task that [runs](Traces::run) has sent the last spans, but not for long: what the collector does not accept in
    /// time is dropped.
    pub async fn stop(&self, mut task: tokio::task::JoinHandle<bool>) {
        self.0.stop.cancel();
        let ended = tokio::time::timeout(LAST_EXPORT, &mut task).await;
        task.abort();
        // It has not ended in time, or it has panicked, or it has dropped them.
        if !matches!(ended, Ok(Ok(false))) {
            tracing::warn!(name: "traces_lost", "the last spans could not be exported");
        }
        self.0.queue.drop_all();
    }

    /// Whether to trace a request with these headers. It comes before everything else, because most requests are not traced.
    pub fn sample(&self, headers: &HeaderMap) -> Option<Sampled> {
        let Inner { sampling, clock, entropy, .. } = &*self.0;
        let parent = Parent::of(headers);
        let by_chance = || {
            !sampling.is_never()
                && random_id(entropy).is_some_and(|random| sampling.by_chance(u64::from_be_bytes(random)))
        };
        let is_sampled = match &parent {
            Some(parent) if !parent.is_sampled => false,
            Some(_) => {
                let second = u32::try_from(clock.monotonic_millis() / 1_000).unwrap_or_default();
                sampling.follows(second) || by_chance()
            }
            None => by_chance(),
        };
        is_sampled.then(|| Sampled { parent: parent.map(|parent| parent.with_state(headers)) })
    }

    /// Begins the trace of a request. The method is one that is known, and the path is without texts of the client (R9). `None` if there are
    /// no random numbers.
    pub fn begin(
        &self,
        Sampled { parent }: Sampled,
        method: Option<&str>,
        route: Option<&str>,
        path: Option<&str>,
    ) -> Option<RequestTrace> {
        let Inner { clock, entropy, queue, server, .. } = &*self.0;
        let mut attributes = server.clone();
        // The names that the semantic conventions give to all other methods.
        attributes.push(text("http.request.method", method.unwrap_or("_OTHER")));
        let method = method.unwrap_or("HTTP");
        attributes.extend(route.map(|route| text("http.route", route)));
        attributes.extend(path.map(|path| text("url.path", path)));
        let trace_id = match &parent {
            Some(parent) => parent.trace_id,
            None => random_id(entropy)?,
        };
        Some(RequestTrace::new(Active {
            trace_id,
            span_id: random_id(entropy)?,
            parent,
            name: route.map_or_else(|| method.to_owned(), |route| format!("{method} {route}")),
            begun: Instant::now(),
            begun_unix_nanos: clock.now_unix_nanos(),
            entropy: entropy.clone(),
            queue: queue.clone(),
            collected: Mutex::new(Collected { attributes, ..Collected::default() }),
        }))
    }

    /// Describes the traces.
    pub fn describe(&self, exposition: &mut Exposition) {
        self.0.queue.describe(exposition);
        exposition.add(
            Family::counter(
                "rotakey_trace_parents_unfollowed",
                "Requests whose client asked for a trace beyond --trace-followed-per-second; --trace-ratio then decided.",
            )
            .sample([], self.0.sampling.unfollowed.get()),
        );
    }
}
