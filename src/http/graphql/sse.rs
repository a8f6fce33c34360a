//! GraphQL as server-sent events, by the "distinct connections mode" of the GraphQL over Server-Sent Events protocol: events
//! `next`, one a result, and a last one `complete`.
//!
//! Events are not written by axum's `Sse`, which leaves out the `data` line if the data is empty. Clients never dispatch an event
//! without that line (HTML, section 9.2.6), so they would miss `complete` and run the operation again.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, VARY};
use axum::http::{HeaderName, HeaderValue};
use axum::response::Response;
use futures_util::stream::BoxStream;
use futures_util::{Stream, StreamExt, stream};
use serde::Serialize;
use serde_json::Value;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::task_tracker::TaskTrackerToken;

use crate::graphql::{Answer, Outcome};
use crate::http::rejection::Rejection;
use crate::http::server::Shutdown;
use crate::http::state::AppState;
use crate::service::ErrorCode;

/// How long a stream may be idle before it sends a comment, so that proxies keep it open.
const KEEP_ALIVE: Duration = Duration::from_secs(12);
/// A comment, which clients ignore.
const COMMENT: Bytes = Bytes::from_static(b":\n\n");
/// The last event of a stream. The protocol requires empty data, and HTML a line for it.
const COMPLETE: Bytes = Bytes::from_static(b"event: complete\ndata:\n\n");
/// Asks a proxy such as nginx not to buffer events.
const ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// The response that sends this outcome as events.
pub(crate) fn respond(state: &AppState, outcome: Outcome) -> Response {
    let answers = match outcome {
        Outcome::Answer(answer) => stream::iter([answer]).boxed(),
        Outcome::Answers(answers) => answers,
    };
    let events = kept_alive(events(answers, &state.shutdown).boxed());
    let mut response = Response::new(Body::from_stream(events.map(Ok::<_, Infallible>)));
    for (name, value) in
        [(CONTENT_TYPE, "text/event-stream"), (CACHE_CONTROL, "no-store"), (VARY, "Accept"), (ACCEL_BUFFERING, "no")]
    {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// What is left of a stream of events.
enum Rest {
    Answers(BoxStream<'static, Answer>, CancellationToken, TaskTrackerToken),
    Complete,
}

/// The answers as events, then `complete`. If the server stops first, a last answer says so.
fn events(answers: BoxStream<'static, Answer>, shutdown: &Shutdown) -> impl Stream<Item = Bytes> + use<> {
    let begin = Rest::Answers(answers, shutdown.closing(), shutdown.track_stream());
    stream::unfold(Some(begin), async |rest| match rest? {
        Rest::Answers(mut answers, closing, tracked) => tokio::select! {
            biased;
            () = closing.cancelled() => Some((next(&stopped()), Some(Rest::Complete))),
            answer = answers.next() => Some(match answer {
                Some(answer) => (next(&answer), Some(Rest::Answers(answers, closing, tracked))),
                None => (COMPLETE, None),
            }),
        },
        Rest::Complete => Some((COMPLETE, None)),
    })
}

fn next(answer: &impl Serialize) -> Bytes {
    let mut event = b"event: next\ndata: ".to_vec();
    // Compact JSON has no line breaks. Serialising cannot fail: an answer is plain data.
    let _ = serde_json::to_writer(&mut event, answer);
    event.extend_from_slice(b"\n\n");
    Bytes::from(event)
}

fn stopped() -> Value {
    let message = "The server is stopping. Subscribe again; the query auditEvents lists what was missed.";
    Rejection::new(ErrorCode::Unavailable, message).into_body()
}

/// These events, and a comment whenever the stream was idle for [`KEEP_ALIVE`].
fn kept_alive(events: BoxStream<'static, Bytes>) -> impl Stream<Item = Bytes> {
    stream::unfold(events, async |mut events| {
        let event = timeout(KEEP_ALIVE, events.next()).await.unwrap_or(Some(COMMENT))?;
        Some((event, events))
    })
}
