//! `POST /introspect`: verification as OAuth 2.0 resource servers know it (RFC 7662).
//!
//! The caller presents a credential of its own, also as OAuth clients do, which needs `API_TOKEN_VERIFY`; the value asked about is in the body, because
//! a URL ends up in logs (RFC 7662, section 4). What is not in that standard has a name that starts with `rotakey_`.

use std::net::IpAddr;
use std::pin::pin;

use axum::BoxError;
use axum::body::{Body as ResponseBody, Bytes, HttpBody};
use axum::extract::Request;
use axum::http::header::ALLOW;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};

use crate::http::body::{json, media_type, small};
use crate::http::caller::client::{self, Arrival};
use crate::http::caller::credential::Place;
use crate::http::reply::Rejection;
use crate::http::requests::Line;
use crate::http::state::Doors;
use crate::service::{Caller, Error, ErrorCode, Verification};

use super::answer::{OauthError, written};
use super::form::Form;
use super::oauth_client::{self, ClientSecret, Presented};

/// The route.
pub(crate) const ROUTE: &str = "/introspect";

/// Answers a request that this peer sent.
pub(crate) async fn serve<B>(doors: &Doors, peer: IpAddr, request: Request<B>) -> Response
where
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let at_once = |request: &_| at_once(doors, peer, request);
    match small::answer_at_once(request, doors.max_body_bytes, at_once).await {
        Ok(answer) => answer,
        Err(request) => Box::pin(wait(doors, peer, request)).await,
    }
}

/// Answers at once where both values are remembered and good; `None` where it takes more.
fn at_once(doors: &Doors, peer: IpAddr, request: &Request<Bytes>) -> Option<Response> {
    let headers = request.headers();
    must_be_form(headers).ok()?;
    let form = Form::read(request.body()).ok().filter(|form| !form.authenticates)?;
    let basic = ClientSecret::of_headers(headers);
    let caller = oauth_client::find(headers, basic.as_ref(), None).ok()??;
    let caller_source = client::source(headers, Some(peer), doors).ok()?;
    let (required, source) = form.asked().ok()?;
    let value = caller.credential.text;
    let (id, standing, verification) =
        doors.service.try_verify_for((value, &caller_source), &form.token, &required, &source)?;
    caller.must_name(id).ok()?;
    let mut response = written(&verification);
    client::warn_of_retirement(response.headers_mut(), Some(standing));
    Some(response)
}

async fn wait(doors: &Doors, peer: IpAddr, request: Request<ResponseBody>) -> Response {
    let request_id = doors.service.request_id().ok();
    let line = Line::new(doors, request_id, Some(peer), (request.method(), ROUTE, request.headers()));
    let arrival = Arrival { peer: Some(peer), request_id: line.request_id };
    let answer = async {
        if request.method() == Method::POST {
            answer(doors, arrival, request).await.unwrap_or_else(OauthError::into_response)
        } else {
            wrong_method()
        }
    };
    line.observe(pin!(answer)).await
}

async fn answer(doors: &Doors, arrival: Arrival, mut request: Request) -> Result<Response, OauthError> {
    let headers = std::mem::take(request.headers_mut());
    let basic = ClientSecret::of_headers(&headers);
    // Whoever says in the headers who they are is known before the body is read.
    let early = oauth_client::find(&headers, basic.as_ref(), None).ok().flatten().filter(Presented::can_be_good);
    let known = match early {
        Some(presented) => Some(authenticate(doors, arrival, &headers, presented).await?),
        None => None,
    };
    let max_bytes = doors.max_body_bytes;
    let max_bytes = if known.is_some() { max_bytes } else { max_bytes.min(small::MAX_BYTES) };
    let body = json::whole(json::read(request, max_bytes).await);
    let form = body.as_ref().ok().filter(|_| must_be_form(&headers).is_ok());
    let form = form.and_then(|form| ClientSecret::of_form(form));
    let one_way = oauth_client::find(&headers, basic.as_ref(), form.as_ref());
    let ((caller, place), one_way) = match (known, one_way) {
        (Some(known), one_way) => (known, one_way.map(drop)),
        (None, one_way) => match one_way? {
            Some(presented) => (authenticate(doors, arrival, &headers, presented).await?, Ok(())),
            // It may have been in a body that was not read.
            None => return Err(body.err().map_or_else(|| Error::Anonymous.into(), OauthError::from)),
        },
    };
    let introspected = match one_way {
        Ok(()) => introspect(doors, &caller, &headers, body).await,
        Err(two_ways) => Err(two_ways),
    };
    let mut response = match introspected {
        Ok(verification) => written(&verification),
        Err(refused) => OauthError::of_client(place, refused).into_response(),
    };
    client::warn_of_retirement(response.headers_mut(), Some(caller.standing()));
    Ok(response)
}

/// Who presents this credential, and from where it was read.
async fn authenticate(
    doors: &Doors,
    arrival: Arrival,
    headers: &HeaderMap,
    presented: Presented<'_>,
) -> Result<(Caller, Place), OauthError> {
    let place = presented.credential.place;
    let refused = |rejection| OauthError::of_client(place, rejection);
    let caller = client::authenticate(presented.credential, headers, arrival, doors).await.map_err(refused)?;
    presented.must_name(caller.token_id()).map_err(refused)?;
    Ok((caller, place))
}

async fn introspect(
    doors: &Doors,
    caller: &Caller,
    headers: &HeaderMap,
    body: Result<Bytes, Rejection>,
) -> Result<Verification, Rejection> {
    must_be_form(headers)?;
    let body = body?;
    let form = Form::read(&body)?;
    let (required, source) = form.asked()?;
    Ok(doors.service.verify_for(caller, &form.token, &required, source).await?)
}

fn must_be_form(headers: &HeaderMap) -> Result<(), Rejection> {
    json::refuse_encoded(headers)?;
    if media_type::of_body(headers).is_some_and(|body| body.is("application", "x-www-form-urlencoded")) {
        return Ok(());
    }
    let message = "Send the parameters as a form, with Content-Type: application/x-www-form-urlencoded.";
    Err(Rejection::with_status(StatusCode::UNSUPPORTED_MEDIA_TYPE, ErrorCode::BadUserInput, message))
}

fn wrong_method() -> Response {
    let message = "Send introspection requests by POST, with the value in the body and never in the URL.";
    let rejection = Rejection::with_status(StatusCode::METHOD_NOT_ALLOWED, ErrorCode::BadUserInput, message);
    let mut response = OauthError::from(rejection).into_response();
    response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
    response
}
