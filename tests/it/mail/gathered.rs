//! Which notices are in which mail: each in one, whatever fails, and the same ones at every attempt.

use rotakey::domain::id::MailDigestId;
use rotakey::domain::notice::{
    MailDigest, MailDigestChange, MailDigestFrequency, MailDigestStatus, Notice, NoticeKind,
};
use rotakey::domain::timestamp::Timestamp;
use rotakey::domain::token::Actor;
use rotakey::service::{MailAttempt, MailOutcome, Service};
use rotakey::store::{ClaimedMail, Store};
use serde_json::json;

use crate::notice::senders::{Outbox, token};
use crate::support::clock::{MINUTE, SECOND, START};
use crate::support::server::Server;

pub const DAY: i64 = 24 * 60 * MINUTE;
pub const HOUR: i64 = 60 * MINUTE;

/// Adds an hourly digest for these kinds and owners; its id.
pub async fn digest(store: &Store, number: u8, kinds: &[NoticeKind], owners: &[&str]) -> MailDigestId {
    let now = Timestamp::from_unix_millis(START);
    let change = MailDigestChange {
        address: Some(format!("a{number}@example.com")),
        kinds: Some(kinds.to_vec()),
        owners: Some(owners.iter().map(|owner| (*owner).to_owned()).collect()),
        frequency: Some(MailDigestFrequency::Hourly),
        minute_of_day: Some(0),
        ..MailDigestChange::default()
    };
    let id = MailDigestId::new(now, [number; 10]);
    let transaction = store.begin().await.unwrap();
    transaction
        .insert_mail_digest(&MailDigest::new(id, change.apply(None).unwrap(), now, Actor::System))
        .await
        .unwrap();
    transaction.commit().await.unwrap();
    id
}

/// Moves the clock to the end of the period of a digest.
pub async fn end_period(outbox: &Outbox, digest: MailDigestId) {
    let ends_at = outbox.store.mail_digest(digest).await.unwrap().unwrap().next_attempt_at;
    let left = ends_at.unix_millis() - outbox.now().unix_millis();
    outbox.clock.advance(left);
}

pub async fn claim(service: &Service, digest: MailDigestId) -> Option<ClaimedMail> {
    service.claim_mail(digest).await.unwrap()
}

/// What a mail says: of each kind, about how many tokens, and the names that are listed.
pub fn said(mail: &ClaimedMail) -> Vec<(NoticeKind, u64, Vec<String>)> {
    let names = |lines: &[rotakey::domain::notice::DigestLine]| {
        lines.iter().map(|line| line.name.as_deref().unwrap_or_default().to_owned()).collect()
    };
    mail.content.sections.iter().map(|one| (one.kind.unwrap(), one.count, names(&one.lines))).collect()
}

pub async fn note(outbox: &Outbox, mail: &ClaimedMail, outcome: MailOutcome) {
    let error = (outcome != MailOutcome::Accepted).then(|| "it failed".to_owned());
    outbox.service.note_mail(mail, &MailAttempt { outcome, error }).await;
}

#[tokio::test]
async fn a_digest_has_the_kinds_and_owners_that_it_asks_for() {
    let server = Server::start().await;
    let outbox = Outbox::beside(&server).await;
    let all = digest(&outbox.store, 1, &[], &[]).await;
    let revoked = digest(&outbox.store, 2, &[NoticeKind::Expiring, NoticeKind::Revoked], &[]).await;
    let reused = digest(&outbox.store, 3, &[NoticeKind::ValueReused], &[]).await;
    // No part of an owner is that owner, and a pattern is none.
    let owned = digest(&outbox.store, 4, &[], &["acme", "b%"]).await;
    let owners = [Some("acme"), Some("acm"), Some("acme 2"), Some("b"), Some("b%"), None];
    for owner in owners {
        let name = format!("of {owner:?}");
        let token = server.admin.create(json!({ "name": name, "owner": owner })).await.unwrap();
        server.admin.revoke(&token.id).await.unwrap();
    }
    end_period(&outbox, all).await;
    let names = |owners: &[Option<&str>]| owners.iter().rev().map(|owner| format!("of {owner:?}")).collect::<Vec<_>>();
    for (digest, owners) in [(all, &owners[..]), (revoked, &owners[..]), (owned, &[Some("acme"), Some("b%")][..])] {
        let mail = claim(&outbox.service, digest).await.unwrap();
        let count = u64::try_from(owners.len()).unwrap();
        assert_eq!(said(&mail), [(NoticeKind::Revoked, count, names(owners))]);
        assert!(mail.content.sections[0].lines.iter().all(|line| line.token_id.is_some()));
    }
    assert!(claim(&outbox.service, reused).await.is_none());
}

