//! The spans of one request.

use std::fmt::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{Span, Status};
use tokio::time::Instant;

use crate::entropy::SharedEntropy;

use super::parent::Parent;
use super::queue::Queue;

/// How many spans a trace may have besides that of the request.
const MAX_CHILDREN: usize = 64;
/// The longest text of an attribute.
const MAX_TEXT_BYTES: usize = 256;
/// The flags of OTLP: sampled, and whether the parent is on another machine.
const SAMPLED: u32 = 0x01;
const KNOWS_REMOTE: u32 = 0x100;
const IS_REMOTE: u32 = 0x200;

tokio::task_local! {
    static CURRENT: Arc<Active>;
}

/// The trace of one request, which is recorded. If it is dropped before its end, the client was gone.
pub struct RequestTrace(Arc<Active>);

/// What a request and its response say, for its span.
#[derive(Clone, Copy, Debug)]
pub struct Described<'a> {
    /// The status of the response.
    pub status: u16,
    /// The error code, if it is an error.
    pub code: Option<&'static str>,
    /// The id of the request.
    pub request_id: Option<&'a str>,
}

pub(super) struct Active {
    pub(super) trace_id: [u8; 16],
    pub(super) span_id: [u8; 8],
    pub(super) parent: Option<Parent>,
    pub(super) name: String,
    pub(super) begun: Instant,
    pub(super) begun_unix_nanos: u64,
    pub(super) entropy: SharedEntropy,
    pub(super) queue: Arc<Queue>,
    pub(super) collected: Mutex<Collected>,
}

#[derive(Default)]
pub(super) struct Collected {
    pub(super) attributes: Vec<KeyValue>,
    pub(super) children: Vec<Span>,
    pub(super) has_ended: bool,
}

/// A span below that of the request, which has begun.
struct Child {
    active: Arc<Active>,
    begun: Instant,
}

pub(super) fn text(key: &str, value: &str) -> KeyValue {
    let end = value.floor_char_boundary(MAX_TEXT_BYTES);
    let value = Value::StringValue(value.get(..end).unwrap_or_default().to_owned());
    attribute(key, value)
}

pub(super) fn number(key: &str, value: i64) -> KeyValue {
    attribute(key, Value::IntValue(value))
}

fn attribute(key: &str, value: Value) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() }
}

/// An identifier of so many bytes, not all of which are zero.
pub(super) fn random_id<const N: usize>(entropy: &SharedEntropy) -> Option<[u8; N]> {
    let mut id = [0; N];
    entropy.fill_guessable(&mut id).ok()?;
    (id != [0; N]).then_some(id)
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a `String` cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

impl RequestTrace {
    pub(super) fn new(active: Active) -> Self {
        Self(Arc::new(active))
    }

    /// The id of the trace, in hexadecimal digits.
    pub fn trace_id(&self) -> String {
        hexadecimal(&self.0.trace_id)
    }

    /// The id of the span of the request, in hexadecimal digits.
    pub fn span_id(&self) -> String {
        hexadecimal(&self.0.span_id)
    }

    /// Runs a part of the request. What it does is recorded.
    pub fn run<T>(&self, part: impl FnOnce() -> T) -> T {
        CURRENT.sync_scope(self.0.clone(), part)
    }

    /// Adds an attribute, unless it is there. The text must not be one of a client that was not checked (R9).
    pub fn note(&self, key: &'static str, value: &str) {
        self.0.note(key, value);
    }

    /// Ends the trace, with this response.
    pub fn end(self, described: Described<'_>) {
        self.0.end(Some(described));
    }
}

impl Drop for RequestTrace {
    fn drop(&mut self) {
        self.0.end(None);
    }
}

impl Active {
    fn collected(&self) -> MutexGuard<'_, Collected> {
        self.collected.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, key: &'static str, value: &str) {
        let mut collected = self.collected();
        if collected.attributes.iter().all(|known| known.key != key) {
            collected.attributes.push(text(key, value));
        }
    }

    /// Ends the span of the request, and gives the trace to the queue. `None`: the client did not wait for the response.
    fn end(&self, described: Option<Described<'_>>) {
        let mut collected = std::mem::take(&mut *self.collected());
        // What ends later is not recorded any more.
        self.collected().has_ended = true;
        if collected.has_ended {
            return;
        }
        let attributes = &mut collected.attributes;
        let mut is_error = false;
        match described {
            None => attributes.push(text("error.type", "cancelled")),
            Some(Described { status, code, request_id }) => {
                attributes.push(number("http.response.status_code", status.into()));
                attributes.extend(request_id.map(|id| text("rotakey.request.id", id)));
                attributes.extend(code.map(|code| text("rotakey.error.code", code)));
                if status >= 500 {
                    is_error = true;
                    let status = status.to_string();
                    attributes.push(text("error.type", code.unwrap_or(&status)));
                }
            }
        }
        let parent = self.parent.as_ref();
        let remote = if parent.is_some() { IS_REMOTE } else { 0 };
        let mut spans = collected.children;
        spans.push(Span {
            trace_state: parent.map(|parent| parent.state.clone()).unwrap_or_default(),
            parent_span_id: parent.map(|parent| parent.span_id.to_vec()).unwrap_or_default(),
            flags: SAMPLED | KNOWS_REMOTE | remote,
            name: self.name.clone(),
            kind: SpanKind::Server.into(),
            attributes: collected.attributes,
            status: status(is_error),
            ..self.span(self.span_id, self.begun)
        });
        self.queue.add(spans);
    }

    /// A span of this trace, from then until now.
    fn span(&self, id: [u8; 8], begun: Instant) -> Span {
        let nanos = |moment: Instant| {
            let since = u64::try_from(moment.duration_since(self.begun).as_nanos()).unwrap_or_default();
            self.begun_unix_nanos.saturating_add(since)
        };
        Span {
            trace_id: self.trace_id.to_vec(),
            span_id: id.to_vec(),
            start_time_unix_nano: nanos(begun),
            end_time_unix_nano: nanos(Instant::now()),
            ..Span::default()
        }
    }
}

