//! `/graphql`: GraphQL over HTTP, by POST with a JSON body and, for queries, by GET.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{RawQuery, Request as AnyRequest, State};
use axum::http::header::{ALLOW, AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, ORIGIN, VARY};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use axum::middleware::Next;
use axum::response::IntoResponse;
use serde::Serialize;

use crate::graphql::{Answer, Refused, Request, Session};
use crate::service::{Caller, ErrorCode};

use super::Doors;
use super::client::{self, Client};
use super::graphql_request::{self, Requests};
use super::graphql_sse;
use super::json;
use super::media_type::{AnswerType, negotiate, wants_event_stream};
use super::reply::{self, Rejection};

const BATCH_OF_STREAMS: &str = "A list of requests is not answered as a stream of events. Send them one by one.";

/// Answers the request or the requests of a JSON body.
pub(super) async fn post(
    State(doors): State<Doors>,
    Client(caller): Client,
    headers: HeaderMap,
    body: json::Body,
) -> Result<Response<Body>, Rejection> {
    let streams = wants_event_stream(&headers);
    let form = if streams { AnswerType::Json } else { answer_type(&headers)? };
    let requests = graphql_request::of_body(json::value(&headers, body)?, doors.graphql.settings().max_batch)?;
    let session = session(caller, &headers)?;
    let mut response = match requests {
        Requests::One(request) if streams => graphql_sse::answer(&doors, request, &session).await?,
        Requests::Batch(_) if streams => return Err(Rejection::new(ErrorCode::BadUserInput, BATCH_OF_STREAMS)),
        Requests::One(request) => write(form, &doors.graphql.answer(request, &session).await?),
        Requests::Batch(requests) => {
            let mut answers = Vec::with_capacity(requests.len());
            // One after the other: later ones may rest on what earlier ones have changed.
            for request in requests {
                answers.push(match doors.graphql.answer(request, &session).await {
                    Ok(answer) => serde_json::to_value(&answer).unwrap_or_default(),
                    Err(refused) => Rejection::from(refused).into_body(),
                });
            }
            body_of(form, StatusCode::OK, &answers)
        }
    };
    client::warn_of_retirement(response.headers_mut(), session.caller.as_ref().map(Caller::standing));
    Ok(response)
}

/// Answers the query of a URL.
pub(super) async fn get(
    State(doors): State<Doors>,
    Client(caller): Client,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response<Body>, Rejection> {
    let streams = wants_event_stream(&headers);
    let form = if streams { AnswerType::Json } else { answer_type(&headers)? };
    refuse_without_preflight(&headers)?;
    let request: Request = graphql_request::of_url(&query.unwrap_or_default())?;
    let session = session(caller, &headers)?;
    let answered = if streams {
        graphql_sse::answer(&doors, request, &session).await
    } else {
        doors.graphql.answer(request, &session).await.map(|answer| write(form, &answer)).map_err(Rejection::from)
    };
    let mut response = match answered {
        Err(rejection) if rejection.status() == StatusCode::METHOD_NOT_ALLOWED => {
            let mut response = rejection.into_response();
            response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
            return Ok(response);
        }
        answered => answered?,
    };
    client::warn_of_retirement(response.headers_mut(), session.caller.as_ref().map(Caller::standing));
    Ok(response)
}

fn session(caller: Option<Caller>, headers: &HeaderMap) -> Result<Arc<Session>, Rejection> {
    Ok(Arc::new(Session { caller, idempotency_key: client::idempotency_key(headers)? }))
}

/// Gives refusals from before a document was read the form that the client asked for: clients look for errors in no other.
pub(super) async fn say_what_is_accepted(request: AnyRequest, next: Next) -> Response<Body> {
    let form = negotiate(request.headers());
    let mut response = next.run(request).await;
    if form == Some(AnswerType::GraphqlResponse) && response.status().as_u16() >= 400 {
        response.headers_mut().insert(CONTENT_TYPE, form_name(AnswerType::GraphqlResponse));
    }
    response
}

fn form_name(form: AnswerType) -> HeaderValue {
    HeaderValue::from_static(match form {
        AnswerType::GraphqlResponse => "application/graphql-response+json; charset=utf-8",
        AnswerType::Json => "application/json; charset=utf-8",
    })
}

fn answer_type(headers: &HeaderMap) -> Result<AnswerType, Rejection> {
    negotiate(headers).ok_or_else(|| {
        let message = "Answers are application/graphql-response+json or application/json. Accept one of them.";
        Rejection::with_status(StatusCode::NOT_ACCEPTABLE, ErrorCode::BadUserInput, message)
    })
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
    let message = "A browser would send this request for any page. Add the header GraphQL-Require-Preflight: 1.";
    Err(Rejection::new(ErrorCode::BadUserInput, message))
}

/// The answer in the form that was chosen. Only the newer one lets the status speak of the document.
fn write(form: AnswerType, answer: &Answer) -> Response<Body> {
    let status = match form {
        AnswerType::GraphqlResponse if !answer.executed() => StatusCode::BAD_REQUEST,
        _ => StatusCode::OK,
    };
    body_of(form, status, answer)
}

fn body_of(form: AnswerType, status: StatusCode, body: &impl Serialize) -> Response<Body> {
    let Ok(body) = serde_json::to_vec(body) else { return reply::panicked() };
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
                let message = "A GET changes nothing and holds no value. Send mutations, and verifyAPIToken, by POST.";
                Self::with_status(StatusCode::METHOD_NOT_ALLOWED, ErrorCode::BadUserInput, message)
            }
            Refused::TooSlow(limit) => {
                let message = format!(
                    "The operation was given up after {} s. Ask for less; look before sending a mutation again.",
                    limit.as_secs()
                );
                Self::new(ErrorCode::Unavailable, &message)
            }
        }
    }
}
