//! The bodies of answers that are not small: they count as held until the socket has taken them.

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

/// Up to which length an answer is not counted, in bytes. A connection has a bounded number of them.
const SMALL: u64 = 4_096;
/// How much of a longer one is handed out at once, in bytes. HTTP/1 copies what it is handed.
const PART: usize = 65_536;

/// How many times, and how often, it is tried whether a client that has closed its sending side still reads an event stream.
const PROBES: u32 = 2;
const PROBE_PERIOD: Duration = Duration::from_secs(1);
/// A comment, which the client passes over (HTML, section 9.2.6).
const PROBE: Bytes = Bytes::from_static(b":\n\n");

/// Marks an answer whose bytes are kept anyway and shared by all, so that they are held for nobody.
#[derive(Clone, Copy)]
pub(crate) struct SharedBody;

/// The same answer, whose body counts as held until it is sent.
pub(crate) fn bounded(activity: &Arc<Activity>, mut response: Response) -> Response {
    let length = response.body().size_hint().exact();
    if length.is_some_and(|length| length <= SMALL) {
        return response;
    }
    let streaming =
        length.is_none().then(|| Stream { streaming: Streaming::new(activity.clone()), probes: 0, timer: None });
    let is_shared = response.extensions_mut().remove::<SharedBody>().is_some();
    let charged = (!is_shared).then(|| activity.clone());
    response.map(|body| Body::new(ResponseBody { body, rest: Bytes::new(), charged, streaming }))
}

/// A body that is handed out in small parts.
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
        let length = self.rest.len().min(PART);
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

/// A body of unknown length: an event stream, the only such answer.
struct Stream {
    streaming: Streaming,
    /// How many times it was tried whether the client is still there.
    probes: u32,
    timer: Option<Pin<Box<Sleep>>>,
}

impl ResponseBody {
    /// Something to write to a client that has closed its sending side, while there is nothing else: if it has closed the other side,
    /// too, the first write lets the operating system find out, and the next one fails.
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
            Some(activity) if data.len() as u64 > SMALL => {
                Charge::new(activity.clone(), Purpose::Answer, data.len()).over(data)
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
        let text: Vec<u8> = (0..=255).cycle().take(3 * PART + 1).collect();
        let mut body = bounded(&activity, Response::new(Body::from(text.clone()))).into_body();
        let (mut told, mut parts) = (Vec::new(), Vec::new());
        while !body.is_end_stream() {
            assert_eq!(body.size_hint().exact(), Some((text.len() - told.len()) as u64));
            let part = next(&mut body);
            assert!(part.len() <= PART);
            told.extend_from_slice(&part);
            parts.push(part);
        }
        assert_eq!(told, text);
        drop(body);
        // The connection may still queue the parts.
        while parts.pop().is_some_and(|_| !parts.is_empty()) {
            assert_eq!(activity.held_bytes(), text.len());
        }
        assert_eq!(activity.held_bytes(), 0);
    }

    #[test]
    fn small_and_shared_answers_are_not_counted_for_any_connection() {
        let activity = Arc::new(Activity::default());
        let small = usize::try_from(SMALL).unwrap();
        for (length, shared, held) in [(small, false, 0), (small + 1, false, small + 1), (small + 1, true, 0)] {
            let mut response = Response::new(Body::from(vec![0; length]));
            if shared {
                response.extensions_mut().insert(SharedBody);
            }
            let mut body = bounded(&activity, response).into_body();
            let part = next(&mut body);
            assert_eq!(activity.held_bytes(), held, "{length}");
            drop((part, body));
            assert_eq!(activity.held_bytes(), 0, "{length}");
        }
    }

    #[tokio::test]
    async fn a_client_that_does_not_read_gets_no_further_answers_until_something_was_sent() {
        let activity = Arc::new(Activity::default());
        let mut body = bounded(&activity, Response::new(Body::from(vec![0; 1024 * 1024]))).into_body();
        assert!(!activity.is_full());
        let part = next(&mut body);
        assert!(activity.is_full());
        let waiting = tokio::spawn({
            let activity = activity.clone();
            async move { activity.until_not_full().await }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        drop((part, body));
        waiting.await.unwrap();
    }
}
