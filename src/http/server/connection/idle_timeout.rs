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
pub(crate) enum Evictable {
    /// Only its client can bring it forward: the rest of a body is awaited, or an answer is not read yet.
    WaitsForClient,
    /// There is no request on it.
    Idle,
}

/// What was seen of a connection when it was last looked at.
#[derive(Debug, Default)]
pub(crate) struct IdleTimeout {
    seen: Snapshot,
    quiet_periods: u32,
}

impl IdleTimeout {
    /// Looks again, a period later: whether the connection is to be closed. One on which no whole request has come, whose body does not
    /// come, or whose answers are not read, gets less time than one that may be asked again.
    pub(crate) fn is_exceeded(&mut self, activity: &Activity) -> bool {
        let now = activity.snapshot();
        let written = now.written - self.seen.written;
        let moves = if now.unsent {
            // What else happens does not count: else a client could ask on and on and never read.
            written >= MIN_SENT || now.sent != self.seen.sent
        } else {
            // A WebSocket has clocks of its own.
            now.is_socket || now.is_working || now.progress != self.seen.progress || written > 0
        };
        self.quiet_periods = if moves { 0 } else { self.quiet_periods + 1 };
        self.seen = now;
        let unfinished = now.progress == 0 || now.awaits_body || now.unsent;
        self.quiet_periods >= if unfinished { UNFINISHED_PERIODS } else { IDLE_PERIODS }
    }

    /// Why the connection may be closed for a new one, and for how long nothing has happened on it: the higher, the sooner. `None` if it
    /// may not.
    pub(crate) fn evictable(&self, activity: &Activity) -> Option<(Evictable, u32)> {
        let now = activity.snapshot();
        let evictable = if now.is_working || now.is_authenticated_socket {
            return None;
        } else if now.awaits_body || now.unsent {
            Evictable::WaitsForClient
        } else if now.streams {
            return None;
        } else {
            Evictable::Idle
        };
        let moved = now.progress != self.seen.progress;
        Some((evictable, if moved { 0 } else { self.quiet_periods + 1 }))
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

    use crate::http::server::connection::activity::InFlight;
    use crate::http::server::connection::memory::RequestBody;
    use crate::http::server::connection::memory::{Charge, Purpose};
    use crate::http::server::connection::upgrade::Upgraded;

    use super::*;

    /// In which of the coming periods it is closed, if nothing happens any more.
    fn closed(idle_timeout: &mut IdleTimeout, activity: &Activity) -> Option<u32> {
        (1..=10).find(|_| idle_timeout.is_exceeded(activity))
    }

    #[test]
    fn a_silent_connection_is_closed_soon_and_one_that_has_asked_later() {
        let (mut idle_timeout, activity) = (IdleTimeout::default(), Activity::default());
        assert_eq!(closed(&mut idle_timeout, &activity), Some(UNFINISHED_PERIODS));
        let mut idle_timeout = IdleTimeout::default();
        activity.record_progress();
        // The first time the request is seen.
        assert_eq!(closed(&mut idle_timeout, &activity), Some(1 + IDLE_PERIODS));
    }

    #[tokio::test]
    async fn a_slow_answer_is_waited_for_and_a_body_that_does_not_come_is_not() {
        let (mut idle_timeout, activity) = (IdleTimeout::default(), Arc::new(Activity::default()));
        activity.record_progress();
        let answering = InFlight::new(activity.clone());
        assert_eq!(closed(&mut idle_timeout, &activity), None);
        let never = Body::from_stream(futures_util::stream::pending::<Result<Bytes, std::io::Error>>());
        let mut body = RequestBody::new(never, activity.clone());
        assert!(Pin::new(&mut body).poll_frame(&mut Context::from_waker(Waker::noop())).is_pending());
        assert_eq!(closed(&mut idle_timeout, &activity), Some(UNFINISHED_PERIODS));
        drop(body);
        assert_eq!(closed(&mut IdleTimeout::default(), &activity), None);
        drop(answering);
        assert_eq!(closed(&mut IdleTimeout::default(), &activity), Some(1 + IDLE_PERIODS));
    }

    #[test]
    fn only_sending_keeps_a_connection_alive_whose_answers_are_not_read() {
        let (mut idle_timeout, activity) = (IdleTimeout::default(), Arc::new(Activity::default()));
        let charge = Charge::new(activity.clone(), Purpose::Answer, 1_000_000);
        // Requests go on, and others are being answered.
        let _answering = InFlight::new(activity.clone());
        let ask_and_close = |idle_timeout: &mut IdleTimeout, written| {
            activity.record_progress();
            activity.record_written(written);
            idle_timeout.is_exceeded(&activity)
        };
        let (enough, too_little) = (usize::try_from(MIN_SENT).unwrap(), usize::try_from(MIN_SENT).unwrap() - 1);
        assert!(!(0..10).any(|_| ask_and_close(&mut idle_timeout, enough)));
        assert!(!ask_and_close(&mut idle_timeout, too_little));
        assert!(ask_and_close(&mut idle_timeout, too_little));
        let mut idle_timeout = IdleTimeout::default();
        assert!(!ask_and_close(&mut idle_timeout, 0));
        drop(charge);
        assert_eq!(activity.held_bytes(), 0);
        assert!(!(0..10).any(|_| ask_and_close(&mut idle_timeout, 0)));
    }

    #[test]
    fn a_socket_that_takes_nothing_is_an_answer_that_is_not_read() {
        let (mut idle_timeout, activity) = (IdleTimeout::default(), Activity::default());
        activity.record_progress();
        activity.set_blocked();
        assert_eq!(closed(&mut idle_timeout, &activity), Some(UNFINISHED_PERIODS));
        activity.record_written(1);
        assert_eq!(closed(&mut IdleTimeout::default(), &activity), Some(1 + IDLE_PERIODS));
    }

    #[tokio::test]
    async fn a_connection_without_any_request_is_spared_least_and_one_at_work_always() {
        use Evictable::{Idle, WaitsForClient};
        let (idle_timeout, activity) = (IdleTimeout::default(), Arc::new(Activity::default()));
        assert_eq!(idle_timeout.evictable(&activity), Some((Idle, 1)));
        activity.record_progress();
        assert_eq!(idle_timeout.evictable(&activity), Some((Idle, 0)), "it was asked lately");
        let answering = InFlight::new(activity.clone());
        assert_eq!(idle_timeout.evictable(&activity), None);
        let never = Body::from_stream(futures_util::stream::pending::<Result<Bytes, std::io::Error>>());
        let mut body = RequestBody::new(never, activity.clone());
        assert!(Pin::new(&mut body).poll_frame(&mut Context::from_waker(Waker::noop())).is_pending());
        assert_eq!(idle_timeout.evictable(&activity), Some((WaitsForClient, 0)));
        drop((body, answering));
        let charge = Charge::new(activity.clone(), Purpose::Answer, 1);
        assert_eq!(idle_timeout.evictable(&activity), Some((WaitsForClient, 0)));
        drop(charge);
        let socket = Upgraded::of(activity.upgrade().clone());
        assert_eq!(idle_timeout.evictable(&activity), Some((Idle, 0)));
        socket.set_authenticated();
        assert_eq!(idle_timeout.evictable(&activity), None);
        assert!(Idle > WaitsForClient);
    }
}
