//! `rotakey healthcheck`: asks the server on this machine for `/readyz`. An image without a shell has nothing else that can ask.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, lookup_host};

use crate::config::{HealthCheckFlags, Listen, Sources, from_this_machine};

use super::error::Error;

/// How long the server may take to answer. `/readyz` waits for nothing.
const DEADLINE: Duration = Duration::from_secs(4);
/// More than any answer of `/readyz`.
const MAX_ANSWER_BYTES: u64 = 16_384;

pub(super) async fn run(flags: &HealthCheckFlags, sources: &Sources) -> Result<(), Error> {
    let address = sources.check(flags.validate())?;
    let asked = tokio::time::timeout(DEADLINE, ask(&address)).await;
    let too_late =
        || io::Error::new(io::ErrorKind::TimedOut, format!("no answer within {} seconds", DEADLINE.as_secs()));
    let answer = match asked.unwrap_or_else(|_| Err(too_late())) {
        Ok(answer) => answer,
        Err(source) => return Err(Error::NoAnswer { address, source }),
    };
    if is_ok(&answer) {
        return Ok(());
    }
    let answer = answer.rsplit("\r\n").next().unwrap_or_default().to_owned();
    Err(Error::NotReady { address, answer })
}

/// The answer to `GET /readyz`.
///
/// # Errors
/// When nothing answers, or when the answer is not HTTP.
async fn ask(address: &Listen) -> io::Result<String> {
    let mut stream = connect(address).await?;
    stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await?;
    let mut answer = Vec::new();
    stream.take(MAX_ANSWER_BYTES).read_to_end(&mut answer).await?;
    if !answer.starts_with(b"HTTP/1.1 ") {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "what listens there does not speak HTTP"));
    }
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

async fn connect(address: &Listen) -> io::Result<TcpStream> {
    match address {
        Listen::Address(address) => {
            // A server that listens on `[::]` listens on IPv4 alone where there is no IPv6.
            let without_ipv6 =
                (address.ip() == Ipv6Addr::UNSPECIFIED).then(|| (Ipv4Addr::LOCALHOST, address.port()).into());
            let addresses: Vec<_> = [from_this_machine(*address)].into_iter().chain(without_ipv6).collect();
            TcpStream::connect(addresses.as_slice()).await
        }
        Listen::Name(name, port) => {
            let addresses: Vec<SocketAddr> = lookup_host((name.as_str(), *port)).await?.collect();
            TcpStream::connect(addresses.as_slice()).await
        }
    }
}

/// Whether the status of an answer is 200.
fn is_ok(answer: &str) -> bool {
    answer.lines().next().and_then(|line| line.split(' ').nth(1)) == Some("200")
}
