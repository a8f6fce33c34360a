//! The network address of a user, no more precise than the operator allows.

use core::net::IpAddr;
use std::fmt;

use ipnet::IpNet;

use crate::domain::text::names;

/// The prefix lengths of a block: what one subscriber of a provider usually has.
const IPV4_BLOCK: u8 = 24;
const IPV6_BLOCK: u8 = 48;

/// How precisely the addresses of users are recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AddressPrecision {
    /// The whole address.
    Full,
    /// The /24 of an IPv4 address, the /48 of an IPv6 address.
    #[default]
    Block,
    /// Nothing.
    None,
}

names! {
    AddressPrecision {
        Full => "full",
        Block => "block",
        None => "none",
    }
}

impl AddressPrecision {
    /// What may be recorded of this address. An IPv4-mapped IPv6 address counts as IPv4.
    pub fn network(self, address: Option<IpAddr>) -> Option<Network> {
        let address = address?.to_canonical();
        let prefix = match (self, address) {
            (Self::None, _) => return None,
            (Self::Full, _) => return Some(Network(address.into())),
            (Self::Block, IpAddr::V4(_)) => IPV4_BLOCK,
            (Self::Block, IpAddr::V6(_)) => IPV6_BLOCK,
        };
        Some(Network(IpNet::new(address, prefix).ok()?.trunc()))
    }

    /// As [`AddressPrecision::network`], as the first address of the block.
    pub fn address(self, address: Option<IpAddr>) -> Option<IpAddr> {
        self.network(address).map(|Network(block)| block.addr())
    }
}

/// An address, or the block that it is in. Printed as an address or in CIDR notation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Network(IpNet);

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.prefix_len() == self.0.max_prefix_len() { self.0.addr().fmt(f) } else { self.0.fmt(f) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(precision: AddressPrecision, address: &str) -> Option<String> {
        precision.network(Some(address.parse().unwrap())).map(|network| network.to_string())
    }

    #[test]
    fn an_address_is_recorded_no_more_precisely_than_allowed() {
        for (address, full, block) in [
            ("203.0.113.9", "203.0.113.9", "203.0.113.0/24"),
            ("203.0.113.0", "203.0.113.0", "203.0.113.0/24"),
            ("::ffff:203.0.113.9", "203.0.113.9", "203.0.113.0/24"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2:3:4:5:6", "2001:db8:1::/48"),
            ("::1", "::1", "::/48"),
        ] {
            assert_eq!(shown(AddressPrecision::Full, address).as_deref(), Some(full));
            assert_eq!(shown(AddressPrecision::Block, address).as_deref(), Some(block));
            assert_eq!(shown(AddressPrecision::None, address), None);
        }
        for precision in AddressPrecision::ALL {
            assert_eq!(precision.network(None), None, "{precision:?}");
        }
    }

    proptest! {
        #[test]
        fn addresses_of_one_block_are_one_network_and_its_text_holds_no_more_of_them(
            block in any::<[u8; 3]>(), one in any::<u8>(), other in any::<u8>(), host in any::<[u16; 5]>(),
        ) {
            let [a, b, c] = block;
            let network = |last| AddressPrecision::Block.network(Some(IpAddr::from([a, b, c, last])));
            prop_assert_eq!(network(one), network(other));
            let of_host = |host: [u16; 5]| {
                let [d, e, f, g, h] = host;
                let address = IpAddr::from([0x2001, 0xdb8, a.into(), d, e, f, g, h]);
                AddressPrecision::Block.network(Some(address)).unwrap().to_string()
            };
            prop_assert_eq!(of_host(host), of_host([0; 5]));
        }
    }
}
