//! Tables for every spelling of an origin and of a pattern, and the property that the canonical one is final.

use proptest::prelude::*;

use super::*;

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn refusal(patterns: &[&str]) -> String {
    let invalid = AllowedOrigins::parse(&texts(patterns)).unwrap_err();
    assert_eq!(invalid.field, "allowedOrigins");
    invalid.message
}

#[test]
fn an_origin_has_one_canonical_text() {
    for (text, canonical) in [
        ("https://example.com", "https://example.com"),
        ("HTTPS://EXAMPLE.com", "https://example.com"),
        ("https://example.com:443", "https://example.com"),
        ("http://example.com:80", "http://example.com"),
        ("http://example.com:443", "http://example.com:443"),
        ("https://example.com:80", "https://example.com:80"),
        ("https://example.com:65535", "https://example.com:65535"),
        ("http://localhost:3000", "http://localhost:3000"),
        ("https://bücher.example", "https://xn--bcher-kva.example"),
        ("https://BÜCHER.example", "https://xn--bcher-kva.example"),
        ("https://xn--bcher-kva.example", "https://xn--bcher-kva.example"),
        ("https://example。com", "https://example.com"),
        ("https://192.0.2.1:8443", "https://192.0.2.1:8443"),
        ("https://0xC0.0.0.1", "https://192.0.0.1"),
        ("https://[2001:DB8:0::1]", "https://[2001:db8::1]"),
        ("https://[::1]:443", "https://[::1]"),
        ("https://[::1]:8443", "https://[::1]:8443"),
        ("chrome-extension://abcdefghijklmnop", "chrome-extension://abcdefghijklmnop"),
        ("moz-extension://2F0c-11", "moz-extension://2f0c-11"),
        ("capacitor://localhost", "capacitor://localhost"),
        ("app://x:443", "app://x:443"),
        ("app://010", "app://010"),
    ] {
        let origin = Origin::parse(text).map(|origin| origin.to_string());
        assert_eq!(origin.as_deref(), Ok(canonical), "{text}");
    }
}

#[test]
fn other_texts_are_no_origins() {
    const EXAMPLE: &str = "https://example.com";
    let texts = "|null|*|://|https|https:|https:example.com|https:/example.com|https://|//example.com|example.com|\
        https:///example.com|https://example.com/|https://example.com/a|https://example.com?|\
        https://example.com#|https://example.com\\|https://user@example.com|https://:@example.com|\
        https://example.com:|https://example.com:0|https://example.com:0443|https://example.com:+443|\
        https://example.com:65536|https://example.com:1:2|https://example.com:٤|https://:443| https://example.com|\
        https://example.com |https://exa mple.com|https://example.com\n|https://example.com\t:443|\
        https://example.com https://example.org|https://example.com, https://example.org|https://example.com.|\
        https://.example.com|https://a..example.com|https://*.example.com|https://＊.example.com|\
        https://ex%61mple.com|https://example%2ecom|https://[::1|https://::1|https://[::1]x|\
        https://[::1%25eth0]|https://[192.0.2.1]|https://256.0.0.1|https://example.1|https://xn--a.example|\
        1https://example.com|ht_tps://example.com|blob:https://example.com|file://|app://|app://é|app://a b|\
        app://a/|app://a.|app://*|app://[::1]|app://a@b";
    for text in texts.split('|') {
        assert_eq!(Origin::parse(text), Err(MalformedOrigin), "{text:?}");
        assert!(!AllowedOrigins::parse(&[EXAMPLE.to_owned()]).unwrap().allows(Some(text)), "{text:?}");
    }
    let long = |length: usize| format!("app://{}", "a".repeat(length - "app://".len()));
    for (length, good) in [(511, true), (512, true), (513, false), (1_000_000, false)] {
        assert_eq!(Origin::parse(&long(length)).is_ok(), good, "{length}");
    }
}