#[tokio::test]
async fn nothing_is_in_a_digest_of_a_change_that_was_refused() {
    let server = Server::start().await;
    let outbox = Outbox::beside(&server).await;
    let all = digest(&outbox.store, 1, &[], &[]).await;
    let token = server.admin.create(json!({ "name": "n", "protected": true })).await.unwrap();
    assert_eq!(server.admin.revoke(&token.id).await, Err("TOKEN_PROTECTED".into()));
    end_period(&outbox, all).await;
    assert!(claim(&outbox.service, all).await.is_none());
}

#[tokio::test]
async fn deadlines_are_announced_to_digests_without_any_webhook() {
    let server = Server::start().await;
    let outbox = Outbox::beside(&server).await;
    let all = digest(&outbox.store, 1, &[], &[]).await;
    let expires_at = Timestamp::from_unix_millis(START + 10 * DAY);
    server.admin.create(json!({ "name": "n", "expiresAt": expires_at.to_string() })).await.unwrap();
    server.clock.advance(3 * DAY + MINUTE);
    let deadlines = [rotakey::domain::notice::Deadline::Expiry(7 * 24 * 60)];
    outbox.service.announce_deadlines(&deadlines).await.unwrap();
    let mail = claim(&outbox.service, all).await.unwrap();
    assert_eq!(said(&mail), [(NoticeKind::Expiring, 1, vec!["n".to_owned()])]);
    assert_eq!(mail.content.sections[0].lines[0].deadline, Some(expires_at));
}

#[tokio::test]
async fn a_mail_is_due_when_its_period_ends_and_there_are_notices() {
    let outbox = Outbox::new().await;
    let all = digest(&outbox.store, 1, &[], &[]).await;
    outbox.write(&[(1, 1)]).await;
    assert!(outbox.service.due_mail_digests().await.unwrap().is_empty());
    assert!(claim(&outbox.service, all).await.is_none(), "not yet");
    end_period(&outbox, all).await;
    assert_eq!(outbox.service.due_mail_digests().await.unwrap(), [all]);
    let mail = claim(&outbox.service, all).await.unwrap();
    assert_eq!((mail.address.as_str(), mail.attempt, mail.first_attempt_at), ("a1@example.com", 1, outbox.now()));
    note(&outbox, &mail, MailOutcome::Accepted).await;
    let facts = outbox.store.mail_digest(all).await.unwrap().unwrap();
    assert_eq!((facts.status(), facts.last_success_at), (MailDigestStatus::Active, Some(outbox.now())));
    assert_eq!(facts.next_attempt_at, outbox.now().plus_minutes(60));
    // Without notices the next period ends without a mail, and what is written then waits for the one after it.
    end_period(&outbox, all).await;
    assert!(claim(&outbox.service, all).await.is_none());
    outbox.write(&[(2, 2)]).await;
    assert!(outbox.service.due_mail_digests().await.unwrap().is_empty());
    end_period(&outbox, all).await;
    let next = claim(&outbox.service, all).await.unwrap();
    assert_ne!(next.mail, mail.mail);
    assert_eq!(said(&next)[0].1, 1);
}

#[tokio::test]
async fn a_token_is_listed_once_a_kind_and_few_of_many_are() {
    let outbox = Outbox::new().await;
    let all = digest(&outbox.store, 1, &[], &[]).await;
    outbox.write(&(0..100).map(|number| (number, number % 50)).collect::<Vec<_>>()).await;
    end_period(&outbox, all).await;
    let mail = claim(&outbox.service, all).await.unwrap();
    let section = &mail.content.sections[0];
    assert_eq!((section.count, section.lines.len()), (50, 20));
    // The newest first.
    let listed: Vec<_> = section.lines.iter().map(|line| line.token_id.unwrap()).collect();
    assert_eq!(listed, (30..50).rev().map(token).collect::<Vec<_>>());
}

