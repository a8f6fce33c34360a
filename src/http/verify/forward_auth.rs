//! `/verify`: forward authentication for gateways (nginx `auth_request`, Caddy, Traefik, Envoy's HTTP `ext_authz`).
//!
//! A gateway forwards the headers of its client's request, which contain the value, the address and the origin. Callers only learn
//! about the value that they present, so no permission is needed. No body is read, and no value is accepted in a URL.

use std::borrow::Cow;
use std::net::IpAddr;
use std::pin::pin;

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, VARY, WWW_AUTHENTICATE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::json;

use crate::domain::rule::verification::{RequiredScopes, VerificationCode};
use crate::domain::text::quote;
use crate::domain::token::Scope;
use crate::http::caller::authentication::{self, RequestInfo};
use crate::http::caller::credential::Credential;
use crate::http::caller::warning_headers;
use crate::http::rejection::Rejection;
use crate::http::request_log::{self, RequestLog};
use crate::http::request_trace;
use crate::http::rest::RestRejection;
use crate::http::state::AppState;
use crate::service::{Error, RequestContext, Verification};
use crate::traces::RequestTrace;

use super::metadata_header::metadata_header;

const ID: HeaderName = HeaderName::from_static("x-token-id");
const OWNER: HeaderName = HeaderName::from_static("x-token-owner");
const SCOPES: HeaderName = HeaderName::from_static("x-token-scopes");
const GENERATION: HeaderName = HeaderName::from_static("x-token-generation");
const METADATA: HeaderName = HeaderName::from_static("x-token-metadata");
const CODE: HeaderName = HeaderName::from_static("x-token-code");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
/// The headers that the response depends on, for caches.
const VARY_ON: HeaderValue = HeaderValue::from_static("Authorization, X-API-Key, Origin, Forwarded, X-Forwarded-For");
const EMPTY: HeaderValue = HeaderValue::from_static("");

/// The characters that are percent-encoded in `X-Token-Owner`, besides all that are not ASCII: those that could end or split a header
/// value (RFC 9110, section 5.5), and the percent sign, so that decoding restores the exact owner.
const NOT_IN_A_HEADER: &AsciiSet = &CONTROLS.add(b' ').add(b'%').add(b'"').add(b',').add(b';').add(b'\\');

/// The path of a verification. `/verify` is configured in the gateway, with a query that may require scopes. What follows `/verify/` is
/// the path and query of the gateway's client, which some gateways append; all of that is ignored.
#[derive(Clone, Copy)]
pub(crate) enum VerifyPath {
    Exact,
    WithSuffix,
}

impl VerifyPath {
    /// `None` if the path is not one of a verification.
    pub(crate) fn parse(path: &str) -> Option<Self> {
        match path.strip_prefix("/verify")? {
            "" => Some(Self::Exact),
            more => more.starts_with('/').then_some(Self::WithSuffix),
        }
    }

    /// The query string that requires scopes.
    fn query(self, uri: &Uri) -> Option<&str> {
        uri.query().filter(|_| matches!(self, Self::Exact))
    }

    /// The route for the log.
    fn route(self) -> &'static str {
        match self {
            Self::Exact => "/verify",
            Self::WithSuffix => "/verify/{*path}",
        }
    }
}

/// Begins the trace of a verification, if it is traced.
pub(crate) fn begin_trace<B>(state: &AppState, path: VerifyPath, request: &Request<B>) -> Option<RequestTrace> {
    request_trace::begin(state, (request.method(), Some(path.route()), request.headers()), request.uri().path())
}

/// A parsed verification request, for both drivers of the judgement.
struct Check<'a> {
    required: RequiredScopes,
    /// Whether the answer has the metadata.
    with_metadata: bool,
    presented: Credential<'a>,
    context: RequestContext<'a>,
}

impl<'a> Check<'a> {
    fn read(
        state: &AppState,
        info: RequestInfo,
        query: Option<&str>,
        headers: &'a HeaderMap,
    ) -> Result<Self, Rejection> {
        let (required, with_metadata) = query.map_or_else(|| Ok((RequiredScopes::default(), false)), parameters)?;
        let presented = authentication::find_credential(headers, state)?.ok_or(Error::Anonymous)?;
        let context = authentication::request_context(headers, info, state)?;
        Ok(Self { required, with_metadata, presented, context })
    }

