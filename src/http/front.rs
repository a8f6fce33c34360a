//! What serves a connection: some doors at once, and everything else by the routes.
//!
//! Separate, because a gateway asks about every request of its own clients. To find a route, and to pass through the layers
//! around it, takes longer than a whole verification; so the doors by which values are verified have their way in before the
//! routes. What the layers do for the others, these do themselves, by `Line`: name, log, and catch panics.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;

use axum::body::{Bytes, HttpBody};
use axum::extract::ConnectInfo;
use axum::http::Request;
use axum::response::Response;
use axum::serve::Listener;
use axum::{BoxError, Router};
use futures_util::future::Either;
use hyper::body::Incoming;
use hyper::service::Service;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;

use super::activity::{self, Activity, Awaited, Connections};
use super::{Doors, forward_auth, graphql, introspect, requests};

/// How many requests of a connection over HTTP/2 are answered at once. Each may have a body that is held until it is whole, and anybody
/// can begin one.
const MAX_STREAMS: u32 = 32;

/// All doors, before anybody has come.
pub struct Front {
    doors: Doors,
    routes: Router,
}

impl Front {
    pub(super) fn new(doors: Doors, routes: Router) -> Self {
        Self { doors, routes }
    }

    /// What serves the requests that come from this address.
    pub fn connect(self: &Arc<Self>, peer: SocketAddr) -> Connection {
        Connection { front: self.clone(), peer, activity: Arc::default() }
    }

    /// Serves until `stop` is over; then lets nobody in, and returns when those who are in have their answers.
    pub async fn serve(self, mut listener: TcpListener, stop: impl Future<Output = ()>) {
        let front = Arc::new(self);
        let mut builder = Builder::new(TokioExecutor::new());
        // Nearly every answer is small, and to send it as one text is less work than as a list of texts.
        builder.http1().writev(false);
        builder.http2().max_concurrent_streams(MAX_STREAMS);
        let (graceful, mut connections) = (GracefulShutdown::new(), Connections::new());
        let mut stop = pin!(stop);
        loop {
            let (stream, peer) = tokio::select! {
                accepted = Listener::accept(&mut listener) => accepted,
                () = connections.look_after() => continue,
                () = &mut stop => break,
            };
            let connection = front.connect(peer);
            let activity = connection.activity.clone();
            let served = builder.serve_connection_with_upgrades(TokioIo::new(stream), connection);
            let served = graceful.watch(served.into_owned());
            connections.add(activity, async move {
                if let Err(cause) = served.await {
                    tracing::debug!(%cause, "a connection broke off");
                }
            });
        }
        drop(listener);
        tokio::select! {
            () = graceful.shutdown() => {}
            () = connections.look_after() => {}
        }
        connections.detach();
    }
}

/// What serves the requests of one connection.
pub struct Connection {
    front: Arc<Front>,
    peer: SocketAddr,
    activity: Arc<Activity>,
}

/// How an answer comes to be: at once, or by waiting.
pub type Answering = Either<Ready<Answered>, Pin<Box<dyn Future<Output = Answered> + Send>>>;
type Answered = Result<Response, Infallible>;

impl Connection {
    /// Answers a request.
    pub fn answer<B>(&self, mut request: Request<B>) -> Answering
    where
        B: HttpBody<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<BoxError>,
    {
        self.activity.begun();
        let (doors, peer) = (&self.front.doors, self.peer.ip());
        let path = request.uri().path();
        if let Some(address) = forward_auth::Address::of(path) {
            if let Some(answer) = requests::at_once(|| forward_auth::at_once(doors, address, peer, &mut request)) {
                return Either::Left(ready(Ok(answer)));
            }
            let (doors, head) = (doors.clone(), request.into_parts().0);
            return self.later(async move { forward_auth::serve(&doors, address, peer, head).await });
        }
        let route = graphql::ROUTES.into_iter().find(|route| *route == path);
        let introspects = path == introspect::ROUTE;
        let mut request = request.map(|body| Awaited::new(body, self.activity.clone()));
        if let Some(route) = route {
            let doors = doors.clone();
            return self.later(async move { graphql::serve(&doors, route, peer, request).await });
        }
        if introspects {
            let doors = doors.clone();
            return self.later(async move { introspect::serve(&doors, peer, request).await });
        }
        request.extensions_mut().insert(ConnectInfo(self.peer));
        let routed = tower_service::Service::call(&mut self.front.routes.clone(), request);
        self.later(async move {
            let Ok(answer) = routed.await;
            answer
        })
    }

    fn later(&self, answer: impl Future<Output = Response> + Send + 'static) -> Answering {
        let answering = activity::Answering::of(self.activity.clone());
        Either::Right(Box::pin(async move { Ok(answering.hold(answer.await)) }))
    }
}

impl Service<Request<Incoming>> for Connection {
    type Response = Response;
    type Error = Infallible;
    type Future = Answering;

    fn call(&self, request: Request<Incoming>) -> Answering {
        self.answer(request)
    }
}
