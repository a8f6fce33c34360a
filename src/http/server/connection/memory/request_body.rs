//! Request bodies. Each must arrive at a minimum rate, and counts towards the memory budget until it is complete.
//!
//! The rate is measured per body and not per connection: over HTTP/2, a body that arrives must not keep alive others that do not.

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

/// How long any body may take.
const GRACE: Duration = Duration::from_secs(15);
/// The minimum rate: for this many bytes, a body may take one second longer.
const MIN_BYTES_PER_SECOND: u32 = 1_024;

/// The body arrived more slowly than the minimum rate.
#[derive(Debug, thiserror::Error)]
#[error("the body arrived too slowly")]
pub(crate) struct TooSlow;

/// The body of a request. While it is incomplete, its connection may be closed like an idle one.
pub(crate) struct RequestBody<B> {
    body: B,
    activity: Arc<Activity>,
    received: usize,
    /// Only for a body that had to be waited for. Most arrive together with the head.
    awaited: Option<Awaited>,
    waits: bool,
    /// Resolves when the client has read enough of its responses.
    not_full: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

struct Awaited {
    since: Instant,
    timer: Pin<Box<Sleep>>,
    charge: Charge,
}

impl<B> RequestBody<B> {
    pub(crate) fn new(body: B, activity: Arc<Activity>) -> Self {
        Self { body, activity, received: 0, awaited: None, waits: false, not_full: None }
    }

    fn set_waits(&mut self, waits: bool) {
        if self.waits != waits {
            self.activity.set_awaits_body(waits);
            self.waits = waits;
        }
    }

    /// Backpressure: while the client does not read its responses, no more of its request bodies is read. Otherwise all of its requests
    /// would be answered at once.
    fn poll_not_full(&mut self, context: &mut Context<'_>) -> Poll<()> {
        while self.not_full.is_some() || self.activity.is_full() {
            let activity = self.activity.clone();
            let not_full =
                self.not_full.get_or_insert_with(|| Box::pin(async move { activity.until_not_full().await }));
            ready!(not_full.as_mut().poll(context));
            self.not_full = None;
        }
        Poll::Ready(())
    }

    /// Checks the minimum rate while the body is incomplete.
    fn check_rate(&mut self, context: &mut Context<'_>) -> Result<(), TooSlow> {
        let (received, activity) = (self.received, &self.activity);
        let awaited = self.awaited.get_or_insert_with(|| Awaited {
            since: Instant::now(),
            timer: Box::pin(sleep_until(Instant::now() + GRACE)),
            charge: Charge::new(activity.clone(), Purpose::Body, received),
        });
        while awaited.timer.as_mut().poll(context).is_ready() {
            let more = u32::try_from(received).unwrap_or(u32::MAX) / MIN_BYTES_PER_SECOND;
            let until = awaited.since + GRACE + Duration::from_secs(more.into());
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
        ready!(self.poll_not_full(context));
        let polled = Pin::new(&mut self.body).poll_frame(context);
        self.set_waits(polled.is_pending());
        match polled {
            Poll::Pending => match self.check_rate(context) {
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