    /// The verification, if it needs no waiting and the value is valid.
    fn try_now(&self, state: &AppState) -> Option<Verification> {
        state.service.try_verify(self.presented.text, &self.required, &self.context)
    }

    /// The response to the result of the verification.
    fn respond(&self, verification: &Verification) -> Result<Response, Rejection> {
        let mut response = match verification.code {
            VerificationCode::Valid => return Ok(self.allow(verification)),
            VerificationCode::ScopeMissing => scope_missing(verification, &self.required),
            _ => {
                let refusal = verification.refusal.clone().map_or(Error::Unauthenticated, Error::Refused);
                return Err(authentication::rejection_of(refusal, self.presented));
            }
        };
        warning_headers::warn(response.headers_mut(), verification.warnings());
        Ok(response)
    }

    /// The response that allows a request, with the metadata if it was asked for.
    fn allow(&self, verification: &Verification) -> Response {
        let mut response = allow(verification, HeaderMap::with_capacity(8));
        if let Some(view) = verification.token.as_ref().filter(|_| self.with_metadata) {
            response.headers_mut().insert(METADATA, metadata_header(&view.token.settings.metadata));
        }
        response
    }
}

/// Answers a request whose value is valid without waiting; `None` if it needs waiting or the value is not valid. The response reuses
/// the allocation of the request's headers.
pub(crate) fn try_now<B>(
    state: &AppState,
    path: VerifyPath,
    peer: IpAddr,
    request: &mut Request<B>,
    trace: &mut Option<RequestTrace>,
) -> Option<Response> {
    let method = request.method().clone();
    request_log::try_now(state, (&method, path.route()), trace, || {
        let info = RequestInfo { peer: Some(peer), request_id: None };
        let check = Check::read(state, info, path.query(request.uri()), request.headers()).ok()?;
        let verification = check.try_now(state)?;
        if check.with_metadata {
            return Some(check.allow(&verification));
        }
        let mut headers = std::mem::take(request.headers_mut());
        headers.clear();
        Some(allow(&verification, headers))
    })
}

/// Answers a request that this peer sent. Its body is not read: it is meant for the API behind the gateway.
pub(crate) async fn serve(
    state: &AppState,
    path: VerifyPath,
    peer: IpAddr,
    head: Parts,
    trace: Option<RequestTrace>,
) -> Response {
    let Parts { method, uri, headers, .. } = head;
    let log = RequestLog::new(state, Some(peer), (&method, path.route(), &headers), trace);
    let (info, query) = (RequestInfo { peer: Some(peer), request_id: log.request_id }, path.query(&uri));
    let answer = async {
        let answered = decide(state, info, query, &headers).await;
        answered.unwrap_or_else(|rejection| VerifyRejection(rejection).into_response())
    };
    log.observe(pin!(answer)).await
}

/// The scopes of `scope=A B` or `scope=A&scope=B`, and whether `metadata=true` asks for the metadata. Other parameters are rejected, because
/// a misspelt one would allow requests that lack the scope.
fn parameters(query: &str) -> Result<(RequiredScopes, bool), Rejection> {
    let mut texts: Vec<Cow<'_, str>> = Vec::new();
    let mut with_metadata = None;
    for (name, text) in url::form_urlencoded::parse(query.as_bytes()) {
        match &*name {
            "scope" => texts.push(text),
            "metadata" if with_metadata.is_some() => return Err(Rejection::repeated("parameter", "metadata")),
            "metadata" => with_metadata = Some(boolean(&text)?),
            _ => {
                let message = "The parameters of /verify are scope and metadata. A gateway that appends its client's path or query \
                               must append them to /verify/ instead.";
                return Err(Rejection::field(quote(&name).trim_matches('"').to_owned(), message));
            }
        }
    }
    let scopes = texts.iter().flat_map(|text| text.split(' '));
    let required = RequiredScopes::parse("scope", scopes).map_err(Error::from)?;
    Ok((required, with_metadata.unwrap_or_default()))
}

fn boolean(text: &str) -> Result<bool, Rejection> {
    let invalid = |_| Rejection::field("metadata", "The parameter metadata must be true or false.");
    text.parse().map_err(invalid)
}

