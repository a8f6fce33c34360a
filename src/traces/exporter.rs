//! The task that sends spans to the collector.

use std::sync::Arc;
use std::time::Duration;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::outgoing::Client;

use super::collector::{Collector, ExportError, client, export};
use super::queue::Queue;
use super::request::text;

/// How long a span waits for others at most.
const PERIOD: Duration = Duration::from_secs(1);
/// The pause after the first failed export. It doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// The time between two log lines.
const LOG_PERIOD: Duration = Duration::from_secs(60);

/// Sends spans to the collector, one batch after the other.
pub(super) struct Exporter {
    client: Client,
    collector: Collector,
    resource: Resource,
    queue: Arc<Queue>,
    stop: CancellationToken,
    last_logged: Option<Instant>,
    /// Whether the last line says that spans cannot be exported.
    has_failed: bool,
}

impl Exporter {
    pub(super) fn new(
        collector: Collector,
        resource: &[(String, String)],
        queue: Arc<Queue>,
        stop: CancellationToken,
    ) -> Self {
        let attributes = resource.iter().map(|(name, value)| text(name, value)).collect();
        let resource = Resource { attributes, ..Resource::default() };
        Self { client: client(&collector), collector, resource, queue, stop, last_logged: None, has_failed: false }
    }

    /// Sends spans until the server stops. Returns whether the last ones were dropped.
    pub(super) async fn run(mut self) -> bool {
        let mut are_lost = false;
        let mut periods = interval(PERIOD);
        periods.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (queue, stop) = (self.queue.clone(), self.stop.clone());
        while !stop.is_cancelled() {
            tokio::select! {
                () = stop.cancelled() => {}
                () = queue.full_batch.notified() => {}
                _ = periods.tick() => {}
            }
            loop {
                let batch = queue.take_batch();
                if batch.is_empty() {
                    break;
                }
                are_lost |= self.deliver(batch).await;
            }
        }
        are_lost
    }

    /// Sends a batch again and again until the collector answers, or the server stops. Returns whether it was dropped.
    async fn deliver(&mut self, batch: Vec<Span>) -> bool {
        let count = batch.len() as u64;
        let body = self.encode(batch);
        let mut pause = FIRST_PAUSE;
        loop {
            // The last try when the server stops begins after it was asked to.
            let is_last = self.stop.is_cancelled();
            match export(&self.client, &self.collector, body.clone()).await {
                Ok(rejected) => {
                    let rejected = rejected.min(count);
                    self.queue.exported.add(count - rejected);
                    self.queue.rejected.add(rejected);
                    if rejected > 0 {
                        self.log("the collector has rejected spans".to_owned());
                    } else if std::mem::take(&mut self.has_failed) {
                        tracing::info!(name: "traces_exported_again", "the collector accepts spans again");
                    }
                    return false;
                }
                Err(ExportError::Refused(cause)) => {
                    self.queue.rejected.add(count);
                    self.log(cause);
                    return false;
                }
                Err(ExportError::Unavailable(cause, retry_after)) => {
                    self.log(cause);
                    if is_last {
                        self.queue.dropped.add(count);
                        // The others would fail like this one, and take as long.
                        self.queue.drop_all();
                        return true;
                    }
                    let until =
                        Instant::now() + retry_after.map_or(pause, |after| after.clamp(FIRST_PAUSE, LONGEST_PAUSE));
                    pause = (pause * 2).min(LONGEST_PAUSE);
                    tokio::select! {
                        () = sleep_until(until) => {}
                        () = self.stop.cancelled() => {}
                    }
                }
            }
        }
    }

    fn encode(&self, spans: Vec<Span>) -> Vec<u8> {
        let scope = InstrumentationScope {
            name: "rotakey".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            ..InstrumentationScope::default()
        };
        let scope_spans = vec![ScopeSpans { scope: Some(scope), spans, ..ScopeSpans::default() }];
        let resource = Some(self.resource.clone());
        let resource_spans = vec![ResourceSpans { resource, scope_spans, ..ResourceSpans::default() }];
        ExportTraceServiceRequest { resource_spans }.encode_to_vec()
    }

    fn log(&mut self, cause: String) {
        if self.last_logged.is_some_and(|logged| logged.elapsed() < LOG_PERIOD) {
            return;
        }
        self.last_logged = Some(Instant::now());
        self.has_failed = true;
        let dropped = self.queue.dropped.get() + self.queue.rejected.get();
        tracing::warn!(name: "traces_not_exported", cause, dropped, "spans cannot be exported; serving requests as before");
    }
}
