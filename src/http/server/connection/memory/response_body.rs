//! Response bodies. Those above a threshold count towards the memory budget until they are written to the socket.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::response::Response;
use hyper::body::{Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::http::server::connection::activity::{Activity, Streaming};

use super::budget::Purpose;
use super::charge::Charge;

/// Responses of up to this length are not counted, in bytes. The number of responses of a connection is bounded.
const UNCOUNTED_BYTES: u64 = 4_096;
/// The size of the chunks in which longer ones are passed to hyper, in bytes. HTTP/1 copies each chunk.
const CHUNK_BYTES: usize = 65_536;

/// How many times, and how often, to probe whether a client that closed its sending side still reads an event stream.
const PROBES: u32 = 2;
const PROBE_PERIOD: Duration = Duration::from_secs(1);
/// A comment, which clients ignore (HTML, section 9.2.6).
const PROBE: Bytes = Bytes::from_static(b":\n\n");

/// Marks a response whose bytes are in memory anyway and shared by all responses, so that they do not count.
#[derive(Clone, Copy)]
pub(crate) struct SharedBody;

/// Wraps a response so that its body counts towards the memory budget until it is sent.
pub(crate) fn bounded(activity: &Arc<Activity>, mut response: Response) -> Response {
    let length = response.body().size_hint().exact();
    if length.is_some_and(|length| length <= UNCOUNTED_BYTES) {
        return response;
    }
    let streaming =
        length.is_none().then(|| Stream { streaming: Streaming::new(activity.clone()), probes: 0, timer: None });
    let is_shared = response.extensions_mut().remove::<SharedBody>().is_some();
    let charged = (!is_shared).then(|| activity.clone());
    response.map(|body| Body::new(ResponseBody { body, rest: Bytes::new(), charged, streaming }))
}

/// A body that is sent in chunks.
struct ResponseBody {
    body: Body,
    rest: Bytes,
    charged: Option<Arc<Activity>>,
    streaming: Option<Stream>,
}

impl HttpBody for ResponseBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.rest.is_empty() {
            let polled = Pin::new(&mut self.body).poll_frame(context);
            if polled.is_pending() {
                return self.probe(context).map(|probe| Some(Ok(Frame::data(probe))));
            }
            match ready!(polled) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => self.rest = self.charge(data),
                    Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
                },
                other => return Poll::Ready(other),
            }
        }
        let length = self.rest.len().min(CHUNK_BYTES);
        Poll::Ready(Some(Ok(Frame::data(self.rest.split_to(length)))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let rest = self.rest.len() as u64;
        self.body.size_hint().exact().map_or_else(SizeHint::default, |length| SizeHint::with_exact(length + rest))
    }
}

/// A body of unknown length: an event stream, the only such response.
struct Stream {
    streaming: Streaming,
    /// How many probes were sent.
    probes: u32,
    timer: Option<Pin<Box<Sleep>>>,
}

impl ResponseBody {
    /// A probe for a client that closed its sending side, while there is no event to send. If it closed the other side as well, the first
    /// write makes the operating system find out, and the next one fails.
    fn probe(&mut self, context: &mut Context<'_>) -> Poll<Bytes> {
        let Some(stream) = self.streaming.as_mut().filter(|stream| stream.probes < PROBES) else {
            return Poll::Pending;
        };
        if !stream.streaming.0.is_half_closed(context) {
            return Poll::Pending;
        }
        if let Some(timer) = &mut stream.timer {
            ready!(timer.as_mut().poll(context));
        }
        stream.probes += 1;
        stream.timer = Some(Box::pin(sleep_until(Instant::now() + PROBE_PERIOD)));
        Poll::Ready(PROBE)
    }

    fn charge(&self, data: Bytes) -> Bytes {
        match &self.charged {
            Some(activity) if data.len() as u64 > UNCOUNTED_BYTES => {
                Charge::new(activity.clone(), Purpose::Answer, data.len()).attach_to(data)
            }
            _ => data,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(body: &mut Body) -> Bytes {
        let mut context = Context::from_waker(std::task::Waker::noop());
        let Poll::Ready(Some(Ok(frame))) = Pin::new(body).poll_frame(&mut context) else { panic!("no frame") };
        frame.into_data().unwrap()
    }

    #[test]
    fn a_long_answer_is_sent_whole_in_small_parts_and_counted_until_the_last_part_is_sent() {
        let activity = Arc::new(Activity::default());
        let text: Vec<u8> = (0..=255).cycle().take(3 * CHUNK_BYTES + 1).collect();
        let mut body = bounded(&activity, Response::new(Body::from(text.clone()))).into_body();
        let (mut received, mut chunks) = (Vec::new(), Vec::new());
        while !body.is_end_stream() {
            assert_eq!(body.size_hint().exact(), Some((text.len() - received.len()) as u64));
            let chunk = next(&mut body);
            assert!(chunk.len() <= CHUNK_BYTES);
            received.extend_from_slice(&chunk);
            chunks.push(chunk);
        }
        assert_eq!(received, text);
        drop(body);
        // The connection may still queue the chunks.
        while chunks.pop().is_some_and(|_| !chunks.is_empty()) {
            assert_eq!(activity.held_bytes(), text.len());
        }
        assert_eq!(activity.held_bytes(), 0);
    }

    #[test]
    fn small_and_shared_answers_are_not_counted_for_any_connection() {
        let activity = Arc::new(Activity::default());
        let uncounted = usize::try_from(UNCOUNTED_BYTES).unwrap();
        for (length, shared, held) in
            [(uncounted, false, 0), (uncounted + 1, false, uncounted + 1), (uncounted + 1, true, 0)]
        {
            let mut response = Response::new(Body::from(vec![0; length]));
            if shared {
                response.extensions_mut().insert(SharedBody);
            }
            let mut body = bounded(&activity, response).into_body();
            let chunk = next(&mut body);
            assert_eq!(activity.held_bytes(), held, "{length}");
            drop((chunk, body));
            assert_eq!(activity.held_bytes(), 0, "{length}");
        }
    }

    #[tokio::test]
    async fn a_client_that_does_not_read_gets_no_further_answers_until_something_was_sent() {
        let activity = Arc::new(Activity::default());
        let mut body = bounded(&activity, Response::new(Body::from(vec![0; 1024 * 1024]))).into_body();
        assert!(!activity.is_full());
        let chunk = next(&mut body);
        assert!(activity.is_full());
        let waiting = tokio::spawn({
            let activity = activity.clone();
            async move { activity.until_not_full().await }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        drop((chunk, body));
        waiting.await.unwrap();
    }
}
