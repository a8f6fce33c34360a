//! `/verify`: the endpoint for gateways, which ask before they let a request through: nginx `auth_request`, forward auth of Caddy
//! and Traefik, Envoy's HTTP `ext_authz`.
//!
//! The gateway sends on the headers of its client's request; from these come the value, the address and the origin. Whoever
//! asks learns about the value that they hold and about nothing else, so no permission is needed. No body is read, and no
//! value is taken from a URL.

use std::borrow::Cow;
use std::net::IpAddr;
use std::pin::pin;

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, USER_AGENT, VARY, WWW_AUTHENTICATE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::json;

use crate::domain::id::RequestId;
use crate::domain::restriction::Source;
use crate::domain::rule::verification::{RequiredScopes, VerificationCode};
use crate::domain::text::quote;
use crate::domain::token::Scope;
use crate::http::caller::authentication;
use crate::http::caller::credential::Credential;
use crate::http::rejection::Rejection;
use crate::http::request_log::{self, RequestLog};
use crate::http::rest::RestRejection;
use crate::http::state::AppState;
use crate::service::{Error, RequestContext, Verification};

const ID: HeaderName = HeaderName::from_static("x-token-id");
const OWNER: HeaderName = HeaderName::from_static("x-token-owner");
const SCOPES: HeaderName = HeaderName::from_static("x-token-scopes");
const GENERATION: HeaderName = HeaderName::from_static("x-token-generation");
const CODE: HeaderName = HeaderName::from_static("x-token-code");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
/// What of a request the answer depends on, for whoever keeps one.
const VARY_ON: HeaderValue = HeaderValue::from_static("Authorization, X-API-Key, Origin, Forwarded, X-Forwarded-For");
const EMPTY: HeaderValue = HeaderValue::from_static("");

/// What is percent-encoded in `X-Token-Owner`, besides all that is not ASCII: what would end or part a header's value
/// (RFC 9110, section 5.5) and the percent sign itself, so that decoding gives back the owner to the letter.
const NOT_IN_A_HEADER: &AsciiSet = &CONTROLS.add(b' ').add(b'%').add(b'"').add(b',').add(b';').add(b'\\');

/// The path as it is configured asks for scopes. What stands behind it is the client's: its own path and query, which
/// some gateways append, and of which nothing is taken.
#[derive(Clone, Copy)]
pub(crate) enum VerifyPath {
    Exact,
    WithSuffix,
}

impl VerifyPath {
    /// How this path asks for a verification, if it does.
    pub(crate) fn parse(path: &str) -> Option<Self> {
        match path.strip_prefix("/verify")? {
            "" => Some(Self::Exact),
            more => more.starts_with('/').then_some(Self::WithSuffix),
        }
    }

    /// What asks for scopes.
    fn query(self, uri: &Uri) -> Option<&str> {
        uri.query().filter(|_| matches!(self, Self::Exact))
    }

    /// As the log tells of it.
    fn route(self) -> &'static str {
        match self {
            Self::Exact => "/verify",
            Self::WithSuffix => "/verify/{*path}",
        }
    }
}

/// What a request asks about which value, read once for both ways of answering it.
struct Check<'a> {
    required: RequiredScopes,
    presented: Credential<'a>,
    source: Source,
}

impl<'a> Check<'a> {
    fn read(state: &AppState, peer: IpAddr, query: Option<&str>, headers: &'a HeaderMap) -> Result<Self, Rejection> {
        let required = query.map_or_else(|| Ok(RequiredScopes::default()), required_scopes)?;
        let presented = authentication::find_credential(headers)?.ok_or(Error::Anonymous)?;
        Ok(Self { required, presented, source: authentication::source(headers, Some(peer), state)? })
    }

    /// The verification, if the value is good and nothing has to be waited for.
    fn try_now(&self, state: &AppState) -> Option<Verification> {
        let verification = state.service.try_verify(self.presented.text, &self.required, &self.source)?;
        verification.is_valid().then_some(verification)
    }

