//! The idle timeout of a connection, and which connections are closed to make room for new ones. Only the rules, without sockets and
//! clocks.

use super::activity::{Activity, Snapshot};

/// For how many periods a request may be incomplete, or a response unread. The first period may be of zero length.
const UNFINISHED_PERIODS: u32 = 2;
/// For how many periods a connection may be idle between two requests. Gateways keep connections for about a minute.
const IDLE_PERIODS: u32 = 6;
/// The minimum of bytes sent in a period while there are unsent ones: about 1 KiB a second.
const MIN_SENT: u64 = 16_384;

/// Why a connection may be closed to make room for a new one. Later variants are closed first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Evictable {
    /// It only waits for its client: to send the rest of a body, or to read a response.
    WaitsForClient,
    /// There is no request on it.
    Idle,
}

/// The counters of a connection at the last check, and for how long it has made no progress.
#[derive(Debug, Default)]
pub(crate) struct IdleTimeout {
    seen: Snapshot,
    quiet_periods: u32,
}

impl IdleTimeout {
    /// The check after every period: whether the connection must be closed. A connection without a complete request, with an incomplete
    /// body or with unread responses gets less time than one between two requests.
    pub(crate) fn is_exceeded(&mut self, activity: &Activity) -> bool {
        let now = activity.snapshot();
        let written = now.written - self.seen.written;
        let progresses = if now.unsent {
            // Only sending counts. Otherwise a client could send requests forever and never read a response.
            written >= MIN_SENT || now.sent != self.seen.sent
        } else {
            // WebSockets have their own timeouts.
            now.is_socket || now.is_working || now.progress != self.seen.progress || written > 0
        };
        self.quiet_periods = if progresses { 0 } else { self.quiet_periods + 1 };
        self.seen = now;
        let unfinished = now.progress == 0 || now.awaits_body || now.unsent;
        self.quiet_periods >= if unfinished { UNFINISHED_PERIODS } else { IDLE_PERIODS }
    }

    /// Why the connection may be closed for a new one, and for how many periods it has made no progress. The greater, the sooner. `None`
    /// if it must stay open.
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
        let progressed = now.progress != self.seen.progress;
        Some((evictable, if progressed { 0 } else { self.quiet_periods + 1 }))
    }

    /// For how many periods the connection has made no progress.
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

    /// The number of the period in which the connection is closed, if nothing more happens.
    fn closed(idle_timeout: &mut IdleTimeout, activity: &Activity) -> Option<u32> {
        (1..=10).find(|_| idle_timeout.is_exceeded(activity))
    }

    #[test]
    fn a_silent_connection_is_closed_soon_and_one_that_has_asked_later() {
        let (mut idle_timeout, activity) = (IdleTimeout::default(), Activity::default());
        assert_eq!(closed(&mut idle_timeout, &activity), Some(UNFINISHED_PERIODS));
        let mut idle_timeout = IdleTimeout::default();
        activity.record_progress();
        // The first check sees the request as progress.
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
        // Further requests arrive, and one is in flight.
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
    async fn a_connection_without_a_request_is_closed_first_and_one_with_a_request_in_flight_never() {
        use Evictable::{Idle, WaitsForClient};
        let (idle_timeout, activity) = (IdleTimeout::default(), Arc::new(Activity::default()));
        assert_eq!(idle_timeout.evictable(&activity), Some((Idle, 1)));
        activity.record_progress();
        assert_eq!(idle_timeout.evictable(&activity), Some((Idle, 0)), "a request arrived since the last check");
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
