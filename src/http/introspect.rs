//! `POST /introspect`: verification as OAuth 2.0 resource servers know it (RFC 7662).
//!
//! The caller presents a credential of its own, which needs `API_TOKEN_VERIFY`; the value asked about is in the body, because
//! a URL ends up in logs (RFC 7662, section 4). What is not in that standard has a name that starts with `rotakey_`.

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;
use std::pin::pin;

use axum::BoxError;
use axum::body::{Body as ResponseBody, Bytes, HttpBody};
use axum::extract::Request;
use axum::http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Value, json};

use crate::domain::restriction::Source;
use crate::domain::verification::RequiredScopes;
use crate::service::{Caller, Error, ErrorCode, Verification};

use super::Doors;
use super::client::{self, Arrival};
use super::json::{self, Body};
use super::media_type;
use super::reply::Rejection;
use super::requests::Line;
use super::small_body;

/// What a caller that lacks the permission is told in the header (RFC 6750, section 3.1).
const CHALLENGE_PERMISSION: HeaderValue =
    HeaderValue::from_static(r#"Bearer realm="rotakey", error="insufficient_scope""#);

/// The route.
pub(super) const ROUTE: &str = "/introspect";

/// Answers a request that this peer sent.
pub(super) async fn serve<B>(doors: &Doors, peer: IpAddr, request: Request<B>) -> Response
where
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let at_once = |request: &_| at_once(doors, peer, request);
    match small_body::answer_at_once(request, doors.max_body_bytes, at_once).await {
        Ok(answer) => answer,
        Err(request) => Box::pin(wait(doors, peer, request)).await,
    }
}

/// Answers at once where both values are remembered and good; `None` where it takes more.
fn at_once(doors: &Doors, peer: IpAddr, request: &Request<Bytes>) -> Option<Response> {
    let headers = request.headers();
    let caller = client::presented(headers).ok()??.text;
    let caller_source = client::source(headers, Some(peer), doors).ok()?;
    must_be_form(headers).ok()?;
    let form = Form::read(request.body()).ok()?;
    let (required, source) = form.asked().ok()?;
    let (_, standing, verification) =
        doors.service.verify_for_at_once((caller, &caller_source), &form.token, &required, &source)?;
    let mut response = written(&verification);
    client::warn_of_retirement(response.headers_mut(), Some(standing));
    Some(response)
}

async fn wait(doors: &Doors, peer: IpAddr, request: Request<ResponseBody>) -> Response {
    let line = Line { request_id: doors.service.request_id().ok(), method: request.method().clone(), route: ROUTE };
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
    let caller = client::caller(&headers, arrival, doors).await?.ok_or(Error::Anonymous)?;
    let body = json::read(request, doors.max_body_bytes).await;
    let mut response = match introspect(doors, &caller, &headers, body).await {
        Ok(verification) => written(&verification),
        Err(refused) => refused.into_response(),
    };
    client::warn_of_retirement(response.headers_mut(), Some(caller.standing()));
    Ok(response)
}

async fn introspect(
    doors: &Doors,
    caller: &Caller,
    headers: &HeaderMap,
    body: Body,
) -> Result<Verification, OauthError> {
    must_be_form(headers)?;
    let body = json::whole(body)?;
    let form = Form::read(&body)?;
    let (required, source) = form.asked()?;
    Ok(doors.service.verify_for(caller, &form.token, &required, source).await?)
}

fn must_be_form(headers: &HeaderMap) -> Result<(), Rejection> {
    if media_type::of_body(headers).is_some_and(|body| body.is("application", "x-www-form-urlencoded")) {
        return Ok(());
    }
    let message = "Send the parameters as a form, with Content-Type: application/x-www-form-urlencoded.";
    Err(Rejection::with_status(StatusCode::UNSUPPORTED_MEDIA_TYPE, ErrorCode::BadUserInput, message))
}

/// The parameters. Those that are not known are left aside, as RFC 6749 section 3.2 asks, and with them `token_type_hint`.
struct Form<'a> {
    token: Cow<'a, str>,
    scope: Option<Cow<'a, str>>,
    address: Option<Cow<'a, str>>,
    origin: Option<Cow<'a, str>>,
}

