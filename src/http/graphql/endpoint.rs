//! `/graphql`: GraphQL over HTTP, by POST with a JSON body and, for queries, by GET.

use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;

use axum::BoxError;
use axum::body::{Body, Bytes, HttpBody};
use axum::http::header::{ALLOW, AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, ORIGIN, RETRY_AFTER, VARY};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use axum::response::IntoResponse;
use futures_util::FutureExt;
use serde::Serialize;

use crate::graphql::{self, Answer, Outcome, Refused, Session};
use crate::http::body::media_type::{Accepted, AnswerType, negotiate};
use crate::http::body::{json, small};
use crate::http::caller::client::{self, Arrival};
use crate::http::reply::{self, Rejection};
use crate::http::requests::Line;
use crate::http::state::Doors;
use crate::service::{Caller, ErrorCode};

use super::request::{self, Requests};
use super::{sse, ws};

/// The routes. The longer one is that of a published API.
pub(crate) const ROUTES: [&str; 2] = ["/graphql", "/public/graphql"];

const BATCH_OF_STREAMS: &str = "A list of requests is not answered as a stream of events. Send them one by one.";

/// Answers a request at this route, that this peer sent. What is not asked all the time is in a box of its own, because a future is
/// as large as the largest part of it, and is moved about.
pub(crate) async fn serve<B>(doors: &Doors, route: &'static str, peer: IpAddr, request: Request<B>) -> Response<Body>
where
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let at_once = |request: &_| at_once(doors, peer, request);
    match small::answer_at_once(request, doors.max_body_bytes, at_once).await {
        Ok(answer) => answer,
        Err(request) => Box::pin(wait(doors, route, peer, request)).await,
    }
}

/// Answers at once where that can be; `None` where it takes more.
fn at_once(doors: &Doors, peer: IpAddr, request: &Request<Bytes>) -> Option<Response<Body>> {
    let headers = request.headers();
    let accepted = negotiate(headers);
    let form = accepted.json.filter(|_| json::is_media_type_of(headers) && !accepted.prefers_stream)?;
    client::idempotency_key(headers).ok()?;
    let caller = client::presented(headers).ok()??.text;
    let source = client::source(headers, Some(peer), doors).ok()?;
    let (standing, body) = doors.graphql.answer_at_once((caller, &source), request.body())?;
    let mut response = with_body(form, StatusCode::OK, body);
    client::warn_of_retirement(response.headers_mut(), Some(standing));
    Some(response)
}

async fn wait(doors: &Doors, route: &'static str, peer: IpAddr, request: Request<Body>) -> Response<Body> {
    let request_id = doors.service.request_id().ok();
    let line = Line::new(doors, request_id, Some(peer), (request.method(), route, request.headers()));
    let arrival = Arrival { peer: Some(peer), request_id: line.request_id };
    let accepted = negotiate(request.headers());
    let answer = async {
        let answered = match *request.method() {
            Method::POST => answer_body(doors, arrival, accepted, request).await,
            Method::GET if ws::is_handshake(request.headers()) => {
                Box::pin(ws::shake_hands(doors, arrival, request.into_parts().0)).await
            }
            Method::GET | Method::HEAD => Box::pin(answer_url(doors, arrival, accepted, request)).await,
            _ => return wrong_method(),
        };
        answered.unwrap_or_else(|rejection| refuse(accepted.json, rejection))
    };
    line.observe(pin!(answer)).await
}

fn wrong_method() -> Response<Body> {
    let message = "This endpoint accepts queries by GET, and everything else by POST.";
    let rejection = Rejection::with_status(StatusCode::METHOD_NOT_ALLOWED, ErrorCode::BadUserInput, message);
    let mut response = rejection.into_response();
    response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET,HEAD,POST"));
    response
}

/// Answers the request or the requests of a JSON body.
async fn answer_body(
    doors: &Doors,
    arrival: Arrival,
    accepted: Accepted,
    mut request: Request<Body>,
) -> Result<Response<Body>, Rejection> {
    let headers = std::mem::take(request.headers_mut());
    let mut session = Session { caller: client::recognise(&headers, arrival, doors).await?, ..Session::default() };
    let keyed = client::idempotency_key(&headers).map(|key| session.idempotency_key = key);
    let session = Arc::new(session);
    let answered = answer(doors, &session, keyed, (accepted, &headers, request));
    // What panics is an answer like any other: it comes after the first use of the value, too.
    let answered = AssertUnwindSafe(answered).catch_unwind().await.unwrap_or_else(|_| Ok((reply::panicked(), true)));
    let is_error = answered.as_ref().map_or(true, |(_, is_error)| *is_error);
    client::settle(doors, session.caller.as_ref(), is_error).await?;
    let (mut response, _) = answered?;
    client::warn_of_retirement(response.headers_mut(), session.caller.as_ref().map(Caller::standing));
    Ok(response)
}

