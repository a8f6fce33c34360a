//! Small bodies, which are read before the caller is authenticated: a verification comes in one, and is then answered without
//! waiting. All other endpoints authenticate first, and read with the limit that the operator set.

use std::future::poll_fn;
use std::io;
use std::pin::pin;

use axum::BoxError;
use axum::body::{Body, Bytes, HttpBody};
use axum::http::header::{AUTHORIZATION, EXPECT};
use axum::http::{Method, Request};
use futures_util::stream;

use crate::http::caller::credential::API_KEY;

/// The largest body that is read before it is known who sends it, in bytes.
pub(crate) const MAX_BYTES: usize = 16_384;

/// Reads the body of a POST if it is small and comes with a credential; else gives the request back unread.
pub(crate) async fn read<B>(request: Request<B>, max_bytes: usize) -> Result<Request<Bytes>, Request<Body>>
where
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let length = request.body().size_hint().exact().and_then(|bytes| usize::try_from(bytes).ok());
    let length = length.filter(|bytes| *bytes <= max_bytes.min(MAX_BYTES));
    let headers = request.headers();
    // Reading the body would send `100 Continue` before the caller is authenticated.
    let credible = headers.contains_key(&API_KEY) || headers.contains_key(AUTHORIZATION);
    let credible = credible && !headers.contains_key(EXPECT) && request.method() == Method::POST;
    let Some(length) = length.filter(|_| credible) else { return Err(request.map(Body::new)) };
    let (head, body) = request.into_parts();
    match read_exactly(body, length).await {
        Ok(bytes) => Ok(Request::from_parts(head, bytes)),
        // What was sent of it must not pass for all of it.
        Err(cause) => Err(Request::from_parts(head, broken_off(cause))),
    }
}

/// The body of this length, without a copy if it came in one piece, as a small one does.
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

fn broken_off(cause: BoxError) -> Body {
    Body::from_stream(stream::iter([Err::<Bytes, _>(cause)]))
}
