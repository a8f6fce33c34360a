//! `GET /playground`: the GraphiQL page and its assets, which are built in advance, embedded in the binary and served from memory.

use axum::body::Body;
use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderValue, Response};
use axum::response::IntoResponse;
use rust_embed::{Embed, EmbeddedFile};

use crate::service::ErrorCode;

use super::rejection::Rejection;
use super::server::SharedBody;

#[derive(Embed)]
#[folder = "playground/dist"]
struct Files;

/// The page may only load from and connect to this server. Only styles may be inline, because the editor measures and colours its
/// text with them.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
     font-src 'self' data:; connect-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'none'",
);

pub(super) async fn page() -> Response<Body> {
    serve("index.html")
}

/// Browsers request this path even if no page links to an icon.
pub(super) async fn favicon() -> Response<Body> {
    serve("favicon.svg")
}

pub(super) async fn asset(path: Result<Path<String>, PathRejection>) -> Response<Body> {
    // No file has a path that is not UTF-8.
    serve(&path.map(|Path(path)| path).unwrap_or_default())
}

fn serve(path: &str) -> Response<Body> {
    let Some(EmbeddedFile { data, .. }) = Files::get(path) else {
        return Rejection::new(ErrorCode::NotFound, "The playground has no such file.").into_response();
    };
    let mut response = Response::new(Body::from(data));
    response.extensions_mut().insert(SharedBody);
    let media_type = mime_guess::from_path(path).first_or_octet_stream();
    let headers = response.headers_mut();
    if let Ok(media_type) = HeaderValue::try_from(media_type.as_ref()) {
        headers.insert(CONTENT_TYPE, media_type);
    }
    headers.insert(CONTENT_SECURITY_POLICY, POLICY);
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // The names of assets contain a hash of their contents; the name of the page does not.
    let immutable = path.starts_with("assets/");
    let caching = if immutable { "public, max-age=31536000, immutable" } else { "no-cache" };
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(caching));
    response
}
