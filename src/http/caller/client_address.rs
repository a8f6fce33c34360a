//! The client's address: the peer of the connection or, if that is a trusted proxy, the address in `Forwarded` (RFC 7239) or
//! `X-Forwarded-For` (R12).
//!
//! Clients can send both headers themselves. So they are read from the right, where the nearest proxy wrote, and only as far as the
//! proxies are trusted. Whatever stands further left cannot change how the right is read.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use axum::http::header::FORWARDED;
use axum::http::{HeaderMap, HeaderName, HeaderValue};

use crate::domain::restriction::TrustedProxies;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The two headers name different addresses. A proxy that sets one of them passes on what its client wrote into the other, so neither
/// can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ambiguous;

/// The address of the client behind this peer; `None` if a trusted proxy hides it. IPv4-mapped addresses become IPv4.
pub(crate) fn client_address(
    peer: IpAddr,
    headers: &HeaderMap,
    trusted: &TrustedProxies,
) -> Result<Option<IpAddr>, Ambiguous> {
    let peer = peer.to_canonical();
    if !trusted.trusts(peer) {
        return Ok(Some(peer));
    }
    let lines = |name| headers.get_all(name).iter().rev().map(HeaderValue::as_bytes);
    let forwarded = lines(FORWARDED).flat_map(Elements::of).map(forwarded_address);
    // A missing header is no statement, but an empty one is: the proxy did not know the address.
    let forwarded = headers.contains_key(FORWARDED).then(|| outermost(peer, forwarded, trusted));
    let x_forwarded_for = lines(X_FORWARDED_FOR).flat_map(|line| line.rsplit(|byte| *byte == b',')).map(listed_address);
    let x_forwarded_for = headers.contains_key(X_FORWARDED_FOR).then(|| outermost(peer, x_forwarded_for, trusted));
    match (forwarded, x_forwarded_for) {
        (Some(one), Some(other)) if one != other => Err(Ambiguous),
        (Some(found), _) | (None, Some(found)) => Ok(found),
        (None, None) => Ok(Some(peer)),
    }
}

/// Follows the hops as long as the one that reported the next is trusted. A hop without an address makes the result unknown.
fn outermost(peer: IpAddr, mut hops: impl Iterator<Item = Option<IpAddr>>, trusted: &TrustedProxies) -> Option<IpAddr> {
    let mut present = peer;
    while trusted.trusts(present) {
        let Some(hop) = hops.next() else { break };
        present = hop?;
    }
    Some(present)
}

/// The elements of one `Forwarded` line, the last one first. An empty element counts, although RFC 9110 section 5.6.1 would skip it: a
/// proxy that did not know the address may have written it, and the element before it must not take its place.
struct Elements<'a>(Option<&'a [u8]>);

impl<'a> Elements<'a> {
    fn of(line: &'a [u8]) -> Self {
        Self(Some(line))
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<Self::Item> {
        let line = self.0.take()?;
        let Some((before, element)) = last_unquoted_comma(line).and_then(|at| line.split_at_checked(at)) else {
            return Some(line);
        };
        self.0 = Some(before);
        Some(element.strip_prefix(b",").unwrap_or(element))
    }
}

/// Reads backwards, so that an unclosed quote of the client cannot swallow what the proxy appended.
fn last_unquoted_comma(line: &[u8]) -> Option<usize> {
    // The opening quote of a string follows an equals sign; a quote after a backslash is part of the string.
    let escaped = |at: usize| at.checked_sub(1).and_then(|before| line.get(before)) == Some(&b'\\');
    let mut quoted = false;
    for (at, byte) in line.iter().enumerate().rev() {
        match byte {
            b'"' if !quoted => quoted = true,
            b'"' if !escaped(at) => quoted = false,
            b',' if !quoted => return Some(at),
            _ => {}
        }
    }
    None
}

/// The address of a `Forwarded` element (RFC 7239 section 4): pairs with semicolons between them, one of which is `for`.
fn forwarded_address(element: &[u8]) -> Option<IpAddr> {
    let mut rest = element.trim_ascii();
    let mut node = None;
    while !rest.is_empty() {
        if !rest.starts_with(b";") {
            let (name, after) = split_token(rest)?;
            let (value, after) = split_value(after.strip_prefix(b"=")?)?;
            // A name must not occur twice. To pick one of the two would leave the choice to the client.
            if name.eq_ignore_ascii_case(b"for") && node.replace(value).is_some() {
                return None;
            }
            rest = after.trim_ascii_start();
        }
        rest = if rest.is_empty() { rest } else { rest.strip_prefix(b";")?.trim_ascii_start() };
    }
    address_with_port(&node?)
}

/// A token (RFC 9110 section 5.6.2) and what follows it.
fn split_token(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let letter = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    let end = text.iter().position(|byte| !letter(byte)).unwrap_or(text.len());
    text.split_at_checked(end).filter(|(token, _)| !token.is_empty())
}

/// A token or a quoted string (RFC 9110 section 5.6.4) without its quotes and escapes, and what follows it.
fn split_value(text: &[u8]) -> Option<(String, &[u8])> {
    let Some(quoted) = text.strip_prefix(b"\"") else {
        let (token, after) = split_token(text)?;
        return Some((String::from_utf8_lossy(token).into_owned(), after));
    };
    let mut value = String::new();
    let mut bytes = quoted.iter().enumerate();
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'"' => return Some((value, quoted.get(at + 1..)?)),
            b'\\' => value.push(char::from(*bytes.next()?.1)),
            _ => value.push(char::from(*byte)),
        }
    }
    None
}

/// The address of an `X-Forwarded-For` element, for which there is no standard: as in `Forwarded`, or IPv6 without brackets.
fn listed_address(element: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(element.trim_ascii()).ok()?;
    text.parse().ok().map(|address: IpAddr| address.to_canonical()).or_else(|| address_with_port(text))
}

/// An IPv4 address or an IPv6 address in brackets, either with a port or without (RFC 7239 section 6).
fn address_with_port(node: &str) -> Option<IpAddr> {
    let (address, port) = if let Some(bracketed) = node.strip_prefix('[') {
        let (address, port) = bracketed.split_once(']')?;
        (IpAddr::V6(address.parse::<Ipv6Addr>().ok()?), port)
    } else {
        let (address, port) = node.split_at_checked(node.find(':').unwrap_or(node.len()))?;
        (IpAddr::V4(address.parse::<Ipv4Addr>().ok()?), port)
    };
    let good = port.is_empty() || port.strip_prefix(':').is_some_and(is_port);
    good.then(|| address.to_canonical())
}

/// One to five digits, or a name that hides the port (RFC 7239 section 6.3).
fn is_port(text: &str) -> bool {
    let digits = (1..=5).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    let hidden = |name: &str| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
    };
    digits || text.strip_prefix('_').is_some_and(hidden)
}

#[cfg(test)]
mod tests;
