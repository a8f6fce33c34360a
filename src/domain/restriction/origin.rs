//! Web origins: which pages and apps may use a token (R12), as RFC 6454 sections 4, 5 and 6.2 compare and write them.
//!
//! Separate, because the text of an origin is not compared but what it says: case, default ports and international names have
//! several spellings. It must not know of requests: it gets the text of an `Origin` header, or of a setting.

use std::fmt;

use url::Host;

use crate::domain::invalid_input::InvalidInput;
use crate::domain::text::quote;

/// The most origins that a token may be restricted to.
pub const MAX_ALLOWED_ORIGINS: usize = 100;
/// The longest text that is read as an origin, in bytes: the longest host name of DNS has 253, and the rest is short.
pub const MAX_ORIGIN_LENGTH: usize = 512;

/// A scheme, a host and a port; no port where it is the scheme's own. The scheme of a web page is `http` or `https`, those of
/// browser extensions and apps are others (`chrome-extension://id`, `capacitor://localhost`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin {
    scheme: String,
    host: String,
    port: Option<u16>,
}

/// The text is not one origin. That includes `null`, which any page can send by opening itself in a sandbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an origin")]
pub struct MalformedOrigin;

impl Origin {
    /// Reads the text of an `Origin` header.
    ///
    /// # Errors
    /// [`MalformedOrigin`], also for a path, even `/`, and for more than one origin.
    pub fn parse(text: &str) -> Result<Self, MalformedOrigin> {
        let (scheme, authority) = split_scheme(text).ok_or(MalformedOrigin)?;
        Self::from_parts(scheme, authority).ok_or(MalformedOrigin)
    }

    fn from_parts(scheme: &str, authority: &str) -> Option<Self> {
        // The colons of an IPv6 address end in its bracket.
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, digits)) if !digits.ends_with(']') => (host, Some(port(digits)?)),
            _ => (authority, None),
        };
        let scheme = scheme.to_ascii_lowercase();
        let (host, default_port) = match scheme.as_str() {
            "http" => (web_host(host)?, Some(80)),
            "https" => (web_host(host)?, Some(443)),
            _ => (app_host(host)?, None),
        };
        Some(Self { scheme, host, port: port.filter(|port| Some(*port) != default_port) })
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_origin(f, self, "")
    }
}

fn write_origin(f: &mut fmt::Formatter<'_>, origin: &Origin, wildcard: &str) -> fmt::Result {
    write!(f, "{}://{wildcard}{}", origin.scheme, origin.host)?;
    origin.port.map_or(Ok(()), |port| write!(f, ":{port}"))
}

/// The scheme (RFC 3986 section 3.1) and all that follows `://`.
fn split_scheme(text: &str) -> Option<(&str, &str)> {
    let (scheme, authority) = text.split_once("://").filter(|_| text.len() <= MAX_ORIGIN_LENGTH)?;
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
    let good = scheme.starts_with(|first: char| first.is_ascii_alphabetic()) && scheme.bytes().all(letter);
    good.then_some((scheme, authority))
}

fn port(digits: &str) -> Option<u16> {
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0');
    if plain { digits.parse().ok() } else { None }
}

/// The host as browsers write it: lower case, international names in ASCII (RFC 5891), one spelling an address.
fn web_host(text: &str) -> Option<String> {
    // A browser would decode percent signs; one in an origin is an attempt to look like another.
    if text.contains('%') {
        return None;
    }
    let host = Host::parse(text).ok()?;
    let good = if let Host::Domain(name) = &host { is_name(name) } else { true };
    good.then(|| host.to_string())
}

/// The host of an app or an extension, which is a name in no registry (RFC 3986 section 3.2.2, unreserved characters).
fn app_host(text: &str) -> Option<String> {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    (is_name(text) && text.bytes().all(letter)).then(|| text.to_ascii_lowercase())
}

/// Labels with dots between them, so that a name ends in another only at a label; and no wildcard.
fn is_name(text: &str) -> bool {
    !text.contains('*') && text.split('.').all(|label| !label.is_empty())
}

/// One entry of [`AllowedOrigins`]: an origin, or with `*.` all subdomains of any depth, but not the domain itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OriginPattern {
    origin: Origin,
    subdomains: bool,
}

/// Why a text is not an origin pattern: the end of a sentence that starts with the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MalformedOriginPattern {
    /// Not a scheme, a host and perhaps a port.
    #[error("is not an origin; write scheme://host or scheme://host:port, such as https://app.example.com")]
    NotAnOrigin,
    /// An origin with something before or behind it.
    #[error("is more than an origin; leave out the path (even a single /), the query, the fragment and the user")]
    MoreThanAnOrigin,
    /// A `*` that is not the first label of a domain, or of too wide a domain.
    #[error("has a * where none can be; it stands for all subdomains of a domain, as in https://*.example.com")]
    MisplacedWildcard,
}

