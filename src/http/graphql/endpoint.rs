//! `/graphql`: GraphQL over HTTP, by POST with a JSON body and, for queries, by GET.

use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;

use axum::BoxError;
use axum::body::{Body, Bytes, HttpBody};
use axum::http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, VARY};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use axum::response::IntoResponse;
use futures_util::FutureExt;

use crate::domain::rule::lifecycle::due_soon::Warnings;
use crate::graphql::{self, Answer, Outcome, Refused, Session};
use crate::http::body::media_type::{self, Accepted, AnswerType, negotiate};
use crate::http::body::{before_authentication, json};
use crate::http::caller::authentication::{self, RequestInfo};
use crate::http::caller::{idempotency_key, warning_headers};
use crate::http::metrics::FirstError;
use crate::http::rejection::{self, Rejection};
use crate::http::request_log::{self, RequestLog};
use crate::http::request_trace;
use crate::http::state::AppState;
use crate::service::{Caller, ErrorCode};
use crate::traces::RequestTrace;

use super::post_body::{self, Parsed};
use super::request_parameters::{self, Requests};
use super::{socket_upgrade, sse};

/// The paths of this endpoint. Some clients are configured with the longer one.
pub(crate) const ROUTES: [&str; 2] = ["/graphql", "/public/graphql"];

const BATCH_OF_STREAMS: &str = "A list of requests is not answered as a stream of events. Send them one by one.";

/// A POST whose body was read before authentication, parsed once for [`Check::try_now`] and [`serve_async`].
struct Check<'a> {
    accepted: Accepted,
    body: Result<Parsed<'a>, Rejection>,
}

impl<'a> Check<'a> {
    fn read(headers: &HeaderMap, body: &'a [u8]) -> Self {
        let parsed = media_type::must_be_json(headers).and_then(|()| post_body::parse(body));
        Self { accepted: negotiate(headers), body: parsed }
    }

    /// Answers a request that can be answered directly, if nothing has to wait.
    fn try_now(&self, state: &AppState, peer: IpAddr, headers: &HeaderMap) -> Option<Response<Body>> {
        let media_type = self.accepted.json.filter(|_| !self.accepted.prefers_stream)?;
        let request = self.body.as_ref().ok()?.direct()?;
        idempotency_key::idempotency_key(headers).ok()?;
        let caller = authentication::find_credential(headers, state).ok()??.text;
        let info = RequestInfo { peer: Some(peer), request_id: None };
        let context = authentication::request_context(headers, info, state).ok()?;
        let (warnings, body) = state.graphql.try_now((caller, &context), &request)?;
        Some(warned(respond(media_type, StatusCode::OK, body), Some(warnings)))
    }
}

/// The body of a request.
enum Incoming<'a> {
    Parsed(Result<Parsed<'a>, Rejection>),
    Unread(Body),
}

/// Answers a request that this peer sent to this route. Rare branches are boxed: a future is as large as its largest branch, and is
/// moved several times.
pub(crate) async fn serve<B>(state: &AppState, route: &'static str, peer: IpAddr, request: Request<B>) -> Response<Body>
where
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let mut trace =
        request_trace::begin(state, (request.method(), Some(route), request.headers()), request.uri().path());
    match before_authentication::read(request, state.max_body_bytes).await {
        Ok(request) => {
            let (head, bytes) = request.into_parts();
            let check = Check::read(&head.headers, &bytes);
            let now = || check.try_now(state, peer, &head.headers);
            if let Some(answer) = request_log::try_now(state, (&head.method, route), &mut trace, now) {
                return answer;
            }
            let Check { accepted, body } = check;
            Box::pin(serve_async(state, (route, peer), head, (accepted, Incoming::Parsed(body)), trace)).await
        }
        Err(request) => {
            let (head, body) = request.into_parts();
            let accepted = negotiate(&head.headers);
            Box::pin(serve_async(state, (route, peer), head, (accepted, Incoming::Unread(body)), trace)).await
        }
    }
}

