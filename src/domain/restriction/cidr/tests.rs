//! Tables for every spelling of a block, and properties against a comparison bit by bit.

use proptest::prelude::*;

use super::*;

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn refusal(blocks: &[&str]) -> String {
    let invalid = CidrBlocks::parse(&texts(blocks)).unwrap_err();
    assert_eq!(invalid.field, "allowedCIDRBlocks");
    invalid.message
}

#[test]
fn a_block_has_one_canonical_text() {
    for (text, canonical) in [
        ("10.0.0.0/8", "10.0.0.0/8"),
        ("0.0.0.0/0", "0.0.0.0/0"),
        ("192.0.2.1", "192.0.2.1/32"),
        ("192.0.2.1/32", "192.0.2.1/32"),
        ("2001:db8::/32", "2001:db8::/32"),
        ("2001:0DB8:0:0::/32", "2001:db8::/32"),
        ("::/0", "::/0"),
        ("::1", "::1/128"),
        ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
        ("::ffff:a00:0/104", "10.0.0.0/8"),
        ("::ffff:0.0.0.0/96", "0.0.0.0/0"),
        ("::ffff:192.0.2.1", "192.0.2.1/32"),
        // The deprecated IPv4-compatible form is not the mapped one.
        ("::10.0.0.0/104", "::a00:0/104"),
    ] {
        let block = CidrBlock::parse(text).map(|block| block.to_string());
        assert_eq!(block.as_deref(), Ok(canonical), "{text}");
    }
}

#[test]
fn a_block_with_host_bits_is_refused_with_the_network_it_meant() {
    for (text, network) in [
        ("10.0.0.1/8", "10.0.0.0/8"),
        ("10.0.0.1/31", "10.0.0.0/31"),
        ("128.0.0.0/0", "0.0.0.0/0"),
        ("2001:db8::1/32", "2001:db8::/32"),
        ("::ffff:10.0.0.1/104", "10.0.0.0/8"),
    ] {
        assert_eq!(refusal(&[text]), format!("\"{text}\" has host bits set; the network is {network}."));
    }
}

#[test]
fn a_mapped_block_wider_than_ipv4_is_refused() {
    for (text, good) in [("::ffff:0.0.0.0/97", true), ("::ffff:0.0.0.0/96", true), ("::ffff:0.0.0.0/95", false)] {
        assert_eq!(CidrBlock::parse(text).is_ok(), good, "{text}");
    }
    for text in ["::ffff:0:0/95", "::ffff:10.0.0.0/8", "::ffff:10.0.0.0/0"] {
        assert_eq!(CidrBlock::parse(text), Err(MalformedCidrBlock::WiderThanIpv4), "{text}");
    }
}

#[test]
fn other_texts_are_refused() {
    let texts = "|/|/8|10.0.0.0/|10.0.0.0/08|10.0.0.0/+8|10.0.0.0/-1|10.0.0.0/33|10.0.0.0/256|10.0.0.0/4294967304|\
        10.0.0.0/8/8|10.0.0.0/255.0.0.0|010.0.0.0/8|10.0.0/8|10/8|0x0a.0.0.0/8| 10.0.0.0/8|10.0.0.0/8 |\
        10.0.0.0 /8|10.0.0.0/ 8|10.0.0.0/8\n|10.0.0.0/٨|10.0.0.0/8,|2001:db8::/129|2001:db8::/032|\
        [2001:db8::]/32|fe80::%eth0/64|fe80::1%1|2001:00db8::/32|::ffff:10.0.0.0/129|::ffff:010.0.0.0/104|*|\
        localhost|example.com/8";
    for text in texts.split('|') {
        assert_eq!(CidrBlock::parse(text), Err(MalformedCidrBlock::NotABlock), "{text:?}");
    }
}

#[test]
fn a_refused_text_is_named_but_no_value_is_repeated() {
    let value = "rk_00000000000000000000000000000000000000000002gL6Az";
    assert!(refusal(&["10.0.0.0/8", "10.0.0.0/33"]).starts_with("\"10.0.0.0/33\" is not a CIDR block; write "));
    assert!(refusal(&[value]).starts_with("\"rk_…\" is not"));
    assert!(refusal(&["9.".repeat(500_000).as_str()]).len() < 250);
}

