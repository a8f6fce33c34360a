//! The socket of a client. It counts the bytes written, because only writing keeps a connection with unsent responses alive.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;

use super::activity::Activity;

/// A socket with the permit of its connection, which it keeps when it becomes a WebSocket.
#[derive(Debug)]
pub(crate) struct Socket {
    stream: TcpStream,
    activity: Arc<Activity>,
    is_half_closed: bool,
    _permit: OwnedSemaphorePermit,
}

impl Socket {
    pub(crate) fn new(stream: TcpStream, activity: Arc<Activity>, permit: OwnedSemaphorePermit) -> Self {
        Self { stream, activity, is_half_closed: false, _permit: permit }
    }

    /// Waits for the first byte from the client, and leaves it to be read.
    pub(crate) async fn peek_first_byte(&self) -> io::Result<u8> {
        let mut byte = [0];
        if self.stream.peek(&mut byte).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(byte[0])
    }

    fn count(&self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match &written {
            Poll::Pending => self.activity.set_blocked(),
            Poll::Ready(Ok(bytes)) => self.activity.record_written(*bytes),
            Poll::Ready(Err(_)) => {}
        }
        written
    }
}

impl Socket {
    /// Detects that the client closed its sending side while an event stream is sent. hyper reads nothing during an HTTP/1 response,
    /// so that a half-closed client still gets it, but an event stream would never notice a client that is gone.
    fn detect_half_close(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        if self.is_half_closed || !self.activity.has_streams() {
            return Ok(());
        }
        let mut byte = [0];
        if let Poll::Ready(peeked) = self.stream.poll_peek(context, &mut ReadBuf::new(&mut byte)) {
            self.is_half_closed = peeked? == 0;
            if self.is_half_closed {
                self.activity.set_half_closed();
            }
        }
        Ok(())
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.count(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, parts);
        self.count(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.detect_half_close(context)?;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
