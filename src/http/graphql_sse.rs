//! GraphQL as server-sent events, by the "distinct connections mode" of the GraphQL over Server-Sent Events protocol: a
//! request that accepts `text/event-stream` is answered by events `next`, one a result, and a last one `complete`.
//!
//! Whoever asks for no events gets no stream: a credential that is not good, or a request that is none, is answered as ever.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::http::header::CACHE_CONTROL;
use axum::http::{HeaderName, HeaderValue};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::{Stream, StreamExt, stream};

use crate::graphql::{Answer, Outcome, Request, Session};

use super::Doors;
use super::reply::Rejection;

/// How often a stream on which nothing happens says that it is still there.
const KEEP_ALIVE: Duration = Duration::from_secs(12);
/// Asks a proxy not to hold events back until it has many.
const ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// Answers one request by events.
pub(super) async fn answer(doors: &Doors, request: Request, session: &Arc<Session>) -> Result<Response, Rejection> {
    let answers = match doors.graphql.start(request, session).await? {
        Outcome::Answer(answer) => stream::iter([answer]).boxed(),
        Outcome::Answers(answers) => answers,
    };
    let mut lease = doors.lease.clone();
    // Stopped, the stream breaks off without `complete`, so that the client knows that there would be more.
    let events = events(answers).take_until(async move { lease.ended().await });
    let mut response = Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response();
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response.headers_mut().insert(ACCEL_BUFFERING, HeaderValue::from_static("no"));
    Ok(response)
}

fn events(answers: impl Stream<Item = Answer>) -> impl Stream<Item = Result<Event, Infallible>> {
    let next = |answer: Answer| {
        let event = Event::default().event("next");
        // An answer that cannot be written as JSON does not exist; were there one, the stream would go on without it.
        event.json_data(&answer).unwrap_or_else(|_| Event::default())
    };
    // The data may not be left out: an event without is none (HTML, section 9.2.6).
    let complete = stream::once(async { Event::default().event("complete").data("") });
    answers.map(next).chain(complete).map(Ok)
}
