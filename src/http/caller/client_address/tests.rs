//! Tables of what proxies send, and of what clients send to spoof an address.

use proptest::prelude::*;

use super::*;

/// One trusted proxy at this address, others in 10.1.0.0/16, `2001:db8:1::/48`; all other addresses are untrusted.
const PROXY: &str = "10.0.0.1";
const TRUSTED: &str = "10.0.0.1, 10.1.0.0/16, 2001:db8:1::/48";

/// `F: …` is a line of `Forwarded`, `X: …` one of `X-Forwarded-For`.
fn seen(peer: &str, lines: &[&[u8]]) -> Result<Option<String>, Ambiguous> {
    let mut headers = HeaderMap::new();
    for line in lines {
        let (name, value) = line.split_at(3);
        let name = if name == b"F: " { FORWARDED } else { X_FORWARDED_FOR };
        headers.append(name, HeaderValue::from_bytes(value).unwrap());
    }
    let address = client_address(peer.parse().unwrap(), &headers, &TrustedProxies::parse(TRUSTED).unwrap())?;
    Ok(address.map(|address| address.to_string()))
}

/// The result for one header line.
fn line(text: &str) -> Option<String> {
    seen(PROXY, &[text.as_bytes()]).unwrap()
}

#[test]
fn the_address_of_an_untrusted_peer_is_that_of_its_socket_whatever_it_sends() {
    for (peer, address) in [
        ("203.0.113.9", "203.0.113.9"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("2001:db8::9", "2001:db8::9"),
        // Addresses adjacent to the trusted ones, and the same bits in the other family.
        ("10.0.0.0", "10.0.0.0"),
        ("10.0.0.2", "10.0.0.2"),
        ("::10.0.0.1", "::a00:1"),
    ] {
        for lines in [
            &[][..],
            &[&b"X: 198.51.100.1"[..]],
            &[b"F: for=198.51.100.1"],
            &[b"X: 198.51.100.1", b"F: for=198.51.100.2"],
            &[b"X: garbage", b"F: \"\xff"],
        ] {
            assert_eq!(seen(peer, lines), Ok(Some(address.into())), "{peer} {lines:?}");
        }
    }
}

#[test]
fn a_trusted_proxy_without_a_forwarding_header_is_the_client() {
    assert_eq!(seen(PROXY, &[]), Ok(Some(PROXY.into())));
    assert_eq!(seen("::ffff:10.0.0.1", &[]), Ok(Some(PROXY.into())));
    assert_eq!(seen("::ffff:10.0.0.1", &[b"X: 198.51.100.1"]), Ok(Some("198.51.100.1".into())));
}

#[test]
fn every_spelling_of_an_address_is_parsed() {
    for (text, address) in [
        ("X: 198.51.100.1", "198.51.100.1"),
        ("X: \t198.51.100.1 ", "198.51.100.1"),
        ("X: 198.51.100.1:4711", "198.51.100.1"),
        ("X: 2001:DB8::1", "2001:db8::1"),
        ("X: [2001:db8::1]", "2001:db8::1"),
        ("X: [2001:db8::1]:4711", "2001:db8::1"),
        ("X: ::ffff:198.51.100.1", "198.51.100.1"),
        ("X: [::ffff:198.51.100.1]:4711", "198.51.100.1"),
        ("F: for=198.51.100.1", "198.51.100.1"),
        ("F: FOR=198.51.100.1", "198.51.100.1"),
        ("F: for=\"198.51.100.1\"", "198.51.100.1"),
        ("F: for=\"198.51.100.1:4711\"", "198.51.100.1"),
        ("F: for=\"198.51.100.1:_hidden\"", "198.51.100.1"),
        ("F: for=\"[2001:db8::1]\"", "2001:db8::1"),
        ("F: For=\"[2001:db8::1]:4711\"", "2001:db8::1"),
        ("F: for=\"[::ffff:198.51.100.1]\"", "198.51.100.1"),
        ("F: for=\"\\1\\98.51.100.1\"", "198.51.100.1"),
        ("F: by=10.0.0.1;for=198.51.100.1;host=a.example;proto=https", "198.51.100.1"),
        ("F:  proto=https ; for=198.51.100.1 ;; by=_me;", "198.51.100.1"),
        ("F: host=\"a;for=1.1.1.1\";for=198.51.100.1", "198.51.100.1"),
        ("F: host=\"a, for=1.1.1.1\";for=198.51.100.1", "198.51.100.1"),
        ("F: for=198.51.100.1;host=\"a, for=1.1.1.1\"", "198.51.100.1"),
        ("F: for=198.51.100.1;host=\"\\\", for=1.1.1.1, \\\"\"", "198.51.100.1"),
        ("F: for=198.51.100.1;host=\"a\\\\\"", "198.51.100.1"),
        ("F: for=1.1.1.1;host=\"a\\\\\", for=198.51.100.1;host=\"\\\\\"", "198.51.100.1"),
        ("F: for=198.51.100.1;host=\"é\"", "198.51.100.1"),
    ] {
        assert_eq!(line(text).as_deref(), Some(address), "{text}");
    }
}

#[test]
fn a_hop_without_an_address_is_unknown() {
    let texts = "X: |X: ,|X: 198.51.100.1,|X: 198.51.100.1, ,10.1.0.1|X: unknown|X: _hidden|X: a.example|X: 198.51.100|\
        X: 198.51.100.01|X: 198.51.100.1:|X: 198.51.100.1:port|X: 198.51.100.1:123456|\
        X: 198.51.100.1 198.51.100.2|X: \"198.51.100.1\"|X: 2001:db8::1%eth0|X: [2001:db8::1|X: 2001:db8::1]|\
        X: [2001:db8::1]4711|X: [198.51.100.1]|X: é|X: for=198.51.100.1|F: |F: ,|F: ;|F: for=198.51.100.1,|\
        F: for=198.51.100.1, ,for=10.1.0.1|F: for=unknown|F: for=\"_hidden\"|F: for=_hidden|F: for=|F: for|\
        F: for=\"\"|F: for = 198.51.100.1|F: =198.51.100.1|F: 198.51.100.1|F: by=198.51.100.1|F: proto=https|\
        F: for=198.51.100.1;for=198.51.100.1|F: for=198.51.100.1;FOR=unknown|F: for=198.51.100.1 proto=https|\
        F: for=198.51.100.1:4711|F: for=[2001:db8::1]|F: for=\"2001:db8::1\"|F: for=\"[2001:db8::1]\"4711|\
        F: for=\"198.51.100.1:_\"|F: for=\"198.51.100.1|F: for=198.51.100.1\"|F: for=\"198.51.100.1\\\"|\
        F: for=198.51.100.1;host=\"|F: for=198.51.100.1;a|F: =a;for=198.51.100.1|F: for=\" 198.51.100.1\"|F: for=198.51.100.1;host=é";
    for text in texts.split('|') {
        assert_eq!(line(text), None, "{text}");
    }
    assert_eq!(seen(PROXY, &[b"X: \xff"]), Ok(None));
    assert_eq!(seen(PROXY, &[b"X: 198.51.100.1", b"X: "]), Ok(None));
    assert_eq!(seen(PROXY, &[b"F: for=198.51.100.1", b"F: "]), Ok(None));
}

#[test]
fn headers_from_the_client_itself_are_never_trusted() {
    for text in [
        "X: 1.1.1.1, 198.51.100.1",
        "X: 10.1.0.1, 198.51.100.1",
        "X: unknown, 198.51.100.1",
        "X: ,,, 198.51.100.1",
        "X: \", 198.51.100.1",
        "X: 1.1.1.1, 198.51.100.1, 10.1.0.1",
        "F: for=1.1.1.1, for=198.51.100.1",
        "F: for=10.1.0.1, for=198.51.100.1",
        "F: garbage, for=198.51.100.1",
        "F: ,;, for=198.51.100.1",
        // An unclosed quote and a backslash from the client, to swallow what the proxy appends.
        "F: for=\", for=198.51.100.1",
        "F: for=1.1.1.1;host=\", for=198.51.100.1",
        "F: for=\"1.1.1.1\\, for=198.51.100.1",
        "F: for=1.1.1.1, for=\"a, for=\"198.51.100.1:4711\"",
        "F: for=\"a, for=198.51.100.1;host=\";for=1.1.1.1\"",
        "F: for=1.1.1.1;host=\"\\\", for=\"198.51.100.1:4711\"",
        // Text of the client that the proxy copies into quotes.
        "F: for=198.51.100.1;host=\"x\\\";for=1.1.1.1;y=\\\"\"",
        "F: for=198.51.100.1;host=\"x\\\", for=1.1.1.1;y=\\\"\"",
    ] {
        assert_eq!(line(text).as_deref(), Some("198.51.100.1"), "{text}");
    }
}

#[test]
fn trusted_hops_are_followed_to_the_first_untrusted_one() {
    for (peer, lines, address) in [
        (PROXY, &[&b"X: 1.1.1.1, 198.51.100.1, 10.1.0.1, 2001:db8:1::7"[..]][..], Some("198.51.100.1")),
        (PROXY, &[b"X: 1.1.1.1, 198.51.100.1", b"X: 10.1.0.1", b"X: ::ffff:10.1.0.2"], Some("198.51.100.1")),
        (PROXY, &[b"X: 198.51.100.1, 10.0.0.2, 10.1.0.1"], Some("10.0.0.2")),
        (PROXY, &[b"X: 10.1.0.3, 10.1.0.2, 10.1.0.1"], Some("10.1.0.3")),
        (PROXY, &[b"X: 10.1.0.2, unknown, 10.1.0.1"], None),
        (
            "2001:db8:1::1",
            &[b"F: for=1.1.1.1, for=198.51.100.1;by=\"x, y\", for=\"[2001:db8:1::7]:1\""],
            Some("198.51.100.1"),
        ),
        (PROXY, &[b"F: for=1.1.1.1, for=198.51.100.1", b"F: for=10.1.0.1", b"F: for=10.1.0.2"], Some("198.51.100.1")),
        (PROXY, &[b"F: for=10.1.0.3, for=10.1.0.2"], Some("10.1.0.3")),
        (PROXY, &[b"F: for=198.51.100.1, for=_hidden, for=10.1.0.2"], None),
    ] {
        assert_eq!(seen(peer, lines), Ok(address.map(str::to_owned)), "{peer} {lines:?}");
    }
}

#[test]
fn two_headers_that_disagree_are_ambiguous() {
    for (lines, expected) in [
        (&[&b"X: 198.51.100.1"[..], b"F: for=198.51.100.1"][..], Ok(Some("198.51.100.1"))),
        (&[b"X: 1.1.1.1, 198.51.100.1, 10.1.0.1", b"F: for=\"[::ffff:198.51.100.1]\""], Ok(Some("198.51.100.1"))),
        (&[b"X: unknown", b"F: for=unknown"], Ok(None)),
        (&[b"X: 198.51.100.1", b"F: for=198.51.100.2"], Err(Ambiguous)),
        (&[b"X: 198.51.100.1", b"F: for=unknown"], Err(Ambiguous)),
        (&[b"X: unknown", b"F: for=198.51.100.1"], Err(Ambiguous)),
        (&[b"X: 198.51.100.1", b"F: for=10.0.0.1"], Err(Ambiguous)),
        (&[b"X: 198.51.100.1", b"F: "], Err(Ambiguous)),
        (&[b"X: ", b"F: for=198.51.100.1"], Err(Ambiguous)),
    ] {
        assert_eq!(seen(PROXY, lines), expected.map(|address| address.map(str::to_owned)), "{lines:?}");
    }
}

#[test]
fn a_long_header_is_parsed_in_linear_time() {
    // Anything quadratic would take minutes over a megabyte.
    let count = 200_000;
    assert_eq!(line(&format!("X: {}198.51.100.1", "10.1.0.1,".repeat(count))).as_deref(), Some("198.51.100.1"));
    assert_eq!(line(&format!("X: 198.51.100.1{}", ",10.1.0.1".repeat(count))).as_deref(), Some("198.51.100.1"));
    assert_eq!(line(&format!("F: for=198.51.100.1{}", ",for=10.1.0.1".repeat(count))).as_deref(), Some("198.51.100.1"));
    assert_eq!(line(&format!("F: for=\"{}\"", "\\\"".repeat(count))), None);
    assert_eq!(line(&format!("F: for=\"{}\"", "\\".repeat(count))), None);
    assert_eq!(line(&format!("F: {}", "\",".repeat(count))), None);
}

proptest! {
    /// The central guarantee: a client behind one proxy that appends cannot spoof its address.
    #[test]
    fn nothing_that_a_client_sends_changes_its_address(written in r#"([ -~]|[,;="\\]|for=|10\.1\.0\.1){0,40}"#) {
        for appended in [
            "F: {}, for=198.51.100.1",
            "F: {},for=\"198.51.100.1:4711\";by=\"a, b\"",
            "F: {}, host=\"\\\\\\\"\";for=198.51.100.1",
            "X: {}, 198.51.100.1",
            "X: {},198.51.100.1:4711",
        ] {
            let address = line(&appended.replace("{}", &written));
            prop_assert_eq!(address.as_deref(), Some("198.51.100.1"));
        }
    }

    #[test]
    fn a_quoted_parameter_may_contain_anything(text in any::<String>()) {
        let text: String = text.chars().filter(|letter| !letter.is_control()).collect();
        let quoted = text.replace('\\', "\\\\").replace('"', "\\\"");
        let header = format!("F: for=1.1.1.1, for=198.51.100.1;host=\"{quoted}\", host=\"{quoted}\";for=10.1.0.1");
        let address = line(&header);
        prop_assert_eq!(address.as_deref(), Some("198.51.100.1"));
    }
}
