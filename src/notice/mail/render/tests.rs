//! What mails look like, and that no name changes that.

use super::{html, subject, text};
use crate::domain::id::TokenId;
use crate::domain::notice::{DigestContent, DigestLine, DigestSection, NoticeKind};
use crate::domain::timestamp::Timestamp;

const DIGEST: &str = "mdg_01KDVDNA000W3GE1R70W3GE1R7";

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn line(number: u8, name: &str, owner: Option<&str>) -> DigestLine {
    DigestLine {
        token_id: Some(TokenId::new(Timestamp::from_unix_millis(1_767_225_600_000), [number; 10])),
        name: Some(name.into()),
        owner: owner.map(Into::into),
        at: at("2026-01-31T12:00:00Z"),
        deadline: Some(at("2026-02-01T08:30:59.999Z")),
        is_over: false,
        last_used_at: Some(at("2026-01-31T11:59:00Z")),
        code: Some("ADDRESS_REFUSED".into()),
    }
}

fn content() -> DigestContent {
    let section = |kind, count, lines| DigestSection { kind, count, lines };
    let never_used = DigestLine { last_used_at: None, ..line(9, "old", None) };
    let test = DigestLine { token_id: None, name: None, owner: None, ..line(1, "", None) };
    DigestContent::of(vec![
        section(Some(NoticeKind::Test), 1, vec![test]),
        section(Some(NoticeKind::Unused), 1, vec![never_used]),
        section(Some(NoticeKind::Expiring), 3, vec![line(1, "reports", Some("acme")), line(2, "خدمة", Some("<b>"))]),
        section(Some(NoticeKind::RotationDue), 40, vec![line(3, "billing", None)]),
        section(Some(NoticeKind::OverlapEnding), 1, vec![line(4, "gateway", Some("acme"))]),
        section(Some(NoticeKind::Revoked), 2, vec![line(5, "a", None), line(6, "b", None)]),
        section(Some(NoticeKind::ValueReused), 1, vec![line(7, "leaked?", Some("O'Neil & sons"))]),
        section(Some(NoticeKind::RestrictionRefused), 1, vec![line(8, "bound", None)]),
        section(None, 7, vec![line(9, "c", None)]),
    ])
}

#[test]
fn a_mail_says_the_most_urgent_first_as_text_and_as_html() {
    let content = content();
    insta::assert_snapshot!("subject", subject(&content));
    insta::assert_snapshot!("text", text(&content, DIGEST));
    insta::assert_snapshot!("html", html(&content, DIGEST));
}

#[test]
fn a_subject_counts_in_words() {
    let subject =
        |kind, count| subject(&DigestContent { sections: vec![DigestSection { kind, count, lines: Vec::new() }] });
    assert_eq!(subject(Some(NoticeKind::Expiring), 1), "Rotakey: 1 token expires soon");
    assert_eq!(subject(Some(NoticeKind::Expiring), 2), "Rotakey: 2 tokens expire soon");
    assert_eq!(subject(Some(NoticeKind::Test), 1), "Rotakey: test");
    for kind in NoticeKind::ALL.iter().copied().map(Some).chain([None]) {
        for count in [1, 2] {
            assert!(subject(kind, count).is_ascii());
        }
    }
}

#[test]
fn what_is_over_when_the_mail_is_sent_is_not_said_to_be_ahead() {
    let said = |kind, lines: Vec<DigestLine>| {
        let count = u64::try_from(lines.len()).unwrap();
        text(&DigestContent { sections: vec![DigestSection { kind: Some(kind), count, lines }] }, DIGEST)
    };
    let over = DigestLine { is_over: true, ..line(1, "a", None) };
    for (kind, heading, both, detail) in [
        (NoticeKind::Expiring, "1 token expired", "2 tokens expire soon or have expired", "expired 2026-02-01"),
        (NoticeKind::RotationDue, "1 rotation due", "2 rotations due", "was to be rotated by 2026-02-01"),
        (NoticeKind::OverlapEnding, "1 overlap ended", "2 overlaps end soon or have ended", "ended 2026-02-01"),
    ] {
        let one = said(kind, vec![over.clone()]);
        assert!(one.starts_with(&format!("{heading}\n")) && one.contains(&format!("* a: {detail}")), "{one}");
        let two = said(kind, vec![line(2, "b", None), over.clone()]);
        assert!(two.starts_with(&format!("{both}\n")) && two.contains(&format!("* a: {detail}")), "{two}");
    }
}

#[test]
fn no_name_ends_a_line_or_an_element_or_turns_the_text_around() {
    let hostile = [
        "<script>alert(1)</script>",
        "</li></ul><img src=https://evil.example/x>",
        "\" onload=\"alert(1)",
        "a\r\nBcc: evil@example.com",
        "a\u{2028}b",
        "gnp.\u{202E}exe",
        "&lt;",
    ];
    for name in hostile {
        let lines = vec![line(1, name, Some(name))];
        let section = DigestSection { kind: Some(NoticeKind::Revoked), count: 1, lines };
        let content = DigestContent { sections: vec![section] };
        let plain = DigestContent {
            sections: vec![DigestSection {
                kind: Some(NoticeKind::Revoked),
                count: 1,
                lines: vec![line(1, "a", Some("a"))],
            }],
        };
        let (written, expected) = (html(&content, DIGEST), html(&plain, DIGEST));
        let elements = |html: &str| html.matches('<').count();
        assert_eq!(elements(&written), elements(&expected), "{written}");
        assert_eq!(written.matches('"').count(), expected.matches('"').count(), "{written}");
        let written = [written, text(&content, DIGEST)];
        for (written, lines) in written.iter().zip([expected.lines().count(), text(&plain, DIGEST).lines().count()]) {
            assert_eq!(written.lines().count(), lines, "{written}");
            assert!(!written.contains(['\r', '\u{2028}', '\u{202E}']), "{written}");
        }
        assert!(subject(&content).is_ascii());
    }
}

#[test]
fn a_mail_is_bounded_whatever_its_tokens_are_called() {
    let long = "&".repeat(255);
    let lines: Vec<DigestLine> = (0..20).map(|number| line(number, &long, Some(&long))).collect();
    let section = |kind| DigestSection { kind, count: u64::MAX, lines: lines.clone() };
    let content = DigestContent::of(NoticeKind::ALL.iter().copied().map(Some).chain([None]).map(section).collect());
    let bytes = html(&content, DIGEST).len() + text(&content, DIGEST).len();
    assert!(bytes < 400 * 1_024, "{bytes}");
    assert!(text(&content, DIGEST).contains("&…"));
}
