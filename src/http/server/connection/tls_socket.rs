//! A connection with TLS.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::tls;

use super::activity::Activity;
use super::socket::Socket;

/// A socket whose bytes are encrypted. Beneath it, [`Socket`] counts those that are written.
pub(crate) struct TlsSocket {
    stream: tls::Stream<Socket>,
    activity: Arc<Activity>,
    /// A byte that was read to find out whether the client is still there, before anyone asked for it.
    read_ahead: Option<u8>,
    is_half_closed: bool,
}

impl TlsSocket {
    pub(crate) fn new(stream: tls::Stream<Socket>, activity: Arc<Activity>) -> Self {
        Self { stream, activity, read_ahead: None, is_half_closed: false }
    }

    /// As [`Socket`] does without TLS. A client that closes its sending side says so in an encrypted record (`close_notify`), so this reads
    /// instead of peeking. Over HTTP/2, hyper always reads by itself.
    fn detect_half_close(&mut self, context: &mut Context<'_>) {
        if self.is_half_closed || self.read_ahead.is_some() {
            return;
        }
        if !self.activity.has_streams() || self.activity.is_multiplexed() {
            return;
        }
        let mut byte = [0];
        let mut buffer = ReadBuf::new(&mut byte);
        match Pin::new(&mut self.stream).poll_read(context, &mut buffer) {
            Poll::Pending => {}
            Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {
                self.read_ahead = buffer.filled().first().copied();
                // The socket no longer wakes the reader for this byte.
                context.waker().wake_by_ref();
            }
            // Without a close_notify, it is an error, but the client is gone all the same.
            Poll::Ready(_) => {
                self.is_half_closed = true;
                self.activity.set_half_closed();
            }
        }
    }
}

impl AsyncRead for TlsSocket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if buffer.remaining() > 0
            && let Some(byte) = self.read_ahead.take()
        {
            buffer.put_slice(&[byte]);
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for TlsSocket {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.detect_half_close(context);
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