#[test]
fn an_exact_origin_is_scheme_host_and_port() {
    let pattern = OriginPattern::parse("https://App.example.com:443").unwrap();
    for (origin, matches) in [
        ("https://app.example.com", true),
        ("https://APP.example.com:443", true),
        ("http://app.example.com", false),
        ("http://app.example.com:443", false),
        ("https://app.example.com:8443", false),
        ("https://example.com", false),
        ("https://a.app.example.com", false),
        ("https://app.example.com.evil.example", false),
        ("https://evilapp.example.com", false),
    ] {
        assert_eq!(pattern.matches(&Origin::parse(origin).unwrap()), matches, "{origin}");
    }
}

#[test]
fn a_wildcard_is_every_subdomain_and_never_the_domain() {
    for (pattern, origin, matches) in [
        ("https://*.example.com", "https://a.example.com", true),
        ("https://*.example.com", "https://a.b.c.example.com", true),
        ("https://*.example.com", "https://A.EXAMPLE.COM:443", true),
        ("https://*.example.com", "https://example.com", false),
        ("https://*.example.com", "https://evilexample.com", false),
        ("https://*.example.com", "https://a.example.com.evil.example", false),
        ("https://*.example.com", "https://a.example.org", false),
        ("https://*.example.com", "http://a.example.com", false),
        ("https://*.example.com", "https://a.example.com:8443", false),
        ("https://*.example.com", "app://a.example.com", false),
        ("https://*.example.com:8443", "https://a.example.com:8443", true),
        ("https://*.example.com:8443", "https://a.example.com", false),
        ("http://*.example.com", "http://a.example.com:80", true),
        ("https://*.bücher.example", "https://a.xn--bcher-kva.example", true),
        ("https://*.a.example.com", "https://b.example.com", false),
    ] {
        let pattern = OriginPattern::parse(pattern).unwrap();
        assert_eq!(pattern.matches(&Origin::parse(origin).unwrap()), matches, "{pattern} {origin}");
    }
}

#[test]
fn a_refused_pattern_says_what_to_write() {
    for (text, malformed) in [
        ("", MalformedOriginPattern::NotAnOrigin),
        ("null", MalformedOriginPattern::NotAnOrigin),
        ("example.com", MalformedOriginPattern::NotAnOrigin),
        ("https://example.com ", MalformedOriginPattern::NotAnOrigin),
        ("https://a b.example.com", MalformedOriginPattern::NotAnOrigin),
        ("https://example.com.", MalformedOriginPattern::NotAnOrigin),
        ("https://example.com:0", MalformedOriginPattern::NotAnOrigin),
        ("https://example.com/", MalformedOriginPattern::MoreThanAnOrigin),
        ("https://*.example.com/a", MalformedOriginPattern::MoreThanAnOrigin),
        ("https://example.com?a", MalformedOriginPattern::MoreThanAnOrigin),
        ("https://example.com#a", MalformedOriginPattern::MoreThanAnOrigin),
        ("https://user:secret@example.com", MalformedOriginPattern::MoreThanAnOrigin),
        ("*", MalformedOriginPattern::MisplacedWildcard),
        ("*.example.com", MalformedOriginPattern::MisplacedWildcard),
        ("*://example.com", MalformedOriginPattern::MisplacedWildcard),
        ("https://*", MalformedOriginPattern::MisplacedWildcard),
        ("https://*.", MalformedOriginPattern::MisplacedWildcard),
        ("https://*.com", MalformedOriginPattern::MisplacedWildcard),
        ("https://*.localhost:3000", MalformedOriginPattern::MisplacedWildcard),
        ("https://*example.com", MalformedOriginPattern::MisplacedWildcard),
        ("https://a*.example.com", MalformedOriginPattern::MisplacedWildcard),
        ("https://a.*.example.com", MalformedOriginPattern::MisplacedWildcard),
        ("https://*.*.example.com", MalformedOriginPattern::MisplacedWildcard),
        ("https://*..example.com", MalformedOriginPattern::MisplacedWildcard),
        ("https://*.example.com.", MalformedOriginPattern::MisplacedWildcard),
        ("https://example.*", MalformedOriginPattern::MisplacedWildcard),
        ("https://example.com:*", MalformedOriginPattern::MisplacedWildcard),
        ("https://*.0.0.1", MalformedOriginPattern::MisplacedWildcard),
        ("https://*.[::1]", MalformedOriginPattern::MisplacedWildcard),
        ("app://*.example.com", MalformedOriginPattern::MisplacedWildcard),
    ] {
        assert_eq!(OriginPattern::parse(text), Err(malformed), "{text:?}");
    }
    assert_eq!(
        refusal(&["https://example.com", "https://example.com/"]),
        "\"https://example.com/\" is more than an origin; leave out the path (even a single /), the query, the fragment \
         and the user."
    );
    assert!(!refusal(&["https://user:secret@example.com"]).contains("secret"));
    assert!(!refusal(&["https://rk_00000000000000000000000000000000000000000002gL6Az/"]).contains("00"));
    assert!(refusal(&["a.".repeat(500_000).as_str()]).len() < 250);
}

