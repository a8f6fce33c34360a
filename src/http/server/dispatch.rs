//! Dispatch: endpoints that verify are matched by path before the router. All other requests go through axum's router.
//!
//! A gateway verifies every request of its own clients. Routing and middleware take longer than a whole verification, so these
//! endpoints skip both. They use `RequestLog` themselves for request ids, logging and panics.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use axum::body::{Bytes, HttpBody};
use axum::extract::ConnectInfo;
use axum::http::header::CONNECTION;
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderValue, Request, Uri, Version};
use axum::response::Response;
use axum::{BoxError, Router};
use futures_util::future::Either;
use hyper::body::Incoming;
use hyper::service::Service;

use crate::http::graphql;
use crate::http::state::AppState;
use crate::http::verify::{forward_auth, introspect};
use crate::tls::Tls;

use super::connection::{Activity, ConnectionCounts, InFlight, RequestBody, bounded};

/// The server: all endpoints.
pub struct Server {
    state: AppState,
    routes: Router,
    /// Whether it has the endpoints that are matched before the routes.
    verifies: bool,
    /// What answers clients that do not use TLS, at an address where they must.
    plain_http: Option<Arc<Self>>,
}

impl Server {
    pub(in crate::http) fn new(state: AppState, routes: Router) -> Self {
        Self { state, routes, verifies: true, plain_http: None }
    }

    /// A server that has nothing but these routes.
    pub(in crate::http) fn of_routes(state: AppState, routes: Router) -> Self {
        Self { state, routes, verifies: false, plain_http: None }
    }

    /// The same server, where TLS is configured: another answers clients that do not use it.
    pub(in crate::http) fn with_plain_http(self, plain_http: Self) -> Self {
        Self { plain_http: Some(Arc::new(plain_http)), ..self }
    }

    /// A connection from this peer.
    pub fn connect(self: &Arc<Self>, peer: SocketAddr) -> Connection {
        self.connect_as(peer, Arc::default())
    }

    /// Like [`Server::connect`], with these counters.
    pub(crate) fn connect_as(self: &Arc<Self>, peer: SocketAddr, activity: Arc<Activity>) -> Connection {
        Connection { server: self.clone(), peer, activity }
    }

    /// TLS for the clients of this address, and what answers others.
    pub(super) fn tls(&self) -> Option<(&Tls, &Arc<Self>)> {
        self.state.tls.as_ref().zip(self.plain_http.as_ref())
    }

    pub(in crate::http) fn state(&self) -> &AppState {
        &self.state
    }

    /// What counts the connections of this address.
    pub(super) fn connection_counts(&self) -> &Arc<ConnectionCounts> {
        if self.verifies { &self.state.connections } else { &self.state.metrics_connections }
    }

    /// Sends `Connection: close` while the server drains, so that the client reconnects elsewhere. HTTP/2 has GOAWAY frames for this.
    fn close_if_draining(&self, version: Version, response: &mut Response) {
        if version < Version::HTTP_2 && self.state.shutdown.is_draining() {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
    }
}

/// Serves the requests of one connection.
pub struct Connection {
    server: Arc<Server>,
    peer: SocketAddr,
    activity: Arc<Activity>,
}

/// A response that is ready, or the future of one.
pub type ResponseFuture = Either<Ready<Answered>, Pin<Box<dyn Future<Output = Answered> + Send>>>;
type Answered = Result<Response, Infallible>;

impl Connection {
    /// Answers a request.
    pub fn answer<B>(&self, mut request: Request<B>) -> ResponseFuture
    where
        B: HttpBody<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<BoxError>,
    {
        self.activity.record_progress();
        let version = request.version();
        if version == Version::HTTP_2 {
            self.activity.set_multiplexed();
        }
        let (state, peer) = (&self.server.state, self.peer.ip());
        if !self.server.verifies {
            return self.routed(request.map(|body| RequestBody::new(body, self.activity.clone())));
        }
        let path = request.uri().path();
        if let Some(verify_path) = forward_auth::VerifyPath::parse(path) {
            let mut trace = forward_auth::begin_trace(state, verify_path, &request);
            if let Some(mut answer) = forward_auth::try_now(state, verify_path, peer, &mut request, &mut trace) {
                self.server.close_if_draining(version, &mut answer);
                return Either::Left(ready(Ok(answer)));
            }
            let (state, head) = (state.clone(), request.into_parts().0);
            return self.serve_async(version, async move {
                forward_auth::serve(&state, verify_path, peer, head, trace).await
            });
        }
        if let Some(uri) = without_trailing_slash(request.uri()) {
            *request.uri_mut() = uri;
        }
        let path = request.uri().path();
        let route = graphql::ROUTES.into_iter().find(|route| *route == path);
        let introspects = path == introspect::ROUTE;
        let mut request = request.map(|body| RequestBody::new(body, self.activity.clone()));
        if let Some(route) = route {
            if graphql::is_handshake(request.headers()) {
                request.extensions_mut().insert(self.activity.upgrade().clone());
            }
            let state = state.clone();
            return self.serve_async(version, async move { graphql::serve(&state, route, peer, request).await });
        }
        if introspects {
            let state = state.clone();
            return self.serve_async(version, async move { introspect::serve(&state, peer, request).await });
        }
        self.routed(request)
    }

    /// Answers by the routes.
    fn routed<B>(&self, mut request: Request<RequestBody<B>>) -> ResponseFuture
    where
        B: HttpBody<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<BoxError>,
    {
        let version = request.version();
        request.extensions_mut().insert(ConnectInfo(self.peer));
        let routed = tower_service::Service::call(&mut self.server.routes.clone(), request);
        self.serve_async(version, async move {
            let Ok(answer) = routed.await;
            answer
        })
    }

    /// Runs a handler that may wait. It does not start while the client has too many unread bytes.
    fn serve_async(&self, version: Version, answer: impl Future<Output = Response> + Send + 'static) -> ResponseFuture {
        let (server, activity) = (self.server.clone(), self.activity.clone());
        Either::Right(Box::pin(async move {
            if activity.is_full() {
                activity.until_not_full().await;
            }
            let answering = InFlight::new(activity.clone());
            let mut response = bounded(&activity, answer.await);
            drop(answering);
            server.close_if_draining(version, &mut response);
            Ok(response)
        }))
    }
}

/// The URI without its trailing slash, if it has exactly one. Both spellings work: many clients would turn a redirected POST into a
/// GET.
fn without_trailing_slash(uri: &Uri) -> Option<Uri> {
    let path = uri.path().strip_suffix('/').filter(|path| !path.is_empty() && !path.ends_with('/'))?;
    let shorter = match uri.query() {
        Some(query) => PathAndQuery::try_from(format!("{path}?{query}")),
        None => PathAndQuery::try_from(path),
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(shorter.ok()?);
    Uri::from_parts(parts).ok()
}

impl Service<Request<Incoming>> for Connection {
    type Response = Response;
    type Error = Infallible;
    type Future = ResponseFuture;

    fn call(&self, request: Request<Incoming>) -> ResponseFuture {
        self.answer(request)
    }
}
