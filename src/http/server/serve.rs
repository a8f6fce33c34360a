//! The listener: lets clients in, serves their connections, and stops in steps.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;

use futures_util::FutureExt;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::OwnedSemaphorePermit;

use super::connection::{Activity, OpenConnections, Socket};
use super::dispatch::Server;
use super::shutdown::Shutdown;

/// How many requests of a connection over HTTP/2 are answered at once. Each may have a body that is held until it is whole, and anybody
/// can begin one.
const MAX_STREAMS: u32 = 32;
/// How much a connection holds of what it reads and, over HTTP/1, of what it writes, in bytes. The head of a request is no longer.
const MAX_BUFFER: usize = 65_536;
/// How much of a request's body may wait unread over HTTP/2, in bytes, and how much of all those of a connection.
const STREAM_WINDOW: u32 = 65_536;
const CONNECTION_WINDOW: u32 = 262_144;

/// What serves every connection in the same way.
struct Acceptor {
    server: Arc<Server>,
    builder: Builder<TokioExecutor>,
    shutdown: Shutdown,
}

impl Server {
    /// Serves until the server closes, and returns when the requests in flight have been answered. A client that keeps it waiting is let go
    /// after five seconds.
    pub async fn serve(self, listener: TcpListener) {
        let mut connections = OpenConnections::new(self.state().max_connections, self.state().max_held_bytes);
        let shutdown = self.state().shutdown.clone();
        let closing = shutdown.closing();
        let acceptor = Acceptor { server: Arc::new(self), builder: builder(), shutdown };
        loop {
            tokio::select! {
                biased;
                () = closing.cancelled() => break,
                client = connections.accept(&listener) => acceptor.serve(&mut connections, client),
            }
        }
        // Who has connected already expects to be served; the operating system would break these connections off.
        while let Some(client) = connections.accept(&listener).now_or_never() {
            acceptor.serve(&mut connections, client);
        }
        drop(listener);
        connections.finish().await;
    }
}

impl Acceptor {
    fn serve(&self, connections: &mut OpenConnections, client: (TcpStream, SocketAddr, OwnedSemaphorePermit)) {
        let (stream, peer, place) = client;
        let activity = connections.activity();
        let connection = self.server.connect_as(peer, activity.clone());
        let socket = TokioIo::new(Socket::new(stream, activity.clone(), place));
        let served = self.builder.serve_connection_with_upgrades(socket, connection).into_owned();
        let (counters, shutdown) = (activity.clone(), self.shutdown.clone());
        connections.add(activity, async move {
            let mut served = pin!(served);
            let served = tokio::select! {
                biased;
                served = &mut served => served,
                () = must_end(&shutdown, &counters) => {
                    served.as_mut().graceful_shutdown();
                    served.await
                }
            };
            if let Err(cause) = served {
                tracing::debug!(%cause, "a connection broke off");
            }
            counters.upgrade().ended().await;
        });
    }
}

/// Waits until the connection is to answer what it was asked and then to end. Over HTTP/2 that can be said without failing the client's
/// next request (GOAWAY, RFC 9113, section 6.8); over HTTP/1 only with an answer, so the connection stays open for a last request.
async fn must_end(shutdown: &Shutdown, activity: &Activity) {
    shutdown.draining().cancelled_owned().await;
    if !activity.is_multiplexed() {
        shutdown.closing().cancelled_owned().await;
    }
}

fn builder() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    let mut http1 = builder.http1();
    // Nearly every answer is small, and to send it as one text is less work than as a list of texts.
    http1.writev(false);
    http1.max_buf_size(MAX_BUFFER);
    // A client that closes its sending side after the request still gets its answer.
    http1.half_close(true);
    let mut http2 = builder.http2();
    http2.max_concurrent_streams(MAX_STREAMS);
    http2.max_send_buf_size(MAX_BUFFER);
    http2.initial_stream_window_size(STREAM_WINDOW);
    http2.initial_connection_window_size(CONNECTION_WINDOW);
    builder
}
