//! `POST /introspect`: token introspection for OAuth 2.0 resource servers (RFC 7662).
//!
//! The caller authenticates with its own value, which needs `API_TOKEN_VERIFY`. The value to verify is in the body, because URLs end up
//! in logs (RFC 7662, section 4). Names that the standard does not have start with `rotakey_`.

use std::net::IpAddr;
use std::pin::pin;

use axum::BoxError;
use axum::body::{Body as ResponseBody, Bytes, HttpBody};
use axum::extract::Request;
use axum::http::header::ALLOW;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};

use crate::domain::restriction::Source;
use crate::domain::rule::lifecycle::due_soon::Warnings;
use crate::domain::rule::verification::RequiredScopes;
use crate::http::body::{before_authentication, json, media_type};
use crate::http::caller::authentication::{self, RequestInfo};
use crate::http::caller::credential::Place;
use crate::http::caller::warning_headers;
use crate::http::rejection::Rejection;
use crate::http::request_log::{self, RequestLog};
use crate::http::request_trace;
use crate::http::state::AppState;
use crate::service::{Caller, Error, ErrorCode};
use crate::traces::RequestTrace;

use super::form::Form;
use super::oauth_client::{self, ClientSecret, Presented};
use super::response::{OauthError, introspection_of};

/// The path.
pub(crate) const ROUTE: &str = "/introspect";

/// A parsed introspection request, for both drivers of the judgement.
struct Check<'a> {
    form: Form<'a>,
    required: RequiredScopes,
    source: Source,
}

impl<'a> Check<'a> {
    fn read(headers: &HeaderMap, body: &'a [u8]) -> Result<Self, Rejection> {
        must_be_form(headers)?;
        let form = Form::read(body)?;
        let (required, source) = form.asked()?;
        Ok(Self { form, required, source })
    }

    /// The response, if it needs no waiting and the caller may introspect.
    fn try_now(&self, state: &AppState, peer: IpAddr, headers: &HeaderMap) -> Option<Response> {
        if self.form.has_client_secret {
            return None;
        }
        let basic = ClientSecret::of_headers(headers);
        let caller = oauth_client::find(headers, state.service.foreign_formats(), basic.as_ref(), None).ok()??;
        let info = RequestInfo { peer: Some(peer), request_id: None };
        let context = authentication::request_context(headers, info, state).ok()?;
        let presented = (caller.credential.text, &context);
        let names = |id| caller.must_name(id).is_ok();
        let (warnings, verification) =
            state.service.try_verify_for(presented, names, &self.form.token, &self.required, &self.source)?;
        Some(warned(introspection_of(&verification), warnings))
    }

    async fn verify(self, state: &AppState, caller: &Caller) -> Result<Response, Rejection> {
        let verified = state.service.verify_for(caller, &self.form.token, &self.required, self.source).await;
        Ok(introspection_of(&verified?))
    }
}

/// The response, with headers that warn the caller of a rotation.
fn warned(mut response: Response, warnings: Warnings) -> Response {
    warning_headers::warn(response.headers_mut(), Some(warnings));
    response
}

/// Answers a request that this peer sent.
pub(crate) async fn serve<B>(state: &AppState, peer: IpAddr, request: Request<B>) -> Response
where
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let (head, path) = ((request.method(), Some(ROUTE), request.headers()), request.uri().path());
    let mut trace = request_trace::begin(state, head, path);
    let request = match before_authentication::read(request, state.max_body_bytes).await {
        Ok(request) => {
            let (headers, body) = (request.headers(), request.body());
            let now = || Check::read(headers, body).ok()?.try_now(state, peer, headers);
            if let Some(answer) = request_log::try_now(state, (request.method(), ROUTE), &mut trace, now) {
                return answer;
            }
            request.map(ResponseBody::from)
        }
        Err(request) => request,
    };
    Box::pin(serve_async(state, peer, request, trace)).await
}

