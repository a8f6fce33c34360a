//! Trusted proxies: the operator's reverse proxies, whose forwarding headers are believed (R12).
//!
//! Separate from [`super::cidr::CidrBlocks`], because the empty list means the opposite: a token without blocks may be used from
//! everywhere, but a server without trusted proxies trusts no peer. It must not know of headers.

use core::net::IpAddr;

use super::cidr::CidrBlocks;

/// The CIDR blocks of trusted proxies. The default trusts no peer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedProxies(CidrBlocks);

/// What is wrong with the list: one sentence a block, every problem at once.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct MalformedTrustedProxies(pub Vec<String>);

impl TrustedProxies {
    /// Reads blocks with commas between them. They may overlap, for such lists are pasted together from those that clouds
    /// publish; a blank text is no block.
    ///
    /// # Errors
    /// Every text that is not a block.
    pub fn parse(text: &str) -> Result<Self, MalformedTrustedProxies> {
        CidrBlocks::parse_list(text).map(Self).map_err(MalformedTrustedProxies)
    }

    /// Whether what a peer at this address says of its client is believed.
    pub fn trusts(&self, address: IpAddr) -> bool {
        self.0.contains(address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_proxy_is_trusted_unless_named() {
        for (list, address, trusted) in [
            ("", "127.0.0.1", false),
            (" ", "::1", false),
            ("10.0.0.0/8", "10.1.2.3", true),
            ("10.0.0.0/8", "11.0.0.0", false),
            ("10.0.0.0/8", "::ffff:10.1.2.3", true),
            ("10.0.0.0/8, 127.0.0.1,::1", "::1", true),
            ("10.0.0.0/8, 127.0.0.1,::1", "127.0.0.2", false),
            ("10.1.0.0/16,10.0.0.0/8,10.1.0.0/16", "10.200.0.1", true),
            ("10.0.0.0/8,10.1.0.0/16", "10.200.0.1", true),
        ] {
            let proxies = TrustedProxies::parse(list).unwrap();
            assert_eq!(proxies.trusts(address.parse().unwrap()), trusted, "{list:?} {address}");
        }
    }

    #[test]
    fn every_problem_is_reported_together() {
        let MalformedTrustedProxies(problems) = TrustedProxies::parse("10.0.0.1/8,::1,,proxy").unwrap_err();
        assert_eq!(problems.len(), 3, "{problems:?}");
        assert_eq!(problems[0], "\"10.0.0.1/8\" has host bits set; the network is 10.0.0.0/8.");
    }
}
