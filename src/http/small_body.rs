//! Bodies so small that to read them costs nothing, whoever sends them: what is asked all the time comes in such.
//!
//! Separate, because most doors find out who is calling before they read what is asked, and read it with a limit of the operator's.

use std::future::poll_fn;
use std::io;
use std::pin::pin;

use axum::BoxError;
use axum::body::{Body, Bytes, HttpBody};
use axum::http::header::{AUTHORIZATION, EXPECT};
use axum::http::{Method, Request};
use futures_util::stream;

use super::credential::API_KEY;

/// The largest body that is read early, in bytes: no larger than what the connection keeps anyway for the head of a request.
const MAX_BYTES: usize = 65_536;

/// A request, as far as it has been read.
pub(super) enum Taken {
    /// All of it.
    Whole(Request<Bytes>),
    /// Its head.
    Head(Request<Body>),
}

/// Takes a request, with its body if that is small and comes with a credential.
pub(super) async fn take<B>(request: Request<B>, max_bytes: usize) -> Taken
where
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let length = request.body().size_hint().exact().and_then(|bytes| usize::try_from(bytes).ok());
    let length = length.filter(|bytes| *bytes <= max_bytes.min(MAX_BYTES));
    let headers = request.headers();
    // Whoever waits to be told to go on is to be told nothing before it is known who they are.
    let credible = headers.contains_key(&API_KEY) || headers.contains_key(AUTHORIZATION);
    let credible = credible && !headers.contains_key(EXPECT);
    match length {
        Some(length) if credible && request.method() == Method::POST => {
            let (head, body) = request.into_parts();
            match read(body, length).await {
                Some(bytes) => Taken::Whole(Request::from_parts(head, bytes)),
                // What was sent of it must not pass for all of it.
                None => Taken::Head(Request::from_parts(head, broken_off())),
            }
        }
        _ => Taken::Head(request.map(Body::new)),
    }
}

/// The body of this length, without a copy if it came in one piece, as a small one does.
async fn read<B: HttpBody<Data = Bytes>>(body: B, length: usize) -> Option<Bytes> {
    let mut body = pin!(body);
    let (mut bytes, mut pieces) = (Bytes::new(), Vec::new());
    while bytes.len().max(pieces.len()) < length {
        let frame = poll_fn(|context| body.as_mut().poll_frame(context)).await?.ok()?;
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
    Some(if pieces.is_empty() { bytes } else { pieces.into() })
}

fn broken_off() -> Body {
    Body::from_stream(stream::iter([Err::<Bytes, _>(io::Error::from(io::ErrorKind::UnexpectedEof))]))
}