#[test]
fn a_list_has_at_most_100_origins_and_is_counted_before_it_is_read() {
    let list = |count: usize| (0..count).map(|number| format!("https://{number}.example.com")).collect::<Vec<_>>();
    for (count, good) in [(99, true), (100, true), (101, false)] {
        assert_eq!(AllowedOrigins::parse(&list(count)).is_ok(), good, "{count}");
    }
    let invalid = AllowedOrigins::parse(&vec!["garbage".to_owned(); 10_000]).unwrap_err();
    assert_eq!(invalid.message, "A token is restricted to at most 100 origins.");
}

#[test]
fn a_list_is_sorted_and_holds_no_origin_twice() {
    let list = ["https://b.example:443", "https://*.a.example", "https://B.example", "app://x", "https://a.example"];
    let origins = AllowedOrigins::parse(&texts(&list)).unwrap();
    let canonical: Vec<_> = origins.iter().map(OriginPattern::to_string).collect();
    assert_eq!(canonical, ["app://x", "https://a.example", "https://*.a.example", "https://b.example"]);
    assert_eq!(AllowedOrigins::parse(&canonical).as_ref(), Ok(&origins));
}

#[test]
fn a_restricted_token_needs_an_origin_of_its_list() {
    let origins = AllowedOrigins::parse(&texts(&["https://example.com", "https://*.example.org", "app://x"])).unwrap();
    for (header, allowed) in [
        (Some("https://example.com"), true),
        (Some("https://a.example.org"), true),
        (Some("app://X"), true),
        (Some("https://example.org"), false),
        (Some("null"), false),
        (Some(""), false),
        (None, false),
    ] {
        assert_eq!(origins.allows(header), allowed, "{header:?}");
    }
}

#[test]
fn no_origins_are_no_restriction() {
    let none = AllowedOrigins::parse(&[]).unwrap();
    assert!(none.is_empty() && none == AllowedOrigins::default());
    assert!(none.allows(None) && none.allows(Some("null")) && none.allows(Some("https://example.com")));
}

proptest! {
    #[test]
    fn the_canonical_text_is_final(
        scheme in "(?i)https?|[a-z][a-z+.-]{0,8}",
        host in r"[a-zA-Z0-9.äÖß字ا。-]{1,20}|[0-9a-fx]{1,3}(\.[0-9a-fx]{1,3}){0,3}|\[[0-9A-F:]{2,12}\]|\PC{1,8}",
        port in "(:[0-9]{1,5})?",
    ) {
        if let Ok(origin) = Origin::parse(&format!("{scheme}://{host}{port}")) {
            let canonical = origin.to_string();
            prop_assert!(canonical.is_ascii());
            prop_assert_eq!(Origin::parse(&canonical).map(|again| again.to_string()), Ok(canonical.clone()));
            let pattern = OriginPattern::parse(&canonical).unwrap();
            prop_assert!(pattern.matches(&origin));
            prop_assert_eq!(pattern.to_string(), canonical);
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in r"(https://)?\PC*") {
        let read = Origin::parse(&text).is_ok();
        prop_assert!(!read || OriginPattern::parse(&text).is_ok());
    }
}
