//! Blocks of IP addresses in CIDR notation (RFC 4632 section 3.1, RFC 4291 section 2.3): where a token may be used from (R12).
//!
//! Separate, because an address has several spellings and one of them overlooked is a hole: every text and every address
//! becomes canonical here, IPv4-mapped IPv6 (RFC 4291 section 2.5.5.2) turning into IPv4. It must not know how an address was
//! learned.

// `core::net` is the addresses alone; the sockets are in the standard library's.
use core::net::IpAddr;
use std::fmt;

use ipnet::IpNet;

use crate::domain::invalid_input::InvalidInput;
use crate::domain::text::quote;

/// The most blocks that a token may be restricted to.
pub const MAX_CIDR_BLOCKS: usize = 100;

/// By how many bits the prefix of an IPv4-mapped block is longer than that of the IPv4 block.
const MAPPED_PREFIX_LENGTH: u8 = 96;

/// A network: an address whose bits behind the prefix are all zero, and the length of the prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CidrBlock(IpNet);

/// Why a text is not a CIDR block: the end of a sentence that starts with the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MalformedCidrBlock {
    /// Not an address and a prefix length that fits it.
    #[error("is not a CIDR block; write an address and a prefix length, such as 10.0.0.0/8, or one address by itself")]
    NotABlock,
    /// The address is one within the network.
    #[error("has host bits set; the network is {network}")]
    HostBits {
        /// The network that it is in.
        network: CidrBlock,
    },
    /// An IPv4-mapped address with a prefix that reaches beyond IPv4.
    #[error("is wider than the IPv4 addresses that it is mapped from; write the IPv4 block, such as 10.0.0.0/8")]
    WiderThanIpv4,
}

impl CidrBlock {
    /// Reads `ADDRESS/PREFIX`, or one address for the block of itself alone. An IPv4-mapped block is the IPv4 block.
    ///
    /// # Errors
    /// [`MalformedCidrBlock`], also for spaces, zones, and leading zeros in the parts that are decimal.
    pub fn parse(text: &str) -> Result<Self, MalformedCidrBlock> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let written: IpAddr = address.parse().map_err(|_| MalformedCidrBlock::NotABlock)?;
        let address = written.to_canonical();
        let Some(prefix) = prefix else { return Ok(Self(address.into())) };
        let mut prefix = prefix_length(prefix).ok_or(MalformedCidrBlock::NotABlock)?;
        if written != address {
            prefix = prefix.checked_sub(MAPPED_PREFIX_LENGTH).ok_or(MalformedCidrBlock::WiderThanIpv4)?;
        }
        let block = IpNet::new(address, prefix).map_err(|_| MalformedCidrBlock::NotABlock)?;
        let network = block.trunc();
        if block == network { Ok(Self(block)) } else { Err(MalformedCidrBlock::HostBits { network: Self(network) }) }
    }

    /// Whether the address is in the block; an IPv4-mapped one is in those of IPv4, and in no other.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }

    fn covers(&self, other: &Self) -> bool {
        self.0.contains(&other.0)
    }
}

/// The number, without the sign and the leading zeros that the standard library would read.
fn prefix_length(digits: &str) -> Option<u8> {
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit()) && (digits == "0" || !digits.starts_with('0'));
    if plain { digits.parse().ok() } else { None }
}

impl fmt::Display for CidrBlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The blocks that a token is restricted to: sorted, none twice, none inside another. Empty: no restriction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CidrBlocks(Box<[CidrBlock]>);

impl CidrBlocks {
    /// Parses the setting, each block a text. Duplicates are dropped.
    ///
    /// # Errors
    /// When there are more than [`MAX_CIDR_BLOCKS`], for the first text that is not a block, or if one block contains another. Then
    /// one of the two has no effect, and removing it later would not restrict anything, although it seems to.
    pub fn parse(texts: &[String]) -> Result<Self, InvalidInput> {
        let invalid = |message| InvalidInput::new("allowedCIDRBlocks", message);
        if texts.len() > MAX_CIDR_BLOCKS {
            return Err(invalid(format!("A token is restricted to at most {MAX_CIDR_BLOCKS} CIDR blocks.")));
        }
        let block = |text: &String| {
            CidrBlock::parse(text).map_err(|malformed| invalid(format!("{} {malformed}.", quote(text))))
        };
        let mut blocks = texts.iter().map(block).collect::<Result<Vec<_>, _>>()?;
        blocks.sort_unstable();
        blocks.dedup();
        // Blocks are nested or apart, so in this order a block that covers any other covers its neighbour.
        let overlap = blocks.iter().zip(blocks.iter().skip(1)).find(|(block, next)| block.covers(next));
        if let Some((wide, narrow)) = overlap {
            let message = format!("{wide} and {narrow} overlap; leave out {narrow}, or {wide} if it is too wide.");
            return Err(invalid(message));
        }
        Ok(Self(blocks.into()))
    }

    /// Reads blocks with commas between them, for a setting of the server. They may overlap: such lists are pasted together from those that
    /// clouds publish. A blank text is no block.
    ///
    /// # Errors
    /// One sentence for every text that is not a block.
    pub(in crate::domain) fn parse_list(text: &str) -> Result<Self, Vec<String>> {
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        let (mut blocks, mut problems) = (Vec::new(), Vec::new());
        for text in text.split(',').map(str::trim) {
            match CidrBlock::parse(text) {
                Ok(block) => blocks.push(block),
                Err(malformed) => problems.push(format!("{} {malformed}.", quote(text))),
            }
        }
        if problems.is_empty() { Ok(Self::widest(blocks)) } else { Err(problems) }
    }

    /// The blocks that no other block covers.
    fn widest(mut blocks: Vec<CidrBlock>) -> Self {
        blocks.sort_unstable();
        blocks.dedup_by(|next, kept| kept.covers(next));
        Self(blocks.into())
    }

    /// Whether a client at this address may use the token. Where there is any restriction, an unknown address is refused.
    pub fn allows(&self, address: Option<IpAddr>) -> bool {
        self.is_empty() || address.is_some_and(|address| self.contains(address))
    }

    /// Whether every address that those blocks allow is allowed by these.
    pub(in crate::domain) fn cover(&self, other: &Self) -> bool {
        if self.is_empty() || other.is_empty() {
            return self.is_empty();
        }
        // Joined first: two neighbours cover the block of both, which neither does alone.
        let joined = IpNet::aggregate(&self.0.iter().map(|block| block.0).collect());
        other.iter().all(|block| joined.iter().any(|wide| wide.contains(&block.0)))
    }

    /// Whether the address is in one of the blocks; in none, where there are none.
    pub(in crate::domain) fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        // No two blocks overlap, so only the last one that starts at or before the address can hold it.
        let started = self.0.partition_point(|block| block.0.network() <= address);
        let last = started.checked_sub(1).and_then(|at| self.0.get(at));
        last.is_some_and(|block| block.contains(address))
    }

    /// The blocks in their order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = CidrBlock> + '_ {
        self.0.iter().copied()
    }

    /// Whether there is no restriction.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests;
