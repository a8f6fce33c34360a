//! Bodies so small that to read them costs nothing, whoever sends them: what is asked all the time comes in such.
//!
//! Separate, because most doors find out who is calling before they read what is asked, and read it with a limit of the operator's.

use std::future::poll_fn;
use std::io;
use std::pin::pin;

use axum::BoxError;
use axum::body::{Body, Bytes, HttpBody};
use axum::http::header::{AUTHORIZATION, EXPECT};
use axum::http::{Method, Request, Response};
use futures_util::stream;

use crate::http::caller::credential::API_KEY;
use crate::http::requests;

/// The largest body that is read before it is known who sends it, in bytes.
pub(crate) const MAX_BYTES: usize = 16_384;

/// Answers a request at once by this, if its body is small, comes with a credential, and that can be; else gives the request back,
/// whatever of it has been read.
pub(crate) async fn answer_at_once<B>(
    request: Request<B>,
    max_bytes: usize,
    answer: impl FnOnce(&Request<Bytes>) -> Option<Response<Body>>,
) -> Result<Response<Body>, Request<Body>>
where
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let length = request.body().size_hint().exact().and_then(|bytes| usize::try_from(bytes).ok());
    let length = length.filter(|bytes| *bytes <= max_bytes.min(MAX_BYTES));
    let headers = request.headers();
    // To read the body would send `100 Continue` before the caller is authenticated.
    let credible = headers.contains_key(&API_KEY) || headers.contains_key(AUTHORIZATION);
    let credible = credible && !headers.contains_key(EXPECT) && request.method() == Method::POST;
    let Some(length) = length.filter(|_| credible) else { return Err(request.map(Body::new)) };
    let (head, body) = request.into_parts();
    let bytes = match read(body, length).await {
        Ok(bytes) => bytes,
        // What was sent of it must not pass for all of it.
        Err(cause) => return Err(Request::from_parts(head, broken_off(cause))),
    };
    let request = Request::from_parts(head, bytes);
    requests::at_once(|| answer(&request)).ok_or_else(|| request.map(Body::from))
}

/// The body of this length, without a copy if it came in one piece, as a small one does.
async fn read<B>(body: B, length: usize) -> Result<Bytes, BoxError>
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
