//! What lasts longer than a request, sockets and event streams, must end when the server stops: it is told so here, and the
//! server waits here until all have.

use std::convert::Infallible;

use tokio::sync::{mpsc, watch};

/// What a socket or event stream holds as long as it lasts.
#[derive(Clone, Debug)]
pub struct Lease {
    stop: watch::Receiver<bool>,
    _held: mpsc::Sender<Infallible>,
}

/// Where is waited until nothing lasts any more.
#[derive(Debug)]
pub struct Ended(mpsc::Receiver<Infallible>);

impl Lease {
    /// Leases that end when `stop` turns true, and the place to wait for that.
    pub fn new(stop: watch::Receiver<bool>) -> (Self, Ended) {
        let (held, ended) = mpsc::channel(1);
        (Self { stop, _held: held }, Ended(ended))
    }

    /// Waits until the server is asked to stop.
    pub(super) async fn ended(&mut self) {
        // An error means that nobody can ask any more, which is as good as being asked.
        let _ = self.stop.wait_for(|stop| *stop).await;
    }
}

impl Ended {
    /// Waits until every lease has been given back.
    pub async fn wait(mut self) {
        while self.0.recv().await.is_some() {}
    }
}
