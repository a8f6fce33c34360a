//! Which addresses a notice may be sent to.
//!
//! A webhook names a host, and the server connects to it from within the operator's network. So nobody may name a host there (server-side
//! request forgery): only addresses that are globally reachable are connected to, and those in networks that the operator allows. The
//! rule is for the address of a connection, never for a name, because a name can have another address the next time it is looked up.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{Ipv4Net, Ipv6Net};

use crate::domain::restriction::CidrBlocks;

/// IPv4 addresses that are not globally reachable (the IANA IPv4 Special-Purpose Address Registry), and such that reach a host's own cloud.
const REFUSED_V4: [Ipv4Net; 16] = [
    v4([0, 0, 0, 0], 8),
    v4([10, 0, 0, 0], 8),
    v4([100, 64, 0, 0], 10),
    v4([127, 0, 0, 0], 8),
    // Also the metadata of most clouds, at 169.254.169.254.
    v4([169, 254, 0, 0], 16),
    v4([172, 16, 0, 0], 12),
    v4([192, 0, 0, 0], 24),
    v4([192, 0, 2, 0], 24),
    v4([192, 88, 99, 0], 24),
    v4([192, 168, 0, 0], 16),
    v4([198, 18, 0, 0], 15),
    v4([198, 51, 100, 0], 24),
    v4([203, 0, 113, 0], 24),
    // Multicast, reserved, and the broadcast address.
    v4([224, 0, 0, 0], 4),
    v4([240, 0, 0, 0], 4),
    // The host agent of Azure.
    v4([168, 63, 129, 16], 32),
];

/// The unicast addresses of IPv6 that are assigned (RFC 4291, section 2.4; IANA). All others are local, multicast or reserved.
const GLOBAL_V6: Ipv6Net = v6([0x2000, 0, 0, 0, 0, 0, 0, 0], 3);

/// Parts of [`GLOBAL_V6`] that are not globally reachable, or that lead to any IPv4 address.
const REFUSED_V6: [Ipv6Net; 4] = [
    // Teredo, benchmarking, ORCHID.
    v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 23),
    v6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32),
    // 6to4.
    v6([0x2002, 0, 0, 0, 0, 0, 0, 0], 16),
    v6([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20),
];

/// NAT64 (RFC 6052, section 2.1): the last 32 bits are an IPv4 address. Networks without IPv4 reach the others by it.
const NAT64: Ipv6Net = v6([0x64, 0xff9b, 0, 0, 0, 0, 0, 0], 96);

const fn v4([a, b, c, d]: [u8; 4], prefix: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix)
}

const fn v6([a, b, c, d, e, f, g, h]: [u16; 8], prefix: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, d, e, f, g, h), prefix)
}

/// The networks of the operator that notices may be sent to, although they are not globally reachable. By default there are none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllowedNetworks(CidrBlocks);

/// What is wrong with the list: one sentence a block, every problem at once.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct MalformedNetworks(pub Vec<String>);

