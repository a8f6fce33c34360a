//! The REST doors: the same use cases for clients that speak plain JSON, and for those of Glean's `/rotatetoken`. They
//! translate and hold no rule.
//!
//! Who is calling is found out once for all of them, by [`admit`]; what they take and answer is described at
//! `GET /openapi.json`, which is made from these very types and functions.

mod api_tokens;
mod fields;
mod input;
mod limits;
mod openapi;
mod query;
mod refusal;
mod rotatetoken;
mod schema;
mod token;

use std::sync::Arc;

use axum::extract::{FromRequestParts, Path, Request, State};
use axum::http::header::CACHE_CONTROL;
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};

use crate::service::{Caller, Error, ErrorCode};

use super::Doors;
use super::client::{self, Client, Recognised};
use super::reply::Rejection;
use super::requests;

pub(super) use refusal::Refusal;

/// By this name a caller means its own token.
const SELF: &str = "self";

/// Who is calling, once [`admit`] has found out.
type Admitted = Extension<Arc<Caller>>;

/// All REST addresses.
pub(super) fn routes(doors: &Doors) -> Router<Doors> {
    let document = openapi::document(doors.max_body_bytes);
    let of_callers = Router::new()
        .route("/api-tokens", get(api_tokens::list).post(api_tokens::create))
        .route("/api-tokens/{id}", get(api_tokens::read).post(api_tokens::update).delete(api_tokens::revoke))
        .route("/api-tokens/{id}/rotate", post(api_tokens::rotate))
        .route("/api-tokens/{id}/end-overlap", post(api_tokens::end_overlap))
        .route("/rotatetoken", post(rotatetoken::rotate))
        .route("/api/index/v1/rotatetoken", post(rotatetoken::rotate_in_index))
        .method_not_allowed_fallback(wrong_method)
        .route_layer(from_fn_with_state(doors.clone(), admit));
    Router::new()
        .route("/openapi.json", get(|state, reader| describe(state, reader, document)))
        .method_not_allowed_fallback(wrong_method)
        .merge(of_callers)
}

/// The description of these doors, for whoever may read the schema.
async fn describe(
    State(doors): State<Doors>,
    reader: Result<Client, Rejection>,
    document: String,
) -> Result<impl IntoResponse, Refusal> {
    let Client(caller) = reader?;
    let headers = doors.admit_reader(caller.as_ref())?;
    Ok((headers, [("content-type", "application/json")], document))
}

/// Whether errors at this path are for clients of these doors.
pub(super) fn claims(path: &str) -> bool {
    ["/api-tokens/", "/rotatetoken/", "/api/"].iter().any(|prefix| path.starts_with(prefix))
}

/// Lets those in who present a good value, and tells them if it is the previous one. No answer may be kept on the way.
async fn admit(State(doors): State<Doors>, request: Request, next: Next) -> Result<Response, Refusal> {
    let (mut parts, body) = request.into_parts();
    let Recognised(caller) = Recognised::from_request_parts(&mut parts, &doors).await?;
    let caller = Arc::new(caller.ok_or(Error::Anonymous)?);
    let standing = caller.standing();
    parts.extensions.insert(caller.clone());
    // What panics is an answer like any other: it comes after the first use of the value, too.
    let mut response = requests::caught(next.run(Request::from_parts(parts, body))).await;
    client::settle(&doors, Some(&caller), !response.status().is_success()).await?;
    let headers = response.headers_mut();
    client::warn_of_retirement(headers, Some(standing));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

async fn wrong_method() -> Refusal {
    let message = "This address does not answer this method; see the Allow header.";
    Rejection::with_status(StatusCode::METHOD_NOT_ALLOWED, ErrorCode::BadUserInput, message).into()
}

/// The id in the path of an address, with `self` already read as the caller's own.
struct Target(String);

impl FromRequestParts<Doors> for Target {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, doors: &Doors) -> Result<Self, Refusal> {
        // What is not even text is the id of nothing.
        let Ok(Path(id)) = Path::<String>::from_request_parts(parts, doors).await else {
            return Err(Error::NotFound { field: "id" }.into());
        };
        let own = || parts.extensions.get::<Arc<Caller>>().map(|caller| caller.token_id().to_string());
        Ok(Self(if id == SELF { own().unwrap_or(id) } else { id }))
    }
}
