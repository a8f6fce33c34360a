//! The bodies of requests: each must arrive at a least rate, and counts as held while the rest of it is awaited.
//!
//! The rate is asked of each body and not of its connection: over HTTP/2, one that arrives must not keep others alive that do not.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::BoxError;
use axum::body::{Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::http::server::connection::activity::Activity;

use super::budget::Purpose;
use super::charge::Charge;

/// How long a body may take in any case.
const ALLOWED: Duration = Duration::from_secs(15);
/// For how many bytes it may take one second more.
const BYTES_A_SECOND: u32 = 1_024;

/// The body did not arrive at the least rate.
#[derive(Debug, thiserror::Error)]
#[error("the body came too slowly")]
pub(crate) struct TooSlow;

/// The body of a request. While more of it is awaited, its connection may be closed like an idle one.
pub(crate) struct RequestBody<B> {
    body: B,
    activity: Arc<Activity>,
    received: usize,
    /// Only for a body that had to be waited for: most come with their heads.
    awaited: Option<Awaited>,
    waits: bool,
    /// Until the client has read some of its answers.
    room: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

struct Awaited {
    since: Instant,
    timer: Pin<Box<Sleep>>,
    charge: Charge,
}

impl<B> RequestBody<B> {
    pub(crate) fn new(body: B, activity: Arc<Activity>) -> Self {
        Self { body, activity, received: 0, awaited: None, waits: false, room: None }
    }

    fn set_waits(&mut self, waits: bool) {
        if self.waits != waits {
            self.activity.set_awaits_body(waits);
            self.waits = waits;
        }
    }

    /// Whether the client reads its answers. While it does not, nothing more of a request is taken from it, so that not all of its
    /// requests are answered at once.
    fn poll_room(&mut self, context: &mut Context<'_>) -> Poll<()> {
        while self.room.is_some() || self.activity.is_full() {
            let activity = self.activity.clone();
            let room = self.room.get_or_insert_with(|| Box::pin(async move { activity.until_not_full().await }));
            ready!(room.as_mut().poll(context));
            self.room = None;
        }
        Poll::Ready(())
    }

    /// Whether more may be waited for.
    fn wait(&mut self, context: &mut Context<'_>) -> Result<(), TooSlow> {
        let (received, activity) = (self.received, &self.activity);
        let awaited = self.awaited.get_or_insert_with(|| Awaited {
            since: Instant::now(),
            timer: Box::pin(sleep_until(Instant::now() + ALLOWED)),
            charge: Charge::new(activity.clone(), Purpose::Body, received),
        });
        while awaited.timer.as_mut().poll(context).is_ready() {
            let more = u32::try_from(received).unwrap_or(u32::MAX) / BYTES_A_SECOND;
            let until = awaited.since + ALLOWED + Duration::from_secs(more.into());
            if until <= Instant::now() {
                return Err(TooSlow);
            }
            awaited.timer.as_mut().reset(until);
        }
        Ok(())
    }

    fn received(&mut self, bytes: usize) {
        self.received += bytes;
        if let Some(awaited) = &mut self.awaited {
            awaited.charge.add(bytes);
        }
    }
}

impl<B> HttpBody for RequestBody<B>
where
    B: HttpBody<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        ready!(self.poll_room(context));
        let polled = Pin::new(&mut self.body).poll_frame(context);
        self.set_waits(polled.is_pending());
        match polled {
            Poll::Pending => match self.wait(context) {
                Ok(()) => Poll::Pending,
                Err(too_slow) => Poll::Ready(Some(Err(too_slow.into()))),
            },
            Poll::Ready(frame) => {
                self.activity.record_progress();
                if let Some(Ok(frame)) = &frame {
                    self.received(frame.data_ref().map_or(0, Bytes::len));
                }
                Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl<B> Drop for RequestBody<B> {
    fn drop(&mut self) {
        self.set_waits(false);
    }
}
