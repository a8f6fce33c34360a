//! Whether anything goes on on a connection: who opens many and says nothing, or begins a request and does not go on, must not keep
//! others out for ever.
//!
//! Separate, because the timers of the library would be set and taken back for every request. Here each request is counted, and a clock
//! looks at the count now and then.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::response::Response;
use hyper::body::{Frame, SizeHint};
use tokio::task::{AbortHandle, Id, JoinSet};
use tokio::time::{Interval, MissedTickBehavior, interval};

/// How often is looked.
const PERIOD: Duration = Duration::from_secs(15);
/// For how many periods in a row nothing may go on within a request. The first may be of no length.
const UNFINISHED_PERIODS: u32 = 2;
/// For how many periods in a row nothing may go on between two requests. Gateways keep connections for about a minute.
const IDLE_PERIODS: u32 = 6;
/// Up to which length an answer is of no account once it is made, in bytes: it goes out at once.
const SMALL: u64 = 65_536;
/// How much of a longer one is handed out at once, in bytes.
const PART: usize = 65_536;

/// What goes on on one connection.
#[derive(Debug, Default)]
pub(super) struct Activity {
    /// Requests that began, and parts of their bodies that came.
    progress: AtomicU64,
    /// Requests that are being answered.
    answering: AtomicU32,
    /// Those of them that wait for more of their bodies.
    awaiting: AtomicU32,
}

impl Activity {
    /// A request has come.
    pub(super) fn begun(&self) {
        self.progress.fetch_add(1, Ordering::Relaxed);
    }
}

/// What was seen of a connection when it was last looked at.
#[derive(Debug, Default)]
struct Watch {
    progress: u64,
    quiet_periods: u32,
}

impl Watch {
    /// Looks again, a period later: whether nothing is to be expected of the connection any more. One on which no request has come
    /// whole yet, or on which the body of one does not come, is waited for less long than one that may be asked again.
    fn gives_up(&mut self, activity: &Activity) -> bool {
        let progress = activity.progress.load(Ordering::Relaxed);
        let awaiting = activity.awaiting.load(Ordering::Relaxed);
        let at_work = activity.answering.load(Ordering::Relaxed) > awaiting;
        self.quiet_periods = if at_work || progress != self.progress { 0 } else { self.quiet_periods + 1 };
        self.progress = progress;
        let periods = if progress == 0 || awaiting > 0 { UNFINISHED_PERIODS } else { IDLE_PERIODS };
        self.quiet_periods >= periods
    }
}

/// The connections that are being served, each by a task of its own.
#[derive(Debug)]
pub(super) struct Connections {
    tasks: JoinSet<()>,
    watched: HashMap<Id, (Arc<Activity>, AbortHandle, Watch)>,
    periods: Interval,
}

impl Connections {
    pub(super) fn new() -> Self {
        let mut periods = interval(PERIOD);
        periods.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { tasks: JoinSet::new(), watched: HashMap::new(), periods }
    }

    /// Serves one more.
    pub(super) fn add(&mut self, activity: Arc<Activity>, served: impl Future<Output = ()> + Send + 'static) {
        let task = self.tasks.spawn(served);
        self.watched.insert(task.id(), (activity, task, Watch::default()));
    }

    /// Forgets connections that have ended, and gives up those of which nothing is to be expected; never ends. Nothing is lost if it is
    /// dropped and called again.
    pub(super) async fn look_after(&mut self) {
        loop {
            tokio::select! {
                Some(ended) = self.tasks.join_next_with_id() => {
                    let id = ended.map_or_else(|err| err.id(), |(id, ())| id);
                    self.watched.remove(&id);
                }
                _ = self.periods.tick() => {
                    for (activity, task, watch) in self.watched.values_mut() {
                        if watch.gives_up(activity) {
                            tracing::debug!("a connection is given up: nothing has gone on on it for a while");
                            task.abort();
                        }
                    }
                }
            }
        }
    }

    /// Leaves the connections to themselves.
    pub(super) fn detach(mut self) {
        self.tasks.detach_all();
    }
}

/// A request that is being answered, until it is dropped.
pub(super) struct Answering(Arc<Activity>);

impl Answering {
    pub(super) fn of(activity: Arc<Activity>) -> Self {
        activity.answering.fetch_add(1, Ordering::Relaxed);
        Self(activity)
    }

