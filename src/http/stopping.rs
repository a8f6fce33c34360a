//! How the server stops, step by step, and what lasts longer than a request: sockets and event streams, which must end when it does.

use std::convert::Infallible;

use tokio::sync::{mpsc, watch};

/// How far the server has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// It serves.
    #[default]
    Serving,
    /// It has been asked to stop and still serves, but tells clients and load balancers to go elsewhere.
    Draining,
    /// It lets nobody in, and answers what is in flight.
    Closing,
}

/// What a socket or event stream holds as long as it lasts.
#[derive(Clone, Debug)]
pub struct Lease {
    phase: watch::Receiver<Phase>,
    _held: mpsc::Sender<Infallible>,
}

/// Where is waited until nothing lasts any more.
#[derive(Debug)]
pub struct Ended(mpsc::Receiver<Infallible>);

impl Lease {
    /// Leases that end with the phase `Closing`, and the place to wait for that.
    pub fn new(phase: watch::Receiver<Phase>) -> (Self, Ended) {
        let (held, ended) = mpsc::channel(1);
        (Self { phase, _held: held }, Ended(ended))
    }

    /// Whether the server has been asked to stop.
    pub(super) fn is_stopping(&self) -> bool {
        *self.phase.borrow() > Phase::Serving
    }

    /// Waits until this phase, or a later one.
    pub(super) async fn reached(&mut self, least: Phase) {
        // An error means that nobody can ask any more, which is as good as being asked.
        let _ = self.phase.wait_for(|phase| *phase >= least).await;
    }

    /// Waits until what lasts must end.
    pub(super) async fn ended(&mut self) {
        self.reached(Phase::Closing).await;
    }

    /// The phases alone, which nobody waits for.
    pub(super) fn phase(&self) -> watch::Receiver<Phase> {
        self.phase.clone()
    }
}

impl Ended {
    /// Waits until every lease has been given back.
    pub async fn wait(mut self) {
        while self.0.recv().await.is_some() {}
    }
}