impl OriginPattern {
    /// Reads an exact origin, or `https://*.example.com`: a wildcard for the whole first label, and at least two more labels.
    ///
    /// # Errors
    /// [`MalformedOriginPattern`].
    pub fn parse(text: &str) -> Result<Self, MalformedOriginPattern> {
        let not_an_origin = if text.contains('*') {
            MalformedOriginPattern::MisplacedWildcard
        } else {
            MalformedOriginPattern::NotAnOrigin
        };
        let (scheme, authority) = split_scheme(text).ok_or(not_an_origin)?;
        if authority.contains(['/', '\\', '?', '#', '@']) {
            return Err(MalformedOriginPattern::MoreThanAnOrigin);
        }
        let domain = authority.strip_prefix("*.");
        let origin = Origin::from_parts(scheme, domain.unwrap_or(authority)).ok_or(not_an_origin)?;
        let subdomains = domain.is_some();
        if subdomains && !has_subdomains(&origin) {
            return Err(MalformedOriginPattern::MisplacedWildcard);
        }
        Ok(Self { origin, subdomains })
    }

    /// Whether the origin is the one meant, or one of those.
    pub fn matches(&self, origin: &Origin) -> bool {
        if self.subdomains { self.is_subdomain(origin) } else { self.origin == *origin }
    }

    /// Whether every origin that the other pattern stands for is one that this stands for.
    fn covers(&self, other: &Self) -> bool {
        self == other || (self.subdomains && self.is_subdomain(&other.origin))
    }

    /// Whether the origin is that of a subdomain of this one's host, with the same scheme and port.
    fn is_subdomain(&self, origin: &Origin) -> bool {
        let Origin { scheme, host, port } = &self.origin;
        let before = origin.host.strip_suffix(host.as_str()).and_then(|before| before.strip_suffix('.'));
        *scheme == origin.scheme && *port == origin.port && before.is_some()
    }
}

/// Whether the host is a domain of the web with two labels or more: of a single one, strangers own the subdomains.
fn has_subdomains(origin: &Origin) -> bool {
    let web = matches!(origin.scheme.as_str(), "http" | "https");
    web && origin.host.contains('.') && matches!(Host::parse(&origin.host), Ok(Host::Domain(_)))
}

impl fmt::Display for OriginPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_origin(f, &self.origin, if self.subdomains { "*." } else { "" })
    }
}

/// The origins that a token is restricted to: sorted, none twice. Empty: no restriction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllowedOrigins(Box<[OriginPattern]>);

impl AllowedOrigins {
    /// Reads the setting, one pattern a text. A pattern given twice, in whatever spelling, is one pattern.
    ///
    /// # Errors
    /// More than [`MAX_ALLOWED_ORIGINS`], or the first text that is not a pattern.
    pub fn parse(texts: &[String]) -> Result<Self, InvalidInput> {
        let invalid = |message| InvalidInput::new("allowedOrigins", message);
        if texts.len() > MAX_ALLOWED_ORIGINS {
            return Err(invalid(format!("A token is restricted to at most {MAX_ALLOWED_ORIGINS} origins.")));
        }
        let pattern = |text: &String| {
            // What stands before an @ may be a password.
            let shown = text.rsplit('@').next().unwrap_or_default();
            OriginPattern::parse(text).map_err(|malformed| invalid(format!("{} {malformed}.", quote(shown))))
        };
        let mut patterns = texts.iter().map(pattern).collect::<Result<Vec<_>, _>>()?;
        patterns.sort_unstable();
        patterns.dedup();
        Ok(Self(patterns.into()))
    }

    /// Whether a page or app that sends this `Origin` header may use the token. Where there is any restriction, a request
    /// without the header is refused, and so is one with a malformed header.
    pub fn allows(&self, header: Option<&str>) -> bool {
        if self.is_empty() {
            return true;
        }
        let origin = header.and_then(|text| Origin::parse(text).ok());
        origin.is_some_and(|origin| self.0.iter().any(|pattern| pattern.matches(&origin)))
    }

    /// Whether every origin that those patterns allow is allowed by these.
    pub(in crate::domain) fn cover(&self, other: &Self) -> bool {
        if self.is_empty() || other.is_empty() {
            return self.is_empty();
        }
        other.iter().all(|pattern| self.iter().any(|wide| wide.covers(pattern)))
    }

    /// The patterns in their order.
    pub fn iter(&self) -> std::slice::Iter<'_, OriginPattern> {
        self.0.iter()
    }

    /// Whether there is no restriction.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests;