    /// Keeps the request alive for as long as its answer goes out, where that may take a while.
    pub(super) fn hold(self, response: Response) -> Response {
        match response.body().size_hint().exact() {
            Some(length) if length <= SMALL => response,
            _ => response.map(|body| Body::new(Held { body, rest: Bytes::new(), _answering: self })),
        }
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.answering.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The body of such an answer. It is handed out in small parts, because a part is copied for the connection and then counts as sent: so no
/// more than that is copied for a client that does not read, and the request lives until nearly all has gone out.
struct Held {
    body: Body,
    rest: Bytes,
    _answering: Answering,
}

impl HttpBody for Held {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.rest.is_empty() {
            match std::task::ready!(Pin::new(&mut self.body).poll_frame(context)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => self.rest = data,
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

/// The body of a request, of which is known whether more of it is waited for.
pub(super) struct Awaited<B> {
    body: B,
    activity: Arc<Activity>,
    waits: bool,
}

impl<B> Awaited<B> {
    pub(super) fn new(body: B, activity: Arc<Activity>) -> Self {
        Self { body, activity, waits: false }
    }

    fn set_waits(&mut self, waits: bool) {
        match (self.waits, waits) {
            (false, true) => _ = self.activity.awaiting.fetch_add(1, Ordering::Relaxed),
            (true, false) => _ = self.activity.awaiting.fetch_sub(1, Ordering::Relaxed),
            _ => {}
        }
        self.waits = waits;
    }
}

impl<B: HttpBody<Data = Bytes> + Unpin> HttpBody for Awaited<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        self.set_waits(polled.is_pending());
        if polled.is_ready() {
            self.activity.begun();
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl<B> Drop for Awaited<B> {
    fn drop(&mut self) {
        self.set_waits(false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In which of the coming periods it is given up, if nothing goes on any more.
    fn given_up(watch: &mut Watch, activity: &Activity) -> Option<u32> {
        (1..=10).find(|_| watch.gives_up(activity))
    }

    #[test]
    fn whoever_says_nothing_is_given_up_at_once_and_whoever_has_asked_later() {
        let (mut watch, activity) = (Watch::default(), Activity::default());
        assert_eq!(given_up(&mut watch, &activity), Some(UNFINISHED_PERIODS));
        let mut watch = Watch::default();
        activity.begun();
        // The first time the request is seen.
        assert_eq!(given_up(&mut watch, &activity), Some(1 + IDLE_PERIODS));
    }

    #[test]
    fn an_answer_that_takes_long_is_waited_for_and_a_body_that_does_not_come_is_not() {
        let (mut watch, activity) = (Watch::default(), Arc::new(Activity::default()));
        activity.begun();
        let answering = Answering::of(activity.clone());
        assert_eq!(given_up(&mut watch, &activity), None);
        let mut body = Awaited::new(Body::empty(), activity.clone());
        body.set_waits(true);
        assert_eq!(given_up(&mut watch, &activity), Some(UNFINISHED_PERIODS));
        drop(body);
        assert_eq!(given_up(&mut Watch::default(), &activity), None);
        drop(answering);
        assert_eq!(given_up(&mut Watch::default(), &activity), Some(1 + IDLE_PERIODS));
    }

    #[test]
    fn a_long_answer_goes_out_whole_in_small_parts_and_its_request_lives_until_the_last() {
        let activity = Arc::new(Activity::default());
        let text: Vec<u8> = (0..=255).cycle().take(3 * PART + 1).collect();
        let mut body = Answering::of(activity.clone()).hold(Response::new(Body::from(text.clone()))).into_body();
        let (mut told, mut context) = (Vec::new(), Context::from_waker(std::task::Waker::noop()));
        while !body.is_end_stream() {
            assert_eq!(activity.answering.load(Ordering::Relaxed), 1);
            assert_eq!(body.size_hint().exact(), Some((text.len() - told.len()) as u64));
            let Poll::Ready(Some(Ok(frame))) = Pin::new(&mut body).poll_frame(&mut context) else { panic!("no frame") };
            let part = frame.into_data().unwrap();
            assert!(part.len() <= PART);
            told.extend_from_slice(&part);
        }
        assert_eq!(told, text);
        drop(body);
        assert_eq!(activity.answering.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn a_long_answer_keeps_its_request_alive_and_a_small_one_does_not() {
        let activity = Arc::new(Activity::default());
        for (length, alive) in [(SMALL, 0), (SMALL + 1, 1)] {
            let body = Body::from(vec![0; usize::try_from(length).unwrap()]);
            let response = Answering::of(activity.clone()).hold(Response::new(body));
            assert_eq!(activity.answering.load(Ordering::Relaxed), alive, "{length}");
            assert_eq!(response.body().size_hint().exact(), Some(length));
            drop(response);
            assert_eq!(activity.answering.load(Ordering::Relaxed), 0, "{length}");
        }
    }
}
