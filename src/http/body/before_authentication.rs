//! Bodies that are read before the caller is authenticated. Only small ones are, so that a verification can be answered without
//! waiting. All other bodies are read after authentication, up to the operator's limit.

use std::future::poll_fn;
use std::io;
use std::pin::pin;

use axum::BoxError;
use axum::body::{Body, Bytes, HttpBody};
use axum::http::header::{AUTHORIZATION, EXPECT};
use axum::http::{Method, Request};
use futures_util::stream;

use crate::http::caller::credential::API_KEY;

/// The largest body that is read before its sender is authenticated, in bytes.
pub(crate) const MAX_BYTES: usize = 16_384;

/// Reads the body of a POST that has a credential, if it is small enough. Otherwise, returns the request with its body unread.
pub(crate) async fn read<B>(request: Request<B>, max_bytes: usize) -> Result<Request<Bytes>, Request<Body>>
where
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let length = request.body().size_hint().exact().and_then(|bytes| usize::try_from(bytes).ok());
    let length = length.filter(|bytes| *bytes <= max_bytes.min(MAX_BYTES));
    let headers = request.headers();
    // Reading the body would send `100 Continue` before the caller is authenticated.
    let has_credential = headers.contains_key(&API_KEY) || headers.contains_key(AUTHORIZATION);
    let may_be_read = has_credential && !headers.contains_key(EXPECT) && request.method() == Method::POST;
    let Some(length) = length.filter(|_| may_be_read) else { return Err(request.map(Body::new)) };
    let (head, body) = request.into_parts();
    match read_exactly(body, length).await {
        Ok(bytes) => Ok(Request::from_parts(head, bytes)),
        // A truncated body must not pass for a complete one.
        Err(cause) => Err(Request::from_parts(head, failed_body(cause))),
    }
}

/// A body of this length. It is not copied if it arrives in one chunk, which small ones do.
async fn read_exactly<B>(body: B, length: usize) -> Result<Bytes, BoxError>
where
    B: HttpBody<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    let mut body = pin!(body);
    let (mut bytes, mut pieces) = (Bytes::new(), Vec::new());
    while bytes.len().max(pieces.len()) < length {
        let frame = poll_fn(|context| body.as_mut().poll_frame(context)).await;
        let frame = frame.ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof))?.map_err(Into::into)?;
        let Ok(piece) = frame.into_data() else { continue };
        if pieces.is_empty() && bytes.is_empty() {
            bytes = piece;
            continue;
        }
        if pieces.is_empty() {
            pieces.reserve_exact(length);
            pieces.extend_from_slice(&bytes);
        }
        pieces.extend_from_slice(&piece);
    }
    Ok(if pieces.is_empty() { bytes } else { pieces.into() })
}

/// A body that fails when it is read.
fn failed_body(cause: BoxError) -> Body {
    Body::from_stream(stream::iter([Err::<Bytes, _>(cause)]))
}
