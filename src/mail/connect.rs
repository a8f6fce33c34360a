//! Connecting to the mail server, encrypted as the operator asks for.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use lettre::transport::smtp::client::{AsyncSmtpConnection, AsyncTokioStream};
use lettre::transport::smtp::extension::ClientId;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::outgoing::Resolve;
use crate::tls::Connector;

use super::error::Error;
use super::server::{Encryption, MailServer};
use super::wire::Wire;

/// How long one address may take to accept a connection, so that there is time for the next one.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How long an answer before STARTTLS may be.
const MAX_REPLY_BYTES: usize = 8_192;

/// A connection over which mails can be sent.
pub(super) async fn connect(
    server: &MailServer,
    resolver: &dyn Resolve,
    tls: &Connector,
    name: &ClientId,
) -> Result<AsyncSmtpConnection, Error> {
    let (mut stream, peer) = connect_tcp(server, resolver).await?;
    let stream: Box<dyn AsyncTokioStream> = match server.encryption {
        Encryption::None => Box::new(Wire::new(stream, peer, false)),
        Encryption::Implicit => {
            let stream = tls.connect(&server.host, stream).await.map_err(|_| Error::Tls)?;
            Box::new(Wire::new(stream, peer, false))
        }
        Encryption::StartTls => {
            start_tls(&mut stream, name).await?;
            let stream = tls.connect(&server.host, stream).await.map_err(|_| Error::Tls)?;
            Box::new(Wire::new(stream, peer, true))
        }
    };
    AsyncSmtpConnection::connect_with_transport(stream, name).await.map_err(|_| Error::Protocol)
}

async fn connect_tcp(server: &MailServer, resolver: &dyn Resolve) -> Result<(TcpStream, SocketAddr), Error> {
    let addresses = match server.host.parse() {
        Ok(address) => vec![SocketAddr::new(address, server.port)],
        Err(_) => resolver.resolve(server.host.clone(), server.port).await.map_err(|_| Error::Resolve)?,
    };
    let mut failure = Error::Resolve;
    for address in addresses {
        let connected = timeout(TIMEOUT, TcpStream::connect(address)).await;
        match connected.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())) {
            Ok(stream) => return Ok((stream, address)),
            Err(cause) => failure = Error::Connect(cause.kind()),
        }
    }
    Err(failure)
}

/// Asks for STARTTLS (RFC 3207). Nothing is read beyond its answer, so that no answer to a later command can be slipped in before TLS.
async fn start_tls(stream: &mut TcpStream, name: &ClientId) -> Result<(), Error> {
    reply(stream, "220").await?;
    let hello = format!("EHLO {name}\r\n");
    stream.write_all(hello.as_bytes()).await.map_err(|_| Error::Protocol)?;
    let offered = reply(stream, "250").await?;
    if !offered.lines().any(|line| line.get(4..).is_some_and(|name| name.trim().eq_ignore_ascii_case("STARTTLS"))) {
        return Err(Error::NoStartTls);
    }
    stream.write_all(b"STARTTLS\r\n").await.map_err(|_| Error::Protocol)?;
    reply(stream, "220").await?;
    Ok(())
}

/// Reads an answer with this status, one byte after the other.
async fn reply(stream: &mut TcpStream, status: &str) -> Result<String, Error> {
    let (mut text, mut line) = (Vec::new(), 0);
    while text.len() < MAX_REPLY_BYTES {
        let byte = stream.read_u8().await.map_err(|_| Error::Protocol)?;
        text.push(byte);
        if byte == b'\n' {
            // The last line has a space after the status.
            let is_last = text.get(line + 3).is_none_or(|byte| *byte != b'-');
            line = text.len();
            if is_last {
                let text = String::from_utf8(text).map_err(|_| Error::Protocol)?;
                return if text.starts_with(status) { Ok(text) } else { Err(Error::Protocol) };
            }
        }
    }
    Err(Error::Protocol)
}