async fn serve_async(
    state: &AppState,
    (route, peer): (&'static str, IpAddr),
    head: Parts,
    (accepted, body): (Accepted, Incoming<'_>),
    trace: Option<RequestTrace>,
) -> Response<Body> {
    let log = RequestLog::new(state, Some(peer), (&head.method, route, &head.headers), trace);
    let info = RequestInfo { peer: Some(peer), request_id: log.request_id };
    let answer = async {
        let answered = match head.method {
            Method::POST => answer_body(state, info, accepted, &head.headers, body).await,
            Method::GET if socket_upgrade::is_handshake(&head.headers) => {
                Box::pin(socket_upgrade::shake_hands(state, info, head)).await
            }
            Method::GET | Method::HEAD => Box::pin(answer_url(state, info, accepted, &head)).await,
            _ => return wrong_method(),
        };
        answered.unwrap_or_else(|rejection| refuse(accepted.json, rejection))
    };
    log.observe(pin!(answer)).await
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
    state: &AppState,
    info: RequestInfo,
    accepted: Accepted,
    headers: &HeaderMap,
    body: Incoming<'_>,
) -> Result<Response<Body>, Rejection> {
    let mut session = Session {
        caller: authentication::caller_deferring_first_use(headers, info, state).await?,
        ..Session::default()
    };
    let keyed = idempotency_key::idempotency_key(headers).map(|key| session.idempotency_key = key);
    let session = Arc::new(session);
    let answered = answer(state, &session, keyed, (accepted, headers, body));
    // A panic is answered like any other error: only after the first use of the value was written.
    let answered =
        AssertUnwindSafe(answered).catch_unwind().await.unwrap_or_else(|_| Ok((rejection::panicked(), true)));
    let is_error = answered.as_ref().map_or(true, |(_, is_error)| *is_error);
    authentication::write_first_use(state, session.caller.as_ref(), is_error).await?;
    // A stream of events keeps its caller.
    session.caller.iter().for_each(Caller::record_use);
    let (response, _) = answered.map_err(|rejection| rejection.with_warnings_for(session.caller.as_ref()))?;
    Ok(warned(response, session.caller.as_ref().map(Caller::warnings)))
}

/// The answer to the request or the requests of a body, and whether it reports an error. It must not be sent before the first use of
/// the caller's value is durable.
async fn answer(
    state: &AppState,
    session: &Arc<Session>,
    keyed: Result<(), Rejection>,
    (accepted, headers, body): (Accepted, &HeaderMap, Incoming<'_>),
) -> Result<(Response<Body>, bool), Rejection> {
    acceptable(accepted)?;
    let bytes;
    let parsed = match body {
        Incoming::Parsed(parsed) => parsed?,
        Incoming::Unread(body) => {
            let body = read(state, session, body).await?;
            media_type::must_be_json(headers)?;
            bytes = json::whole(body)?;
            post_body::parse(&bytes)?
        }
    };
    let requests = parsed.requests(state.graphql.settings().max_batch)?;
    keyed?;
    match requests {
        Requests::One(request) => {
            if accepted.streams {
                // A subscription starts before this function returns, so the first use must be durable now.
                authentication::write_first_use(state, session.caller.as_ref(), false).await?;
            }
            answer_one(state, session, accepted, request).await
        }
        Requests::Batch(requests) => {
            let Some(media_type) = accepted.json else {
                return Err(Rejection::new(ErrorCode::BadUserInput, BATCH_OF_STREAMS));
            };
            authentication::write_first_use(state, session.caller.as_ref(), false).await?;
            Ok((respond(media_type, StatusCode::OK, Box::pin(batch(state, requests, session)).await), false))
        }
    }
}

/// The answer to one request: a stream of events if there can be several answers, or if the client prefers a stream.
async fn answer_one(
    state: &AppState,
    session: &Arc<Session>,
    accepted: Accepted,
    request: graphql::Request,
) -> Result<(Response<Body>, bool), Rejection> {
    let outcome = if accepted.streams {
        Box::pin(state.graphql.start(request, session)).await?
    } else {
        Outcome::Answer(state.graphql.answer(request, session).await?)
    };
    Ok(match (outcome, accepted.json) {
        (Outcome::Answer(answer), Some(media_type)) if !accepted.prefers_stream => {
            (write(media_type, &answer), answer.has_errors())
        }
        (outcome, _) => (sse::respond(state, outcome), false),
    })
}

/// Reads the body. Without a credential it must be small, because anyone can send one.
async fn read(state: &AppState, session: &Session, body: Body) -> Result<json::Body, Rejection> {
    let max_bytes = state.max_body_bytes;
    if session.caller.is_some() || max_bytes <= before_authentication::MAX_BYTES {
        return Ok(json::read(Request::new(body), max_bytes).await);
    }
    let body = json::read(Request::new(body), before_authentication::MAX_BYTES).await;
    if body.as_ref().is_err_and(|rejection| rejection.status() == StatusCode::PAYLOAD_TOO_LARGE) {
        let message = format!(
            "Without a credential, a request may have at most {} bytes. Send the value of an API token, as X-API-Key or as \
             Authorization: Bearer.",
            before_authentication::MAX_BYTES
        );
        return Err(Rejection::with_status(StatusCode::PAYLOAD_TOO_LARGE, ErrorCode::BadUserInput, &message));
    }
    Ok(body)
}

/// Answers the requests in order: a later one may depend on what an earlier one changed.
async fn batch(state: &AppState, requests: Vec<graphql::Request>, session: &Arc<Session>) -> Vec<u8> {
    let mut body = Vec::new();
    for request in requests {
        body.push(if body.is_empty() { b'[' } else { b',' });
        // Each answer is serialised at once, so that only one is held as a tree. It cannot fail: answers are plain data.
        let _ = match state.graphql.answer(request, session).await {
            Ok(answer) => {
                answer.write_to(&mut body);
                Ok(())
            }
            Err(refused) => serde_json::to_writer(&mut body, &Rejection::from(refused).into_body()),
        };
    }
    body.push(b']');
    body
}

/// Answers the query in a URL.
async fn answer_url(
    state: &AppState,
    info: RequestInfo,
    accepted: Accepted,
    head: &Parts,
) -> Result<Response<Body>, Rejection> {
    let headers = &head.headers;
    let caller = authentication::caller(headers, info, state).await?;
    acceptable(accepted)?;
    request_parameters::refuse_without_preflight(headers)?;
    let session = session(caller, headers)?;
    let request: graphql::Request = request_parameters::from_url(head.uri.query().unwrap_or_default())?;
    let answered = answer_one(state, &session, accepted, request).await;
    let (response, _) = answered.map_err(|rejection| rejection.with_warnings_for(session.caller.as_ref()))?;
    Ok(warned(response, session.caller.as_ref().map(Caller::warnings)))
}

/// The answer, with headers that warn the caller of a rotation.
fn warned(mut response: Response<Body>, warnings: Option<Warnings>) -> Response<Body> {
    warning_headers::warn(response.headers_mut(), warnings);
    response
}

fn session(caller: Option<Caller>, headers: &HeaderMap) -> Result<Arc<Session>, Rejection> {
    Ok(Arc::new(Session { caller, idempotency_key: idempotency_key::idempotency_key(headers)?, ..Session::default() }))
}

/// A rejection from before a document was read, in the media type that the client asked for: clients look for errors in no other.
fn refuse(media_type: Option<AnswerType>, rejection: Rejection) -> Response<Body> {
    let method_not_allowed = rejection.status() == StatusCode::METHOD_NOT_ALLOWED;
    let mut response = rejection.into_response();
    if media_type == Some(AnswerType::GraphqlResponse) {
        response.headers_mut().insert(CONTENT_TYPE, content_type(AnswerType::GraphqlResponse));
    }
    if method_not_allowed {
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
    }
    response
}

fn content_type(media_type: AnswerType) -> HeaderValue {
    HeaderValue::from_static(match media_type {
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

/// The answer in this media type. Only in `application/graphql-response+json` does the status depend on the document (GraphQL over
/// HTTP, section 6.4).
fn write(media_type: AnswerType, answer: &Answer) -> Response<Body> {
    let status = match media_type {
        AnswerType::GraphqlResponse if !answer.executed() => StatusCode::BAD_REQUEST,
        _ => StatusCode::OK,
    };
    let mut response = respond(media_type, status, answer.to_json());
    FirstError::mark(&mut response, answer);
    if let Some(seconds) = answer.retry_after_seconds() {
        response.headers_mut().insert(RETRY_AFTER, seconds.into());
    }
    response
}

fn respond(media_type: AnswerType, status: StatusCode, body: Vec<u8>) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, content_type(media_type));
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