/// The answer to the request or the requests of a body, and whether it tells of an error. Until the first use of the caller's
/// value is settled it may not be sent.
async fn answer(
    doors: &Doors,
    session: &Arc<Session>,
    keyed: Result<(), Rejection>,
    (accepted, headers, request): (Accepted, &HeaderMap, Request<Body>),
) -> Result<(Response<Body>, bool), Rejection> {
    acceptable(accepted)?;
    let body = read(doors, session, request).await?;
    let requests = request::of_body(json::value(headers, body)?, doors.graphql.settings().max_batch)?;
    keyed?;
    match requests {
        Requests::One(request) => {
            if accepted.streams {
                // What it subscribes to begins before this returns.
                client::settle(doors, session.caller.as_ref(), false).await?;
            }
            answer_one(doors, session, accepted, request).await
        }
        Requests::Batch(requests) => {
            let Some(form) = accepted.json else {
                return Err(Rejection::new(ErrorCode::BadUserInput, BATCH_OF_STREAMS));
            };
            client::settle(doors, session.caller.as_ref(), false).await?;
            Ok((with_body(form, StatusCode::OK, Box::pin(batch(doors, requests, session)).await), false))
        }
    }
}

/// The answer to one request, as a stream of events where it has many answers or the client wants one in any case.
async fn answer_one(
    doors: &Doors,
    session: &Arc<Session>,
    accepted: Accepted,
    request: graphql::Request,
) -> Result<(Response<Body>, bool), Rejection> {
    let outcome = if accepted.streams {
        Box::pin(doors.graphql.start(request, session)).await?
    } else {
        Outcome::Answer(doors.graphql.answer(request, session).await?)
    };
    Ok(match (outcome, accepted.json) {
        (Outcome::Answer(answer), Some(form)) if !accepted.prefers_stream => {
            (write(form, &answer), answer.has_errors())
        }
        (outcome, _) => (sse::respond(doors, outcome), false),
    })
}

/// Reads the body. Anybody can send one, so it may be large only if somebody is known to send it.
async fn read(doors: &Doors, session: &Session, request: Request<Body>) -> Result<json::Body, Rejection> {
    let max_bytes = doors.max_body_bytes;
    if session.caller.is_some() || max_bytes <= small::MAX_BYTES {
        return Ok(json::read(request, max_bytes).await);
    }
    let body = json::read(request, small::MAX_BYTES).await;
    if body.as_ref().is_err_and(|rejection| rejection.status() == StatusCode::PAYLOAD_TOO_LARGE) {
        let message = format!(
            "Without a credential, a request may have at most {} bytes. Send the value of an API token, as X-API-Key or as \
             Authorization: Bearer.",
            small::MAX_BYTES
        );
        return Err(Rejection::with_status(StatusCode::PAYLOAD_TOO_LARGE, ErrorCode::BadUserInput, &message));
    }
    Ok(body)
}

/// Answers requests one after the other: later ones may rest on what earlier ones have changed.
async fn batch(doors: &Doors, requests: Vec<graphql::Request>, session: &Arc<Session>) -> Vec<u8> {
    let mut body = Vec::new();
    for request in requests {
        body.push(if body.is_empty() { b'[' } else { b',' });
        // Each is written as soon as it is there, so that they are not held twice. It cannot fail: they are plain data.
        let _ = match doors.graphql.answer(request, session).await {
            Ok(answer) => serde_json::to_writer(&mut body, &answer),
            Err(refused) => serde_json::to_writer(&mut body, &Rejection::from(refused).into_body()),
        };
    }
    body.push(b']');
    body
}

/// Answers the query of a URL.
async fn answer_url(
    doors: &Doors,
    arrival: Arrival,
    accepted: Accepted,
    request: Request<Body>,
) -> Result<Response<Body>, Rejection> {
    let headers = request.headers();
    let caller = client::caller(headers, arrival, doors).await?;
    acceptable(accepted)?;
    refuse_without_preflight(headers)?;
    let session = session(caller, headers)?;
    let request: graphql::Request = request::of_url(request.uri().query().unwrap_or_default())?;
    let (mut response, _) = answer_one(doors, &session, accepted, request).await?;
    client::warn_of_retirement(response.headers_mut(), session.caller.as_ref().map(Caller::standing));
    Ok(response)
}