async fn decide(
    state: &AppState,
    info: RequestInfo,
    query: Option<&str>,
    headers: &HeaderMap,
) -> Result<Response, Rejection> {
    let check = Check::read(state, info, query, headers)?;
    let verification = state.service.verify(check.presented.text, &check.required, &check.context).await?;
    check.respond(&verification)
}

/// The response that allows a request, with `headers`, which must be empty, as the allocation of its headers. Every header is always
/// sent, even if empty, so that a gateway that copies them overwrites headers of the same name that its client sent. The metadata is not
/// among them, because few gateways need it, and most requests would pay for it.
fn allow(verification: &Verification, mut headers: HeaderMap) -> Response {
    let mut response = Response::new(Body::empty());
    let Some(view) = &verification.token else { return response };
    let settings = &view.token.settings;
    #[cfg(test)]
    imaginary::render(settings.owner.as_deref());
    let owner: Cow<'_, str> =
        utf8_percent_encode(settings.owner.as_deref().unwrap_or_default(), NOT_IN_A_HEADER).into();
    headers.insert(CACHE_CONTROL, cache_control(verification.fresh_seconds));
    headers.insert(VARY, VARY_ON);
    headers.insert(ID, header_value(view.token.id.text().as_str()));
    let owner = match owner {
        Cow::Owned(owner) => HeaderValue::try_from(owner).unwrap_or(EMPTY),
        Cow::Borrowed(owner) => header_value(owner),
    };
    headers.insert(OWNER, owner);
    headers.insert(SCOPES, header_value(settings.scopes.as_str()));
    headers.insert(GENERATION, verification.generation.unwrap_or_default().into());
    warning_headers::warn(&mut headers, verification.warnings());
    *response.headers_mut() = headers;
    response
}

/// How long the gateway, and no shared cache, may cache the response (RFC 9111, section 5.2.2).
fn cache_control(seconds: u32) -> HeaderValue {
    HeaderValue::from_static(match seconds {
        0 => return NO_STORE,
        1 => "private, max-age=1",
        2 => "private, max-age=2",
        3 => "private, max-age=3",
        4 => "private, max-age=4",
        5 => "private, max-age=5",
        6 => "private, max-age=6",
        7 => "private, max-age=7",
        8 => "private, max-age=8",
        9 => "private, max-age=9",
        _ => "private, max-age=10",
    })
}

/// The response to a valid value that lacks scopes. It lists all required scopes (RFC 6750, section 3.1).
fn scope_missing(verification: &Verification, required: &RequiredScopes) -> Response {
    let missing: Vec<&str> = verification.missing_scopes.iter().map(Scope::as_str).collect();
    let required: Vec<&str> = required.iter().map(Scope::as_str).collect();
    let code = VerificationCode::ScopeMissing.as_str();
    let message = "The API token lacks a required scope. Ask for a token that has it.";
    let body = json!({ "message": message, "code": code, "missingScopes": missing });
    let challenge = format!(r#"Bearer realm="rotakey", error="insufficient_scope", scope="{}""#, required.join(" "));
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8")),
        (CACHE_CONTROL, NO_STORE),
        (WWW_AUTHENTICATE, header_value(&challenge)),
        (CODE, HeaderValue::from_static(code)),
    ];
    (StatusCode::FORBIDDEN, headers, body.to_string()).into_response()
}

/// A header value. The texts here are printable ASCII by construction; any other would become empty.
fn header_value(text: &str) -> HeaderValue {
    if text.is_empty() { EMPTY } else { HeaderValue::from_str(text).unwrap_or(EMPTY) }
}

/// A rejection whose code is also in a header, because some gateways do not pass on the body.
struct VerifyRejection(Rejection);

impl IntoResponse for VerifyRejection {
    fn into_response(self) -> Response {
        let code = HeaderValue::from_static(self.0.code().as_str());
        let mut response = RestRejection::from(self.0).into_response();
        response.headers_mut().insert(CODE, code);
        response
    }
}

/// A bug of the tests only: rendering the response panics for this owner.
#[cfg(test)]
pub(crate) mod imaginary {
    pub(crate) const OWNER: &str = "an owner whose response panics";

    pub(super) fn render(owner: Option<&str>) {
        assert_ne!(owner, Some(OWNER), "as the test wants it");
    }
}