impl AllowedNetworks {
    /// Reads blocks with commas between them, which may overlap. A blank text is no block.
    ///
    /// # Errors
    /// Every text that is not a block.
    pub fn parse(text: &str) -> Result<Self, MalformedNetworks> {
        CidrBlocks::parse_list(text).map(Self).map_err(MalformedNetworks)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a notice may be sent to this address. Unencrypted, it may only be sent into a network that the operator allows.
    pub fn may_connect(&self, address: IpAddr, is_encrypted: bool) -> bool {
        let address = address.to_canonical();
        self.0.contains(address) || is_encrypted && is_global(address)
    }
}

/// Whether an address is globally reachable.
fn is_global(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => !REFUSED_V4.iter().any(|block| block.contains(&address)),
        IpAddr::V6(address) if NAT64.contains(&address) => {
            let [.., a, b, c, d] = address.octets();
            is_global(Ipv4Addr::new(a, b, c, d).into())
        }
        IpAddr::V6(address) => GLOBAL_V6.contains(&address) && !REFUSED_V6.iter().any(|block| block.contains(&address)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The first and the last address of each block that is refused, and what lies before and behind it.
    const V4_EDGES: [(&str, bool); 46] = [
        ("0.0.0.0", false),
        ("0.255.255.255", false),
        ("1.0.0.0", true),
        ("9.255.255.255", true),
        ("10.0.0.0", false),
        ("10.255.255.255", false),
        ("11.0.0.0", true),
        ("100.63.255.255", true),
        ("100.64.0.0", false),
        ("100.100.100.200", false),
        ("100.127.255.255", false),
        ("100.128.0.0", true),
        ("126.255.255.255", true),
        ("127.0.0.1", false),
        ("127.255.255.255", false),
        ("128.0.0.0", true),
        ("168.63.129.15", true),
        ("168.63.129.16", false),
        ("168.63.129.17", true),
        ("169.253.255.255", true),
        ("169.254.169.254", false),
        ("169.255.0.0", true),
        ("172.15.255.255", true),
        ("172.16.0.0", false),
        ("172.31.255.255", false),
        ("172.32.0.0", true),
        ("192.0.0.192", false),
        ("192.0.1.0", true),
        ("192.0.2.1", false),
        ("192.88.99.1", false),
        ("192.167.255.255", true),
        ("192.168.0.0", false),
        ("192.168.255.255", false),
        ("192.169.0.0", true),
        ("198.17.255.255", true),
        ("198.18.0.0", false),
        ("198.19.255.255", false),
        ("198.20.0.0", true),
        ("198.51.100.1", false),
        ("203.0.113.255", false),
        ("203.0.114.0", true),
        ("223.255.255.255", true),
        ("224.0.0.1", false),
        ("239.255.255.255", false),
        ("240.0.0.0", false),
        ("255.255.255.255", false),
    ];

    const V6_EDGES: [(&str, bool); 34] = [
        ("::", false),
        ("::1", false),
        ("::7f00:1", false),
        ("::8.8.8.8", false),
        ("64:ff9b:1::808:808", false),
        ("100::1", false),
        ("1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", false),
        ("2000::", true),
        ("2000:ffff:ffff:ffff:ffff:ffff:ffff:ffff", true),
        ("2001::7f00:1", false),
        ("2001:0:808:808::f7f7:f7f7", false),
        ("2001:2::1", false),
        ("2001:10::1", false),
        ("2001:20::1", false),
        ("2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff", false),
        ("2001:200::", true),
        ("2001:4860:4860::8888", true),
        ("2001:db7:ffff:ffff:ffff:ffff:ffff:ffff", true),
        ("2001:db8::1", false),
        ("2001:db9::", true),
        ("2002:7f00:1::", false),
        ("2002:808:808::1", false),
        ("2003::", true),
        ("3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff", true),
        ("3fff::1", false),
        ("3fff:1000::", true),
        ("4000::", false),
        ("5f00::1", false),
        ("fc00::1", false),
        ("fd00:ec2::254", false),
        ("fe80::1", false),
        ("fec0::1", false),
        ("ff02::1", false),
        ("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", false),
    ];

    fn may_connect(networks: &str, address: &str, is_encrypted: bool) -> bool {
        AllowedNetworks::parse(networks).unwrap().may_connect(address.parse().unwrap(), is_encrypted)
    }

    #[test]
    fn only_globally_reachable_addresses_are_connected_to() {
        for (address, allowed) in V4_EDGES.into_iter().chain(V6_EDGES) {
            assert_eq!(may_connect("", address, true), allowed, "{address}");
        }
    }

    #[test]
    fn an_ipv4_address_in_ipv6_is_as_reachable_as_itself_or_not_at_all() {
        for (address, allowed) in V4_EDGES {
            assert_eq!(may_connect("", &format!("::ffff:{address}"), true), allowed, "mapped {address}");
            assert_eq!(may_connect("", &format!("64:ff9b::{address}"), true), allowed, "NAT64 {address}");
            assert!(!may_connect("", &format!("::{address}"), true), "compatible {address}");
        }
    }

    #[test]
    fn the_operator_allows_networks_and_only_there_a_notice_is_not_encrypted() {
        let networks = "10.1.0.0/16, 127.0.0.1,fd00::/8,10.0.0.0/16";
        for (address, encrypted, plain) in [
            ("10.0.255.255", true, true),
            ("10.1.0.0", true, true),
            ("10.2.0.0", false, false),
            ("::ffff:10.1.2.3", true, true),
            ("64:ff9b::10.1.2.3", false, false),
            ("127.0.0.1", true, true),
            ("127.0.0.2", false, false),
            ("fd12::1", true, true),
            ("fc12::1", false, false),
            ("8.8.8.8", true, false),
            ("2001:4860:4860::8888", true, false),
        ] {
            assert_eq!(may_connect(networks, address, true), encrypted, "{address}");
            assert_eq!(may_connect(networks, address, false), plain, "{address}");
        }
        let MalformedNetworks(problems) = AllowedNetworks::parse("10.0.0.1/8,private").unwrap_err();
        assert_eq!(problems.len(), 2, "{problems:?}");
    }

    proptest! {
        /// Compared with what the standard library knows.
        #[test]
        fn no_local_address_is_connected_to(bits in any::<[u8; 4]>(), wide in any::<u128>()) {
            let (v4, v6) = (Ipv4Addr::from(bits), Ipv6Addr::from(wide));
            let is_local = v4.is_private() || v4.is_loopback() || v4.is_link_local() || v4.is_multicast()
                || v4.is_unspecified() || v4.is_broadcast() || v4.is_documentation();
            prop_assert!(!(is_local && is_global(v4.into())), "{v4}");
            let is_local = v6.is_unique_local() || v6.is_unicast_link_local() || v6.is_multicast() || v6.is_loopback();
            prop_assert!(!(is_local && is_global(v6.into())), "{v6}");
            prop_assert_eq!(is_global(v4.into()), is_global(v4.to_ipv6_mapped().into()));
        }
    }
}
