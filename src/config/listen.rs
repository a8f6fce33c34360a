//! The address to listen on.

use std::fmt::{self, Display, Formatter};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

/// An IP address or host name, and a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listen {
    /// An IP address and a port.
    Address(SocketAddr),
    /// A host name, which stands for the first of its addresses, IPv4 before IPv6, and a port.
    Name(String, u16),
}

/// The text has none of the accepted forms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an address and a port, such as 127.0.0.1:8080, [::1]:8080 or localhost:8080, or a port alone")]
pub struct MalformedListen;

impl FromStr for Listen {
    type Err = MalformedListen;

    /// A port alone means 127.0.0.1.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(address) = text.parse() {
            return Ok(Self::Address(address));
        }
        // Rust also parses numbers such as +80.
        let port = |text: &str| match text.parse() {
            Ok(port) if text.bytes().all(|byte| byte.is_ascii_digit()) => Ok(port),
            _ => Err(MalformedListen),
        };
        match text.rsplit_once(':') {
            None => Ok(Self::Address((IpAddr::from(Ipv4Addr::LOCALHOST), port(text)?).into())),
            Some((name, port_text)) if is_name(name) => Ok(Self::Name(name.to_owned(), port(port_text)?)),
            Some(_) => Err(MalformedListen),
        }
    }
}

impl Listen {
    /// Whether the operating system chooses the port.
    pub(super) fn takes_any_port(&self) -> bool {
        match self {
            Self::Address(address) => address.port() == 0,
            Self::Name(_, port) => *port == 0,
        }
    }
}

impl Display for Listen {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Name(name, port) => write!(f, "{name}:{port}"),
        }
    }
}

/// The address by which this machine connects to a server that listens on an address, which may stand for all addresses.
pub fn from_this_machine(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(match address.ip() {
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    address
}

/// Whether this is a host name (RFC 1123, section 2.1), and not a mistyped address.
fn is_name(text: &str) -> bool {
    let lettered = text.bytes().any(|byte| byte.is_ascii_alphabetic());
    lettered && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_names_and_ports_alone_are_parsed_and_nothing_else() {
        for (text, read) in [
            ("8080", "127.0.0.1:8080"),
            ("0", "127.0.0.1:0"),
            ("0.0.0.0:80", "0.0.0.0:80"),
            ("[::]:80", "[::]:80"),
            ("localhost:8080", "localhost:8080"),
            ("rotakey-1.internal:65535", "rotakey-1.internal:65535"),
        ] {
            assert_eq!(text.parse::<Listen>().unwrap().to_string(), read);
        }
        for text in [
            "",
            "here",
            ":8080",
            "localhost",
            "localhost:",
            "localhost:http",
            "localhost:65536",
            "65536",
            "-1",
            "+80",
            "localhost:+80",
            "256.0.0.1:80",
            "127.1:80",
            "::1:80",
            "[::1]",
            "http://localhost:80",
            "a b:80",
            "127.0.0.1",
        ] {
            assert_eq!(text.parse::<Listen>(), Err(MalformedListen), "{text}");
        }
    }
}