#[tokio::test]
async fn an_attempt_that_is_repeated_sends_the_same_mail_and_what_came_later_is_in_the_next_one() {
    let outbox = Outbox::new().await;
    let all = digest(&outbox.store, 1, &[], &[]).await;
    outbox.write(&[(1, 1)]).await;
    end_period(&outbox, all).await;
    let ended = outbox.now();
    let first = claim(&outbox.service, all).await.unwrap();
    outbox.write(&[(2, 2)]).await;
    assert!(claim(&outbox.service, all).await.is_none(), "it is on its way");
    note(&outbox, &first, MailOutcome::Failed).await;
    let failing = outbox.store.mail_digest(all).await.unwrap().unwrap();
    assert_eq!((failing.status(), failing.failing_since), (MailDigestStatus::Failing, Some(ended)));
    assert_eq!(failing.last_failure, Some((ended, "it failed".into())));
    let pause = failing.next_attempt_at.unix_millis() - ended.unix_millis();
    assert!((3_750..=5_000).contains(&pause), "{pause}");
    // The mail server is down for three hours.
    outbox.clock.advance(3 * HOUR);
    let again = claim(&outbox.service, all).await.unwrap();
    assert_eq!((again.mail, &again.content, again.attempt), (first.mail, &first.content, 2));
    assert_eq!(again.first_attempt_at, ended);
    note(&outbox, &again, MailOutcome::Accepted).await;
    // Its period ended during the outage: it is sent at once.
    assert_eq!(outbox.service.due_mail_digests().await.unwrap(), [all]);
    let next = claim(&outbox.service, all).await.unwrap();
    assert_eq!(next.content.sections[0].lines[0].token_id, Some(token(2)));
    assert_eq!(next.content.sections[0].count, 1);
    note(&outbox, &next, MailOutcome::Accepted).await;
    assert!(outbox.service.due_mail_digests().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_crash_between_sending_and_noting_it_sends_the_same_mail_again() {
    let outbox = Outbox::new().await;
    let all = digest(&outbox.store, 1, &[], &[]).await;
    outbox.write(&[(1, 1)]).await;
    end_period(&outbox, all).await;
    let first = claim(&outbox.service, all).await.unwrap();
    let other = outbox.replica(2).await;
    other.write(&[(2, 2)]).await;
    outbox.clock.advance(119 * SECOND);
    assert!(claim(&other.service, all).await.is_none(), "not before the claim ends");
    outbox.clock.advance(SECOND);
    let again = claim(&other.service, all).await.unwrap();
    assert_eq!((again.mail, &again.content, again.attempt), (first.mail, &first.content, 2));
    // The first process was frozen. What it notes now is not about its own attempt any more.
    note(&outbox, &first, MailOutcome::Refused).await;
    assert_eq!(outbox.store.mail_digest(all).await.unwrap().unwrap().last_failure, None);
    note(&other, &again, MailOutcome::Accepted).await;
    assert!(outbox.store.mail_digest(all).await.unwrap().unwrap().last_success_at.is_some());
}

#[tokio::test]
async fn another_address_gets_the_mail_that_is_being_sent() {
    let server = Server::start().await;
    let outbox = Outbox::beside(&server).await;
    let all = digest(&outbox.store, 1, &[], &[]).await;
    outbox.write(&[(1, 1)]).await;
    end_period(&outbox, all).await;
    let first = claim(&outbox.service, all).await.unwrap();
    let update = format!(
        "mutation {{ updateMailDigest(input: {{ id: \"{all}\", address: \"b@example.com\" }}) {{ mailDigest {{ id }} }} }}"
    );
    assert_eq!(server.admin.ask(&update).await.code(), None);
    let moved = claim(&outbox.service, all).await.unwrap();
    assert_eq!((moved.address.as_str(), moved.mail), ("b@example.com", first.mail));
    assert_eq!(moved.content, first.content);
}

#[tokio::test]
async fn replicas_that_claim_together_send_a_mail_once() {
    let outbox = Outbox::new().await;
    let all = digest(&outbox.store, 1, &[], &[]).await;
    // More than one transaction gathers.
    for _ in 0..6 {
        outbox.write(&(0..=255).map(|number| (number, number)).collect::<Vec<_>>()).await;
    }
    end_period(&outbox, all).await;
    let others = [outbox.replica(2).await, outbox.replica(3).await];
    let claims =
        tokio::join!(claim(&outbox.service, all), claim(&others[0].service, all), claim(&others[1].service, all));
    let mut mails: Vec<_> = [claims.0, claims.1, claims.2].into_iter().flatten().collect();
    // One that finds the digest locked leaves it to the other, which may leave it to the next look.
    mails.extend(claim(&outbox.service, all).await);
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].content.sections[0].count, 256);
    assert_eq!(outbox.count("mail_digest_notice WHERE mail_id IS NULL").await, 0);
    note(&outbox, &mails[0], MailOutcome::Accepted).await;
    outbox.service.sweep().await.unwrap();
    assert_eq!(outbox.count("mail_digest_notice").await, 0);
}