#[test]
fn a_list_has_at_most_100_blocks_and_is_counted_before_it_is_read() {
    let list = |count: usize| (0..count).map(|number| format!("10.0.{number}.0/24")).collect::<Vec<_>>();
    for (count, good) in [(99, true), (100, true), (101, false)] {
        assert_eq!(CidrBlocks::parse(&list(count)).is_ok(), good, "{count}");
    }
    let garbage = vec!["garbage".to_owned(); 10_000];
    let invalid = CidrBlocks::parse(&garbage).unwrap_err();
    assert_eq!(invalid.message, "A token is restricted to at most 100 CIDR blocks.");
}

#[test]
fn a_list_is_sorted_and_holds_no_block_twice() {
    let list = ["2001:db8::/32", "10.0.0.0/8", "9.9.9.9", "::ffff:10.0.0.0/104", "9.9.9.9/32"];
    let blocks = CidrBlocks::parse(&texts(&list)).unwrap();
    let canonical: Vec<_> = blocks.iter().map(|block| block.to_string()).collect();
    assert_eq!(canonical, ["9.9.9.9/32", "10.0.0.0/8", "2001:db8::/32"]);
    assert_eq!(CidrBlocks::parse(&canonical).as_ref(), Ok(&blocks));
}

#[test]
fn overlapping_blocks_are_refused_by_name_and_neighbours_are_not() {
    for (list, wide, narrow) in [
        (&["10.0.0.0/8", "10.1.0.0/16"][..], "10.0.0.0/8", "10.1.0.0/16"),
        (&["10.1.0.0/16", "192.0.2.0/24", "10.0.0.0/8"], "10.0.0.0/8", "10.1.0.0/16"),
        (&["10.255.255.255", "10.0.0.0/8"], "10.0.0.0/8", "10.255.255.255/32"),
        (&["::ffff:10.1.0.0/112", "10.0.0.0/8"], "10.0.0.0/8", "10.1.0.0/16"),
        (&["::/0", "2001:db8::/32"], "::/0", "2001:db8::/32"),
    ] {
        let expected = format!("{wide} and {narrow} overlap; leave out {narrow}, or {wide} if it is too wide.");
        assert_eq!(refusal(list), expected);
    }
    for list in [&["10.0.0.0/9", "10.128.0.0/9"][..], &["0.0.0.0/0", "::/0"], &["10.0.0.0/32", "10.0.0.1/32"]] {
        assert!(CidrBlocks::parse(&texts(list)).is_ok(), "{list:?}");
    }
}

#[test]
fn a_restricted_token_works_inside_its_blocks_only() {
    let blocks = CidrBlocks::parse(&texts(&["10.0.0.0/8", "192.0.2.8/30", "2001:db8::/32"])).unwrap();
    for (address, allowed) in [
        ("9.255.255.255", false),
        ("10.0.0.0", true),
        ("10.255.255.255", true),
        ("11.0.0.0", false),
        ("192.0.2.7", false),
        ("192.0.2.8", true),
        ("192.0.2.11", true),
        ("192.0.2.12", false),
        ("2001:db7:ffff:ffff:ffff:ffff:ffff:ffff", false),
        ("2001:db8::", true),
        ("2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", true),
        ("2001:db9::", false),
        ("::ffff:10.0.0.1", true),
        ("::ffff:11.0.0.1", false),
        // The same bits in another family are another address.
        ("::10.0.0.1", false),
        ("a00::", false),
    ] {
        assert_eq!(blocks.allows(Some(address.parse().unwrap())), allowed, "{address}");
    }
    assert!(!blocks.allows(None));
}

#[test]
fn all_of_ipv6_is_nothing_of_ipv4() {
    let mapped = "::ffff:10.0.0.1".parse().unwrap();
    assert!(!CidrBlock::parse("::/0").unwrap().contains(mapped));
    assert!(CidrBlock::parse("0.0.0.0/0").unwrap().contains(mapped));
}

#[test]
fn no_blocks_are_no_restriction() {
    let none = CidrBlocks::parse(&[]).unwrap();
    assert!(none.is_empty() && none == CidrBlocks::default());
    assert!(none.allows(None) && none.allows(Some("::1".parse().unwrap())));
}

