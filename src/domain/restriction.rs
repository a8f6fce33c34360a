//! Where a token may be used from: networks and web origins (R12). The same for both values of an overlap, because the
//! token holds it.

use core::net::IpAddr;

use super::refusal::Refusal;
use super::token::Settings;

/// Where a request comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Source {
    /// The client's address; `None` where no trusted peer tells it.
    pub address: Option<IpAddr>,
    /// The `Origin` header as it was sent (RFC 6454, section 7).
    pub origin: Option<String>,
}

/// Whether a token of these settings may be used from there.
///
/// # Errors
/// [`Refusal::AddressRefused`] or [`Refusal::OriginRefused`].
pub fn admit(settings: &Settings, source: &Source) -> Result<(), Refusal> {
    if !settings.allowed_cidr_blocks.allows(source.address) {
        return Err(Refusal::AddressRefused);
    }
    if !settings.allowed_origins.allows(source.origin.as_deref()) {
        return Err(Refusal::OriginRefused);
    }
    Ok(())
}