#[tokio::test]
async fn a_digest_is_deleted_with_its_notices() {
    let server = Server::start().await;
    let outbox = Outbox::beside(&server).await;
    let (gone, kept) = (digest(&outbox.store, 1, &[], &[]).await, digest(&outbox.store, 2, &[], &[]).await);
    for _ in 0..5 {
        outbox.write(&(0..=255).map(|number| (number, number)).collect::<Vec<_>>()).await;
    }
    let delete = format!("mutation {{ deleteMailDigest(input: {{ id: \"{gone}\" }}) {{ deletedId }} }}");
    assert_eq!(server.admin.ask(&delete).await.code(), None);
    assert_eq!(outbox.count("mail_digest_notice").await, 1_280);
    assert_eq!(outbox.count(&format!("mail_digest_notice WHERE mail_digest_id = '{kept}'")).await, 1_280);
}

#[tokio::test]
async fn what_is_over_by_then_is_listed_last() {
    let outbox = Outbox::new().await;
    let all = digest(&outbox.store, 1, &[], &[]).await;
    let deadlines = |number: u8| {
        // The first 25 end before the mail is sent, and three after it.
        let hours = if number < 25 { 0 } else { 100 };
        Some(Timestamp::from_unix_millis(START + hours * HOUR + i64::from(number)))
    };
    let notices: Vec<_> = (0..28)
        .map(|number| Notice {
            kind: NoticeKind::Expiring,
            deadline: deadlines(number),
            ..outbox.notice(number, number)
        })
        .collect();
    let transaction = outbox.store.begin().await.unwrap();
    transaction.enqueue(&notices).await.unwrap();
    transaction.commit().await.unwrap();
    end_period(&outbox, all).await;
    let mail = claim(&outbox.service, all).await.unwrap();
    let section = &mail.content.sections[0];
    assert_eq!((section.count, section.lines.len()), (28, 20));
    let listed: Vec<_> = section.lines.iter().map(|line| line.token_id.unwrap()).collect();
    assert_eq!(listed, [25, 26, 27].into_iter().chain(0..17).map(token).collect::<Vec<_>>());
    // The same at each attempt, although more are over by then.
    note(&outbox, &mail, MailOutcome::Failed).await;
    outbox.clock.advance(200 * HOUR);
    assert_eq!(claim(&outbox.service, all).await.unwrap().content, mail.content);
}

#[tokio::test]
async fn a_digest_sends_one_test_a_minute() {
    let server = Server::start().await;
    let outbox = Outbox::beside(&server).await;
    let all = digest(&outbox.store, 1, &[], &[]).await;
    let test = format!("mutation {{ testMailDigest(input: {{ id: \"{all}\" }}) {{ mailDigest {{ id }} }} }}");
    assert_eq!(server.admin.ask(&test).await.code(), None);
    let mail = claim(&outbox.service, all).await.unwrap();
    note(&outbox, &mail, MailOutcome::Accepted).await;
    server.clock.advance(MINUTE - 1);
    let refused = server.admin.ask(&test).await;
    assert_eq!((refused.code(), refused.field()), (Some("BAD_USER_INPUT"), Some("id")));
    server.clock.advance(1);
    assert_eq!(server.admin.ask(&test).await.code(), None);
}

#[tokio::test]
async fn what_is_noted_late_changes_nothing() {
    let server = Server::start().await;
    let outbox = Outbox::beside(&server).await;
    let all = digest(&outbox.store, 1, &[], &[]).await;
    outbox.write(&[(1, 1)]).await;
    end_period(&outbox, all).await;
    let first = claim(&outbox.service, all).await.unwrap();
    let update = format!(
        "mutation {{ updateMailDigest(input: {{ id: \"{all}\", address: \"b@example.com\" }}) {{ mailDigest {{ id }} }} }}"
    );
    assert_eq!(server.admin.ask(&update).await.code(), None);
    for outcome in [MailOutcome::Accepted, MailOutcome::Failed] {
        let before = outbox.store.mail_digest(all).await.unwrap();
        note(&outbox, &first, outcome).await;
        assert_eq!(outbox.store.mail_digest(all).await.unwrap(), before);
    }
    let moved = claim(&outbox.service, all).await.unwrap();
    assert_eq!((moved.mail, &moved.content), (first.mail, &first.content));
    let delete = format!("mutation {{ deleteMailDigest(input: {{ id: \"{all}\" }}) {{ deletedId }} }}");
    assert_eq!(server.admin.ask(&delete).await.code(), None);
    note(&outbox, &moved, MailOutcome::Failed).await;
    assert_eq!(outbox.store.mail_digest(all).await.unwrap(), None);
}