impl<'a> Form<'a> {
    fn read(body: &'a [u8]) -> Result<Self, Rejection> {
        let (mut token, mut scope, mut address, mut origin) = (None, None, None, None);
        for (name, value) in url::form_urlencoded::parse(body) {
            let (field, name) = match &*name {
                "token" => (&mut token, "token"),
                "rotakey_scope" => (&mut scope, "rotakey_scope"),
                "rotakey_address" => (&mut address, "rotakey_address"),
                "rotakey_origin" => (&mut origin, "rotakey_origin"),
                _ => continue,
            };
            if field.replace(value).is_some() {
                return Err(Rejection::field(name, format!("The parameter {name} is given twice. Give it once.")));
            }
        }
        // A parameter without a value is as good as none (RFC 6749, section 3.2).
        let token = token.filter(|token| !token.is_empty());
        let token =
            token.ok_or_else(|| Rejection::field("token", "The parameter token must hold the value to verify."))?;
        Ok(Self { token, scope, address, origin })
    }

    /// What the value must be good for, and where it was presented.
    fn asked(&self) -> Result<(RequiredScopes, Source), Error> {
        let required = match &self.scope {
            // None at all is refused: whoever sends the parameter wants to ask for something.
            Some(text) => RequiredScopes::parse("rotakey_scope", text.split(' '))?,
            None => RequiredScopes::default(),
        };
        let origin = self.origin.as_deref().map(str::to_owned);
        Ok((required, Source::told("rotakey_address", self.address.as_deref(), origin)?))
    }
}

/// What a resource server is told of a good value (RFC 7662, section 2.2). Times are seconds since the Unix epoch.
#[derive(Serialize)]
struct Active<'a> {
    active: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<&'a str>,
    client_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    sub: Option<&'a str>,
    token_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    exp: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    iat: Option<i64>,
    jti: fmt::Arguments<'a>,
    rotakey_name: &'a str,
    rotakey_kind: &'static str,
    rotakey_generation: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    rotakey_retires_at: Option<i64>,
}

fn written(verification: &Verification) -> Response {
    let (Some(view), Some(generation), true) = (&verification.token, verification.generation, verification.is_valid())
    else {
        // Nothing is told of a value that is not good, not even why.
        return respond(json!({ "active": false }).to_string());
    };
    let (id, settings) = (view.token.id.text(), &view.token.settings);
    let id = id.as_str();
    let body = serde_json::to_vec(&Active {
        active: true,
        scope: (!settings.scopes.is_empty()).then(|| settings.scopes.as_str()),
        client_id: id,
        sub: settings.owner.as_deref(),
        token_type: "Bearer",
        exp: verification.good_until().map(|at| at.unix_seconds()),
        iat: verification.value().map(|value| value.created_at.unix_seconds()),
        // The id is that of the lasting thing; each of its values is told from the others.
        jti: format_args!("{id}.{generation}"),
        rotakey_name: &settings.name,
        rotakey_kind: settings.kind.as_str(),
        rotakey_generation: generation,
        rotakey_retires_at: verification.retires_at().map(|at| at.unix_seconds()),
    });
    body.map_or_else(|_| super::reply::panicked(), respond)
}

fn respond(body: impl Into<ResponseBody>) -> Response {
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (headers, body.into()).into_response()
}

fn wrong_method() -> Response {
    let message = "Introspection is asked for by POST, with the value in the body and never in the address.";
    let rejection = Rejection::with_status(StatusCode::METHOD_NOT_ALLOWED, ErrorCode::BadUserInput, message);
    let mut response = OauthError(rejection).into_response();
    response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
    response
}

/// A rejection in the form of RFC 6749 section 5.2, with our own code beside it.
struct OauthError(Rejection);

impl<T: Into<Rejection>> From<T> for OauthError {
    fn from(rejection: T) -> Self {
        Self(rejection.into())
    }
}

impl IntoResponse for OauthError {
    fn into_response(self) -> axum::http::Response<ResponseBody> {
        let status = self.0.status();
        let error = match status {
            StatusCode::UNAUTHORIZED => "invalid_token",
            StatusCode::FORBIDDEN => "insufficient_scope",
            StatusCode::SERVICE_UNAVAILABLE => "temporarily_unavailable",
            status if status.is_server_error() => "server_error",
            _ => "invalid_request",
        };
        let mut response = self.0.respond(|message, mut more| {
            more.insert("error".to_owned(), error.into());
            more.insert("error_description".to_owned(), message.into());
            Value::Object(more)
        });
        if status == StatusCode::FORBIDDEN {
            response.headers_mut().insert(WWW_AUTHENTICATE, CHALLENGE_PERMISSION);
        }
        response
    }
}