fn session(caller: Option<Caller>, headers: &HeaderMap) -> Result<Arc<Session>, Rejection> {
    Ok(Arc::new(Session { caller, idempotency_key: client::idempotency_key(headers)?, ..Session::default() }))
}

/// A refusal from before a document was read, in the form that the client asked for: clients look for errors in no other.
fn refuse(form: Option<AnswerType>, rejection: Rejection) -> Response<Body> {
    let method_not_allowed = rejection.status() == StatusCode::METHOD_NOT_ALLOWED;
    let mut response = rejection.into_response();
    if form == Some(AnswerType::GraphqlResponse) {
        response.headers_mut().insert(CONTENT_TYPE, form_name(AnswerType::GraphqlResponse));
    }
    if method_not_allowed {
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
    }
    response
}

fn form_name(form: AnswerType) -> HeaderValue {
    HeaderValue::from_static(match form {
        AnswerType::GraphqlResponse => "application/graphql-response+json; charset=utf-8",
        AnswerType::Json => "application/json; charset=utf-8",
    })
}

fn acceptable(accepted: Accepted) -> Result<(), Rejection> {
    if accepted.streams || accepted.json.is_some() {
        return Ok(());
    }
    let message = "Answers are application/graphql-response+json or application/json, and text/event-stream for \
                   subscriptions. Accept one of them.";
    Err(Rejection::with_status(StatusCode::NOT_ACCEPTABLE, ErrorCode::BadUserInput, message))
}

/// Marks that browsers set and pages cannot take away. `Sec-Fetch-Mode` is none of them: some programs send it too.
const BROWSER: [HeaderName; 3] =
    [HeaderName::from_static("sec-fetch-site"), HeaderName::from_static("sec-fetch-dest"), ORIGIN];
/// Headers that a page of another origin can send only once a preflight request has allowed it.
const PREFLIGHTED: [HeaderName; 4] = [
    AUTHORIZATION,
    HeaderName::from_static("x-api-key"),
    HeaderName::from_static("x-requested-with"),
    HeaderName::from_static("graphql-require-preflight"),
];

/// A browser sends a plain GET for any page that asks it to. None holds a credential, for those are headers; but nothing at
/// all is executed for a page that need not have asked first. A POST needs no such rule: its media type is asked about.
fn refuse_without_preflight(headers: &HeaderMap) -> Result<(), Rejection> {
    let browser = BROWSER.iter().any(|name| headers.contains_key(name));
    if !browser || PREFLIGHTED.iter().any(|name| headers.contains_key(name)) {
        return Ok(());
    }
    let message = "Any web page could make a browser send this request. Add the header GraphQL-Require-Preflight: 1.";
    Err(Rejection::new(ErrorCode::BadUserInput, message))
}

/// The answer in the form that was chosen. Only the newer one lets the status speak of the document.
fn write(form: AnswerType, answer: &Answer) -> Response<Body> {
    let status = match form {
        AnswerType::GraphqlResponse if !answer.executed() => StatusCode::BAD_REQUEST,
        _ => StatusCode::OK,
    };
    let mut response = body_of(form, status, answer);
    if let Some(seconds) = answer.retry_after_seconds() {
        response.headers_mut().insert(RETRY_AFTER, seconds.into());
    }
    response
}

fn body_of(form: AnswerType, status: StatusCode, body: &impl Serialize) -> Response<Body> {
    serde_json::to_vec(body).map_or_else(|_| reply::panicked(), |body| with_body(form, status, body))
}

fn with_body(form: AnswerType, status: StatusCode, body: Vec<u8>) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, form_name(form));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(VARY, HeaderValue::from_static("Accept"));
    response
}

impl From<Refused> for Rejection {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Service(err) => err.into(),
            Refused::Unsafe => {
                let message =
                    "A GET must change nothing and contain no value. Send mutations and verifyAPIToken by POST.";
                Self::with_status(StatusCode::METHOD_NOT_ALLOWED, ErrorCode::BadUserInput, message)
            }
            Refused::TooSlow(limit) => {
                let message = format!(
                    "The operation was cancelled after {} s. Ask for less. Before you send a mutation again, check whether it was carried out.",
                    limit.as_secs()
                );
                Self::new(ErrorCode::Unavailable, &message)
            }
        }
    }
}
