//! Where a token may be used from: networks and web origins (R12). The same for both values of an overlap, because the
//! token holds it.

use core::net::IpAddr;

use crate::domain::invalid_input::InvalidInput;
use crate::domain::refusal::Refusal;
use crate::domain::token::Settings;

/// Where a request comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Source {
    /// The client's address; `None` if unknown.
    pub address: Option<IpAddr>,
    /// The `Origin` header as it was sent (RFC 6454, section 7).
    pub origin: Option<String>,
}

impl Source {
    /// The source of another client's request, as the caller reports it.
    ///
    /// # Errors
    /// When the address in this field is invalid.
    pub fn reported(field: &'static str, address: Option<&str>, origin: Option<String>) -> Result<Self, InvalidInput> {
        let parse = |text: &str| text.parse::<IpAddr>().map(|address| address.to_canonical());
        let invalid =
            |_| InvalidInput::new(field, "The address must be one IPv4 or IPv6 address, such as 203.0.113.9.");
        Ok(Self { address: address.map(parse).transpose().map_err(invalid)?, origin })
    }
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
