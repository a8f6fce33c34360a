//! The accept loop: accepts connections, with TLS if it is configured, serves them with hyper, and shuts down gracefully.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;

use futures_util::FutureExt;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::OwnedSemaphorePermit;

use crate::tls::Tls;

use super::connection::{Activity, OpenConnections, Socket, TlsSocket};
use super::dispatch::Server;
use super::shutdown::Shutdown;

/// The concurrent requests of one HTTP/2 connection. Each may have a body that is buffered, and needs no credential to start.
const MAX_STREAMS: u32 = 32;
/// The read buffer of a connection and, over HTTP/1, its write buffer, in bytes. The head of a request must fit into it.
const MAX_BUFFER: usize = 65_536;
/// The HTTP/2 flow-control windows, in bytes: of one request body, and of all bodies of a connection together.
const STREAM_WINDOW: u32 = 65_536;
const CONNECTION_WINDOW: u32 = 262_144;

/// Serves accepted connections.
struct Acceptor {
    server: Arc<Server>,
    builder: Builder<TokioExecutor>,
    shutdown: Shutdown,
}

impl Server {
    /// Serves until the server closes, and returns when the requests in flight have been answered. Connections that only wait for
    /// their client are closed after five seconds.
    pub async fn serve(self, listener: TcpListener) {
        let (budget, counts) = (self.state().budget.clone(), self.connection_counts().clone());
        let mut connections = OpenConnections::new(self.state().max_connections, budget, counts);
        let shutdown = self.state().shutdown.clone();
        let closing = shutdown.closing();
        let acceptor = Arc::new(Acceptor { server: Arc::new(self), builder: builder(), shutdown });
        loop {
            tokio::select! {
                biased;
                () = closing.cancelled() => break,
                client = connections.accept(&listener) => acceptor.serve(&mut connections, client),
            }
        }
        // Serve what is in the backlog already. The operating system would reset these connections.
        while let Some(client) = connections.accept(&listener).now_or_never() {
            acceptor.serve(&mut connections, client);
        }
        drop(listener);
        connections.finish().await;
    }
}

impl Acceptor {
    fn serve(
        self: &Arc<Self>,
        connections: &mut OpenConnections,
        client: (TcpStream, SocketAddr, OwnedSemaphorePermit),
    ) {
        let (stream, peer, permit) = client;
        let activity = connections.activity();
        let socket = Socket::new(stream, activity.clone(), permit);
        let (acceptor, counters) = (self.clone(), activity.clone());
        connections.add(activity, async move {
            match acceptor.server.tls() {
                None => acceptor.serve_requests(&acceptor.server, peer, socket, counters).await,
                Some((tls, plain_http)) => acceptor.serve_tls(tls, plain_http, (socket, peer), counters).await,
            }
        });
    }

    /// Serves a client at an address with TLS. Until the first request, the connection is as one whose request has not arrived.
    async fn serve_tls(
        &self,
        tls: &Tls,
        plain_http: &Arc<Server>,
        client: (Socket, SocketAddr),
        activity: Arc<Activity>,
    ) {
        let (socket, peer) = client;
        let stream = match socket.peek_first_byte().await {
            Ok(byte) if tls.is_plain_http(byte) => {
                return self.serve_requests(plain_http, peer, socket, activity).await;
            }
            Ok(_) => tls.accept(socket).await,
            Err(cause) => Err(cause.into()),
        };
        match stream {
            Ok(stream) => {
                self.serve_requests(&self.server, peer, TlsSocket::new(stream, activity.clone()), activity).await
            }
            Err(cause) => tracing::debug!(name: "connection_failed", %cause, "connection failed"),
        }
    }

    /// Serves the requests on a connection until it ends.
    async fn serve_requests<S>(&self, server: &Arc<Server>, peer: SocketAddr, socket: S, activity: Arc<Activity>)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let connection = server.connect_as(peer, activity.clone());
        let mut served = pin!(self.builder.serve_connection_with_upgrades(TokioIo::new(socket), connection));
        let served = tokio::select! {
            biased;
            served = &mut served => served,
            () = must_end(&self.shutdown, &activity) => {
                served.as_mut().graceful_shutdown();
                served.await
            }
        };
        if let Err(cause) = served {
            tracing::debug!(name: "connection_failed", %cause, "connection failed");
        }
        activity.upgrade().ended().await;
    }
}

/// Waits until the connection must finish its requests and end. With HTTP/2 that is when the server drains: GOAWAY (RFC 9113, section
/// 6.8) does not fail the client's next request. With HTTP/1 only a response can say so, so it stays open until the server closes.
async fn must_end(shutdown: &Shutdown, activity: &Activity) {
    shutdown.draining().cancelled_owned().await;
    if !activity.is_multiplexed() {
        shutdown.closing().cancelled_owned().await;
    }
}

fn builder() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    let mut http1 = builder.http1();
    // Nearly every response is small, and one contiguous write costs less than a vectored one.
    http1.writev(false);
    http1.max_buf_size(MAX_BUFFER);
    // A client that closes its sending side after the request still gets its response.
    http1.half_close(true);
    let mut http2 = builder.http2();
    http2.max_concurrent_streams(MAX_STREAMS);
    http2.max_send_buf_size(MAX_BUFFER);
    http2.initial_stream_window_size(STREAM_WINDOW);
    http2.initial_connection_window_size(CONNECTION_WINDOW);
    builder
}
