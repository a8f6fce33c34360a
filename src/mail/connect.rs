//! Connecting to the mail server, encrypted as the operator asks for.

use std::io;
use std::net::{IpAddr, SocketAddr};
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
    host: Option<&str>,
) -> Result<AsyncSmtpConnection, Error> {
    let (mut stream, peer) = connect_tcp(server, resolver).await?;
    let name = client_id(host, stream.local_addr().map_err(|_| Error::Protocol)?.ip());
    let stream: Box<dyn AsyncTokioStream> = match server.encryption {
        Encryption::None => Box::new(Wire::new(stream, peer, false)),
        Encryption::Implicit => {
            let stream = tls.connect(&server.host, stream).await.map_err(|_| Error::Tls)?;
            Box::new(Wire::new(stream, peer, false))
        }
        Encryption::StartTls => {
            start_tls(&mut stream, &name).await?;
            let stream = tls.connect(&server.host, stream).await.map_err(|_| Error::Tls)?;
            Box::new(Wire::new(stream, peer, true))
        }
    };
    AsyncSmtpConnection::connect_with_transport(stream, &name).await.map_err(|_| Error::Protocol)
}

/// How this machine names itself: by its name if that is fully qualified, or else by its address. Many mail servers refuse anything else.
fn client_id(host: Option<&str>, address: IpAddr) -> ClientId {
    let is_label =
        |label: &str| !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let is_qualified = |host: &&str| {
        let top = host.rsplit_once('.').map(|(_, top)| top);
        host.split('.').all(is_label) && top.is_some_and(|top| top.bytes().any(|byte| byte.is_ascii_alphabetic()))
    };
    match (host.filter(is_qualified), address.to_canonical()) {
        (Some(host), _) => ClientId::Domain(host.to_owned()),
        (None, IpAddr::V4(address)) => ClientId::Ipv4(address),
        (None, IpAddr::V6(address)) => ClientId::Ipv6(address),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_names_itself_by_a_name_that_is_fully_qualified_or_by_its_address() {
        let said = |host, address: &str| client_id(host, address.parse().unwrap()).to_string();
        assert_eq!(said(Some("mail.example.com"), "10.0.0.1"), "mail.example.com");
        for host in [
            None,
            Some(""),
            Some("a1b2c3d4"),
            Some("rotakey."),
            Some(".com"),
            Some("a..b"),
            Some("10.0.0.1"),
            Some("a b.com"),
        ] {
            assert_eq!(said(host, "10.0.0.1"), "[10.0.0.1]", "{host:?}");
            assert_eq!(said(host, "::ffff:10.0.0.1"), "[10.0.0.1]", "{host:?}");
            assert_eq!(said(host, "2001:db8::1"), "[IPv6:2001:db8::1]", "{host:?}");
        }
    }
}