/// The bits of the address and how many there are, after mapping.
fn bits(address: IpAddr) -> (u128, u32) {
    match address.to_canonical() {
        IpAddr::V4(address) => (u128::from(address.to_bits()), 32),
        IpAddr::V6(address) => (address.to_bits(), 128),
    }
}

/// The block of this address with so many leading bits, or as many as there are.
fn block(address: IpAddr, prefix: u8) -> CidrBlock {
    let (_, width) = bits(address);
    let net = IpNet::new(address.to_canonical(), prefix.min(width.try_into().unwrap())).unwrap();
    CidrBlock(net.trunc())
}

fn naively_contains(block: CidrBlock, address: IpAddr) -> bool {
    let ((network, width), (address, other_width)) = (bits(block.0.network()), bits(address));
    let bit = |bits: u128, at: u32| bits >> (width - 1 - at) & 1;
    width == other_width && (0..u32::from(block.0.prefix_len())).all(|at| bit(network, at) == bit(address, at))
}

/// Addresses of both families, mapped ones among them, close enough to each other to fall into one block now and then.
fn addresses() -> impl Strategy<Value = IpAddr> {
    let low = prop_oneof![any::<u128>(), 0..64_u128, (0..64_u128).prop_map(|low| low << 26)];
    (low, 0..3).prop_map(|(bits, family)| match family {
        0 => IpAddr::V4((bits as u32).into()),
        1 => IpAddr::V6(bits.into()),
        _ => IpAddr::V6((0xFFFF << 32 | bits & 0xFFFF_FFFF).into()),
    })
}

proptest! {
    #[test]
    fn a_block_reads_back(address in addresses(), prefix in 0..=128_u8) {
        let block = block(address, prefix);
        prop_assert_eq!(CidrBlock::parse(&block.to_string()), Ok(block));
    }

    #[test]
    fn a_block_contains_what_shares_its_leading_bits(of in addresses(), prefix in 0..=128_u8, address in addresses()) {
        let block = block(of, prefix);
        prop_assert!(block.contains(of));
        prop_assert_eq!(block.contains(address), naively_contains(block, address));
    }

    #[test]
    fn a_list_contains_what_any_of_its_blocks_contains(
        list in proptest::collection::vec((addresses(), 0..=128_u8), 0..20),
        address in addresses(),
    ) {
        let list: Vec<_> = list.into_iter().map(|(address, prefix)| block(address, prefix)).collect();
        let expected = list.iter().any(|block| naively_contains(*block, address));
        prop_assert_eq!(CidrBlocks::widest(list).contains(address), expected);
    }

    #[test]
    fn a_list_is_refused_exactly_when_two_different_blocks_overlap(
        list in proptest::collection::vec((addresses(), 0..=128_u8), 0..6),
    ) {
        let list: Vec<_> = list.into_iter().map(|(address, prefix)| block(address, prefix)).collect();
        let overlap = list.iter().any(|one| list.iter().any(|two| one != two && naively_contains(*one, two.0.network())
            && one.0.prefix_len() <= two.0.prefix_len()));
        let texts: Vec<_> = list.iter().map(CidrBlock::to_string).collect();
        prop_assert_eq!(CidrBlocks::parse(&texts).is_err(), overlap);
    }
}

proptest! {
    #[test]
    fn a_list_covers_another_exactly_when_it_allows_whatever_the_other_does(
        ours in proptest::collection::vec((0..=15_u8, 1..=4_u8), 0..6),
        theirs in proptest::collection::vec((0..=15_u8, 1..=4_u8), 0..6),
    ) {
        // Sixteen networks of four bits, so that each can be asked about.
        let list = |list: Vec<(u8, u8)>| {
            CidrBlocks::widest(list.into_iter().map(|(bits, prefix)| block([bits << 4, 0, 0, 0].into(), prefix)).collect())
        };
        let (ours, theirs) = (list(ours), list(theirs));
        let allowed = |list: &CidrBlocks, bits: u8| list.allows(Some([bits << 4, 0, 0, 1].into()));
        let expected = (0..16).all(|bits| !allowed(&theirs, bits) || allowed(&ours, bits));
        // All of IPv4 is less than no restriction.
        let unbounded = theirs.is_empty() && !ours.is_empty();
        prop_assert_eq!(ours.cover(&theirs), expected && !unbounded);
    }
}
