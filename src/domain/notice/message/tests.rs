use super::*;
use crate::domain::token::Settings;

fn at(millis: i64) -> Timestamp {
    Timestamp::from_unix_millis(1_767_225_600_000 + millis)
}

fn subject(owner: Option<&str>) -> Subject {
    let Settings { name, kind, .. } = Settings::named("deploy \"prod\"");
    Subject { id: TokenId::new(at(0), [7; 10]), name, owner: owner.map(Into::into), kind }
}

/// Receivers read these bytes, so a change of them cannot pass unseen.
#[test]
fn the_message_never_changes() {
    let bare = Notice::new(NoticeId::new(at(1), [1; 10]), NoticeKind::Expiring, at(1));
    let expiring = Notice { subject: Some(subject(None)), deadline: Some(at(60_000)), ..bare.clone() };
    assert_eq!(
        expiring.message(),
        r#"{"type":"api_token.expiring","timestamp":"2026-01-01T00:00:00.001Z","data":{"token":{"id":"tok_01KDVDNA000W3GE1R70W3GE1R7","name":"deploy \"prod\"","owner":null,"kind":"PRIVATE"},"deadline":"2026-01-01T00:01:00.000Z"}}"#
    );
    let everything = Notice {
        kind: NoticeKind::RestrictionRefused,
        subject: Some(subject(Some("acme"))),
        generation: Some(3),
        last_used_at: Some(at(0)),
        code: Some(ErrorCode::AddressRefused),
        event: Some(EventId::new(at(0), [2; 10])),
        ..bare
    };
    assert_eq!(
        everything.message(),
        r#"{"type":"api_token.restriction_refused","timestamp":"2026-01-01T00:00:00.001Z","data":{"token":{"id":"tok_01KDVDNA000W3GE1R70W3GE1R7","name":"deploy \"prod\"","owner":"acme","kind":"PRIVATE"},"generation":3,"lastUsedAt":"2026-01-01T00:00:00.000Z","code":"ADDRESS_REFUSED","eventId":"evt_01KDVDNA00081040G2081040G2"}}"#
    );
    let webhook = WebhookId::new(at(0), [3; 10]);
    assert_eq!(
        Notice::test(webhook, NoticeId::new(at(1), [1; 10]), at(1)).message(),
        r#"{"type":"webhook.test","timestamp":"2026-01-01T00:00:00.001Z","data":{"webhookId":"whk_01KDVDNA000C1G60R30C1G60R3"}}"#
    );
}

#[test]
fn every_kind_has_a_type_of_its_own() {
    let types: std::collections::BTreeSet<_> = NoticeKind::ALL.iter().map(|kind| kind.message_type()).collect();
    assert_eq!(types.len(), NoticeKind::ALL.len());
}