async fn serve_async(
    state: &AppState,
    peer: IpAddr,
    request: Request<ResponseBody>,
    trace: Option<RequestTrace>,
) -> Response {
    let log = RequestLog::new(state, Some(peer), (request.method(), ROUTE, request.headers()), trace);
    let info = RequestInfo { peer: Some(peer), request_id: log.request_id };
    let answer = async {
        if request.method() == Method::POST {
            answer(state, info, request).await.unwrap_or_else(OauthError::into_response)
        } else {
            method_not_allowed()
        }
    };
    log.observe(pin!(answer)).await
}

async fn answer(state: &AppState, info: RequestInfo, mut request: Request) -> Result<Response, OauthError> {
    let headers = std::mem::take(request.headers_mut());
    let basic = ClientSecret::of_headers(&headers);
    // A caller with a credential in the headers is authenticated before the body is read.
    let formats = state.service.foreign_formats();
    let early = oauth_client::find(&headers, formats, basic.as_ref(), None).ok().flatten();
    let early = early.filter(|presented| presented.can_be_good(formats));
    let authenticated = match early {
        Some(presented) => Some(authenticate(state, info, &headers, presented).await?),
        None => None,
    };
    let max_bytes = state.max_body_bytes;
    let max_bytes = if authenticated.is_some() { max_bytes } else { max_bytes.min(before_authentication::MAX_BYTES) };
    let body = json::whole(json::read(request, max_bytes).await);
    let form = body.as_ref().ok().filter(|_| must_be_form(&headers).is_ok());
    let form = form.and_then(|form| ClientSecret::of_form(form));
    let single_method = oauth_client::find(&headers, formats, basic.as_ref(), form.as_ref());
    let ((caller, place), single_method) = match (authenticated, single_method) {
        (Some(authenticated), single_method) => (authenticated, single_method.map(drop)),
        (None, single_method) => match single_method? {
            Some(presented) => (authenticate(state, info, &headers, presented).await?, Ok(())),
            // The credential may have been in a body that could not be read.
            None => return Err(body.err().map_or_else(|| Error::Anonymous.into(), OauthError::from)),
        },
    };
    let answered = match single_method.and_then(|()| must_be_form(&headers)).and(body) {
        Ok(body) => match Check::read(&headers, &body) {
            Ok(check) => check.verify(state, &caller).await,
            Err(refused) => Err(refused),
        },
        Err(refused) => Err(refused),
    };
    let response = answered.unwrap_or_else(|refused| OauthError::for_client(place, refused).into_response());
    Ok(warned(response, caller.warnings()))
}

/// The caller who presents this credential, and where it was read from.
async fn authenticate(
    state: &AppState,
    info: RequestInfo,
    headers: &HeaderMap,
    presented: Presented<'_>,
) -> Result<(Caller, Place), OauthError> {
    let place = presented.credential.place;
    let refused = |rejection| OauthError::for_client(place, rejection);
    let caller = authentication::authenticate(presented.credential, headers, info, state).await.map_err(refused)?;
    presented.must_name(caller.token_id()).map_err(refused)?;
    Ok((caller, place))
}

fn must_be_form(headers: &HeaderMap) -> Result<(), Rejection> {
    media_type::refuse_encoded(headers)?;
    if media_type::of_body(headers).is_some_and(|body| body.is("application", "x-www-form-urlencoded")) {
        return Ok(());
    }
    let message = "Send the parameters as a form, with Content-Type: application/x-www-form-urlencoded.";
    Err(Rejection::with_status(StatusCode::UNSUPPORTED_MEDIA_TYPE, ErrorCode::BadUserInput, message))
}

fn method_not_allowed() -> Response {
    let message = "Send introspection requests by POST, with the value in the body and never in the URL.";
    let rejection = Rejection::with_status(StatusCode::METHOD_NOT_ALLOWED, ErrorCode::BadUserInput, message);
    let mut response = OauthError::from(rejection).into_response();
    response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
    response
}