impl Child {
    /// `None` if the request is not traced.
    fn begin() -> Option<Self> {
        let active = CURRENT.try_with(Clone::clone).ok()?;
        Some(Self { active, begun: Instant::now() })
    }

    fn end(self, name: &'static str, kind: SpanKind, attributes: Vec<KeyValue>, is_error: bool) {
        let Self { active, begun } = self;
        let Some(id) = random_id(&active.entropy) else { return };
        let span = Span {
            parent_span_id: active.span_id.to_vec(),
            flags: SAMPLED | KNOWS_REMOTE,
            name: name.to_owned(),
            kind: kind.into(),
            attributes,
            status: status(is_error),
            ..active.span(id, begun)
        };
        let mut collected = active.collected();
        if collected.has_ended || collected.children.len() >= MAX_CHILDREN {
            active.queue.dropped.increment();
        } else {
            collected.children.push(span);
        }
    }
}

fn status(is_error: bool) -> Option<Status> {
    is_error.then(|| Status { code: StatusCode::Error.into(), ..Status::default() })
}

/// Work on the database, which becomes a span of the current request if that is traced. Dropped before its end, it has failed.
///
/// It is no future around the work: that would be held twice, and those of the driver are large.
#[must_use]
pub struct DatabaseSpan {
    child: Option<Child>,
    system: &'static str,
    name: &'static str,
}

/// Begins work on the database. The name is that of the operation, such as SELECT; no statement and no parameter is recorded.
pub fn database(system: &'static str, name: &'static str) -> DatabaseSpan {
    DatabaseSpan { child: Child::begin(), system, name }
}

impl DatabaseSpan {
    /// Ends it with this outcome, which is returned.
    pub fn end<T, E>(mut self, outcome: Result<T, E>) -> Result<T, E> {
        self.record(outcome.is_err());
        outcome
    }

    fn record(&mut self, is_error: bool) {
        let Some(child) = self.child.take() else { return };
        // An embedded database is no other service.
        let kind = if self.system == "sqlite" { SpanKind::Internal } else { SpanKind::Client };
        let mut attributes = vec![text("db.system.name", self.system), text("db.operation.name", self.name)];
        if is_error {
            attributes.push(text("error.type", "_OTHER"));
        }
        child.end(self.name, kind, attributes, is_error);
    }
}

impl Drop for DatabaseSpan {
    fn drop(&mut self) {
        self.record(true);
    }
}

/// Adds an attribute to the span of the current request, if that is traced. The text must not be one of a client that was not checked
/// (R9).
pub fn note(key: &'static str, value: impl FnOnce() -> String) {
    // Outside of a traced request there is nothing to add to.
    let _ = CURRENT.try_with(|active| active.note(key, &value()));
}
