//! When a connection is closed because nothing happens on it. The rules alone, without sockets and clocks.

use super::activity::{Activity, Snapshot};

/// For how many periods in a row a request may be incomplete, or an answer not be read. The first may be of no length.
const UNFINISHED_PERIODS: u32 = 2;
/// For how many periods in a row nothing may happen between two requests. Gateways keep connections for about a minute.
const IDLE_PERIODS: u32 = 6;
/// How many bytes must be sent in a period where any are waiting: about 1 KiB a second.
const MIN_SENT: u64 = 16_384;

/// Why a connection may be closed for a new one: the later ones first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Spare {
    /// Only its client can bring it forward: the rest of a body is awaited, or an answer is not read yet.
    WaitsForClient,
    /// There is no request on it.
    Idle,
}

/// What was seen of a connection when it was last looked at.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    seen: Snapshot,
    quiet_periods: u32,
}

impl Watch {
    /// Looks again, a period later: whether the connection is to be closed. One on which no whole request has come, whose body does not
    /// come, or whose answers are not read, gets less time than one that may be asked again.
    pub(crate) fn closes(&mut self, activity: &Activity) -> bool {
        let now = activity.snapshot();
        let written = now.written - self.seen.written;
        let moves = if now.unsent {
            // What else happens does not count: else a client could ask on and on and never read.
            written >= MIN_SENT || now.sent != self.seen.sent
        } else {
            // A WebSocket has clocks of its own.
            now.is_socket || now.at_work || now.progress != self.seen.progress || written > 0
        };
        self.quiet_periods = if moves { 0 } else { self.quiet_periods + 1 };
        self.seen = now;
        let unfinished = now.progress == 0 || now.awaits_body || now.unsent;
        self.quiet_periods >= if unfinished { UNFINISHED_PERIODS } else { IDLE_PERIODS }
    }

    /// Why the connection may be closed for a new one, and for how long nothing has happened on it: the higher, the sooner. `None` if it
    /// may not.
    pub(crate) fn spare(&self, activity: &Activity) -> Option<(Spare, u32)> {
        let now = activity.snapshot();
        let spare = if now.at_work || now.is_known_socket {
            return None;
        } else if now.awaits_body || now.unsent {
            Spare::WaitsForClient
        } else if now.streams {
            return None;
        } else {
            Spare::Idle
        };
        let moved = now.progress != self.seen.progress;
        Some((spare, if moved { 0 } else { self.quiet_periods + 1 }))
    }

    /// For how many periods in a row nothing has happened.
    pub(crate) fn quiet_periods(&self) -> u32 {
        self.quiet_periods
    }
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::sync::Arc;
    use std::task::{Context, Waker};

    use axum::body::{Body, Bytes, HttpBody};

    use crate::http::server::connection::activity::Answering;
    use crate::http::server::connection::memory::RequestBody;
    use crate::http::server::connection::memory::{Charge, Purpose};
    use crate::http::server::connection::upgrade::Upgraded;

    use super::*;

    /// In which of the coming periods it is closed, if nothing happens any more.
    fn closed(watch: &mut Watch, activity: &Activity) -> Option<u32> {
        (1..=10).find(|_| watch.closes(activity))
    }

    #[test]
    fn a_silent_connection_is_closed_soon_and_one_that_has_asked_later() {
        let (mut watch, activity) = (Watch::default(), Activity::default());
        assert_eq!(closed(&mut watch, &activity), Some(UNFINISHED_PERIODS));
        let mut watch = Watch::default();
        activity.begun();
        // The first time the request is seen.
        assert_eq!(closed(&mut watch, &activity), Some(1 + IDLE_PERIODS));
    }

    #[tokio::test]
    async fn a_slow_answer_is_waited_for_and_a_body_that_does_not_come_is_not() {
        let (mut watch, activity) = (Watch::default(), Arc::new(Activity::default()));
        activity.begun();
        let answering = Answering::of(activity.clone());
        assert_eq!(closed(&mut watch, &activity), None);
        let never = Body::from_stream(futures_util::stream::pending::<Result<Bytes, std::io::Error>>());
        let mut body = RequestBody::new(never, activity.clone());
        assert!(Pin::new(&mut body).poll_frame(&mut Context::from_waker(Waker::noop())).is_pending());
        assert_eq!(closed(&mut watch, &activity), Some(UNFINISHED_PERIODS));
        drop(body);
        assert_eq!(closed(&mut Watch::default(), &activity), None);
        drop(answering);
        assert_eq!(closed(&mut Watch::default(), &activity), Some(1 + IDLE_PERIODS));
    }

    #[test]
    fn only_sending_keeps_a_connection_alive_whose_answers_are_not_read() {
        let (mut watch, activity) = (Watch::default(), Arc::new(Activity::default()));
        let charge = Charge::new(activity.clone(), Purpose::Answer, 1_000_000);
        // Requests go on, and others are being answered.
        let _answering = Answering::of(activity.clone());
        let ask_and_close = |watch: &mut Watch, written| {
            activity.begun();
            activity.wrote(written);
            watch.closes(&activity)
        };
        let (enough, too_little) = (usize::try_from(MIN_SENT).unwrap(), usize::try_from(MIN_SENT).unwrap() - 1);
        assert!(!(0..10).any(|_| ask_and_close(&mut watch, enough)));
        assert!(!ask_and_close(&mut watch, too_little));
        assert!(ask_and_close(&mut watch, too_little));
        let mut watch = Watch::default();
        assert!(!ask_and_close(&mut watch, 0));
        drop(charge);
        assert_eq!(activity.held_bytes(), 0);
        assert!(!(0..10).any(|_| ask_and_close(&mut watch, 0)));
    }

    #[test]
    fn a_socket_that_takes_nothing_is_an_answer_that_is_not_read() {
        let (mut watch, activity) = (Watch::default(), Activity::default());
        activity.begun();
        activity.was_blocked();
        assert_eq!(closed(&mut watch, &activity), Some(UNFINISHED_PERIODS));
        activity.wrote(1);
        assert_eq!(closed(&mut Watch::default(), &activity), Some(1 + IDLE_PERIODS));
    }

    #[tokio::test]
    async fn a_connection_without_any_request_is_spared_least_and_one_at_work_always() {
        use Spare::{Idle, WaitsForClient};
        let (watch, activity) = (Watch::default(), Arc::new(Activity::default()));
        assert_eq!(watch.spare(&activity), Some((Idle, 1)));
        activity.begun();
        assert_eq!(watch.spare(&activity), Some((Idle, 0)), "it was asked lately");
        let answering = Answering::of(activity.clone());
        assert_eq!(watch.spare(&activity), None);
        let never = Body::from_stream(futures_util::stream::pending::<Result<Bytes, std::io::Error>>());
        let mut body = RequestBody::new(never, activity.clone());
        assert!(Pin::new(&mut body).poll_frame(&mut Context::from_waker(Waker::noop())).is_pending());
        assert_eq!(watch.spare(&activity), Some((WaitsForClient, 0)));
        drop((body, answering));
        let charge = Charge::new(activity.clone(), Purpose::Answer, 1);
        assert_eq!(watch.spare(&activity), Some((WaitsForClient, 0)));
        drop(charge);
        let socket = Upgraded::of(activity.upgrade().clone());
        assert_eq!(watch.spare(&activity), Some((Idle, 0)));
        socket.set_known();
        assert_eq!(watch.spare(&activity), None);
        assert!(Idle > WaitsForClient);
    }
}