    /// The answer to what came of it.
    fn answer(&self, verification: &Verification) -> Result<Response, Rejection> {
        let mut response = match verification.code {
            VerificationCode::Valid => return Ok(allow(verification, HeaderMap::with_capacity(8))),
            VerificationCode::ScopeMissing => scope_missing(verification, &self.required),
            code => {
                let refusal = code.refusal().map_or(Error::Unauthenticated, Error::Refused);
                return Err(authentication::rejection_of(refusal, self.presented));
            }
        };
        authentication::warn_of_retirement(response.headers_mut(), verification.standing);
        Ok(response)
    }
}

/// Answers now a request whose value is good, or `None` where that needs waiting. The answer takes over the room that the headers of
/// the request had.
pub(crate) fn try_now<B>(
    state: &AppState,
    path: VerifyPath,
    peer: IpAddr,
    request: &mut Request<B>,
) -> Option<Response> {
    let method = request.method().clone();
    request_log::try_now(state, (&method, path.route()), || {
        let check = Check::read(state, peer, path.query(request.uri()), request.headers()).ok()?;
        let verification = check.try_now(state)?;
        let mut headers = std::mem::take(request.headers_mut());
        headers.clear();
        Some(allow(&verification, headers))
    })
}

/// Answers a request with this head, that this peer sent. Its body is dropped unread: it is for the API behind the gateway.
pub(crate) async fn serve(state: &AppState, path: VerifyPath, peer: IpAddr, head: Parts) -> Response {
    let Parts { method, uri, headers, .. } = head;
    let log = RequestLog::new(state, Some(peer), (&method, path.route(), &headers));
    let (request_id, query) = (log.request_id, path.query(&uri));
    let answer = async {
        let answered = decide(state, request_id, peer, query, &headers).await;
        answered.unwrap_or_else(|rejection| VerifyRejection(rejection).into_response())
    };
    log.observe(pin!(answer)).await
}

/// The scopes of `scope=A B` and `scope=A&scope=B`. A parameter of another name is refused, because a misspelt one would let
/// in those who lack the scope.
fn required_scopes(query: &str) -> Result<RequiredScopes, Rejection> {
    let mut texts: Vec<Cow<'_, str>> = Vec::new();
    for (name, text) in url::form_urlencoded::parse(query.as_bytes()) {
        if name != "scope" {
            let message = "The only parameter of /verify is scope. A gateway that appends its client's path or query must \
                           append them to /verify/ instead.";
            return Err(Rejection::field(quote(&name).trim_matches('"').to_owned(), message));
        }
        texts.push(text);
    }
    let scopes = texts.iter().flat_map(|text| text.split(' '));
    Ok(RequiredScopes::parse("scope", scopes).map_err(Error::from)?)
}

async fn decide(
    state: &AppState,
    request_id: Option<RequestId>,
    peer: IpAddr,
    query: Option<&str>,
    headers: &HeaderMap,
) -> Result<Response, Rejection> {
    let check = Check::read(state, peer, query, headers)?;
    let user_agent = headers.get(USER_AGENT).map(HeaderValue::as_bytes);
    let context = RequestContext { source: check.source.clone(), user_agent, request_id };
    let verification = state.service.verify(check.presented.text, &check.required, &context).await?;
    check.answer(&verification)
}

/// An answer without a body, and with these headers, which hold nothing yet. Each of its own is always there, be it empty, so that a
/// gateway which passes on what is there overwrites what its client has sent under the same name.
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
    authentication::warn_of_retirement(&mut headers, verification.standing);
    *response.headers_mut() = headers;
    response
}

/// By whom and for how many seconds the answer that a value is good may be kept (RFC 9111, section 5.2.2): by the one who asked, and
/// no other.
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

/// RFC 6750, section 3.1: a good value is told all the scopes that it takes.
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

/// A header's value. The texts here are printable ASCII by their making; of any other nothing would be told.
fn header_value(text: &str) -> HeaderValue {
    if text.is_empty() { EMPTY } else { HeaderValue::from_str(text).unwrap_or(EMPTY) }
}

/// A bug of the tests only: rendering the response panics for this owner.
#[cfg(test)]
pub(crate) mod imaginary {
    pub(crate) const OWNER: &str = "an owner whose response panics";

    pub(super) fn render(owner: Option<&str>) {
        assert_ne!(owner, Some(OWNER), "as the test wants it");
    }
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
