//! What nobody accepts is kept for as long as that helps, and no longer.

use rotakey::domain::notice::MailDigestStatus;
use rotakey::service::MailOutcome;

use super::gathered::{DAY, HOUR, claim, digest, end_period, note, said};
use crate::notice::senders::{Outbox, token};
use crate::support::clock::{MINUTE, SECOND};
use crate::support::server::Server;

#[tokio::test]
async fn a_mail_that_was_not_accepted_or_refused_for_three_days_is_given_up() {
    for (number, outcome, expected) in [(1, MailOutcome::Failed, 20..30), (2, MailOutcome::Refused, 14..30)] {
        let outbox = Outbox::new().await;
        let all = digest(&outbox.store, number, &[], &[]).await;
        outbox.write(&[(2, 2)]).await;
        end_period(&outbox, all).await;
        let (mut attempts, began) = (0, outbox.now());
        while let Some(mail) = claim(&outbox.service, all).await {
            attempts += 1;
            note(&outbox, &mail, outcome).await;
            assert_eq!(outbox.store.mail_digest(all).await.unwrap().unwrap().status(), MailDigestStatus::Failing);
            // What is in the mail stays as long as the mail does.
            outbox.service.sweep().await.unwrap();
            let is_over = outbox.now() >= began.plus_minutes(3 * 24 * 60);
            assert_eq!(outbox.count("mail_digest_notice").await, i64::from(!is_over));
            end_period(&outbox, all).await;
        }
        assert!(expected.contains(&attempts), "{attempts}");
    }
}

#[tokio::test]
async fn a_mail_that_is_refused_loses_nothing_and_goes_to_the_right_address_at_once() {
    let server = Server::start().await;
    let outbox = Outbox::beside(&server).await;
    let all = digest(&outbox.store, 1, &[], &[]).await;
    outbox.write(&[(1, 1)]).await;
    // Before the period ends: a test takes along what is pending.
    outbox.clock.advance(SECOND);
    let test = format!("mutation {{ testMailDigest(input: {{ id: \"{all}\" }}) {{ mailDigest {{ id }} }} }}");
    assert_eq!(server.admin.ask(&test).await.code(), None);
    let refused = claim(&outbox.service, all).await.unwrap();
    assert_eq!(said(&refused).len(), 2, "the test and the notice");
    note(&outbox, &refused, MailOutcome::Refused).await;
    outbox.service.sweep().await.unwrap();
    outbox.clock.advance(HOUR - SECOND);
    assert!(claim(&outbox.service, all).await.is_none(), "a server that refuses a mail is left alone for an hour");
    let update = format!(
        "mutation {{ updateMailDigest(input: {{ id: \"{all}\", address: \"b@example.com\" }}) {{ mailDigest {{ id }} }} }}"
    );
    assert_eq!(server.admin.ask(&update).await.code(), None);
    let moved = claim(&outbox.service, all).await.unwrap();
    assert_eq!((moved.address.as_str(), moved.mail), ("b@example.com", refused.mail));
    assert_eq!(moved.content, refused.content);
}

#[tokio::test]
async fn notices_that_nobody_sends_are_given_up_after_two_weeks() {
    let outbox = Outbox::new().await;
    digest(&outbox.store, 1, &[], &[]).await;
    outbox.write(&[(1, 1)]).await;
    outbox.clock.advance(14 * DAY);
    outbox.service.sweep().await.unwrap();
    assert_eq!(outbox.count("mail_digest_notice").await, 1);
    outbox.clock.advance(1);
    outbox.service.sweep().await.unwrap();
    assert_eq!(outbox.count("mail_digest_notice").await, 0);
}

#[tokio::test]
async fn a_clock_that_was_ahead_keeps_no_digest_silent_when_it_is_right_again() {
    for (number, attempted) in [(1, None), (2, Some(MailOutcome::Accepted)), (3, Some(MailOutcome::Failed))] {
        let outbox = Outbox::new().await;
        let all = digest(&outbox.store, number, &[], &[]).await;
        if attempted.is_some() {
            outbox.write(&[(1, 1)]).await;
        }
        outbox.clock.advance(30 * DAY);
        let claimed = claim(&outbox.service, all).await;
        assert_eq!(claimed.is_some(), attempted.is_some());
        if let (Some(mail), Some(outcome)) = (&claimed, attempted) {
            note(&outbox, mail, outcome).await;
        }
        outbox.clock.advance(-30 * DAY);
        outbox.write(&[(2, 2)]).await;
        outbox.service.sweep().await.unwrap();
        outbox.clock.advance(HOUR);
        let mut mail = claim(&outbox.service, all).await.unwrap();
        if attempted == Some(MailOutcome::Failed) {
            // That mail first, and then what was written since.
            assert_eq!(mail.first_attempt_at, outbox.now());
            note(&outbox, &mail, MailOutcome::Accepted).await;
            end_period(&outbox, all).await;
            mail = claim(&outbox.service, all).await.unwrap();
        }
        assert_eq!(mail.content.sections[0].lines[0].token_id, Some(token(2)));
        note(&outbox, &mail, MailOutcome::Accepted).await;
        let facts = outbox.store.mail_digest(all).await.unwrap().unwrap();
        assert!(facts.next_attempt_at <= outbox.now().plus_minutes(60), "{}", facts.next_attempt_at);
    }
}

#[tokio::test]
async fn no_digest_is_put_back_whose_clock_was_right() {
    let server = Server::start().await;
    let outbox = Outbox::beside(&server).await;
    let all = digest(&outbox.store, 1, &[], &[]).await;
    outbox.write(&[(1, 1)]).await;
    end_period(&outbox, all).await;
    // An hourly digest, whose mail is repeated after six hours.
    for _ in 0..18 {
        let Some(mail) = claim(&outbox.service, all).await else { break };
        note(&outbox, &mail, MailOutcome::Failed).await;
        let before = outbox.store.mail_digest(all).await.unwrap();
        outbox.service.sweep().await.unwrap();
        assert_eq!(outbox.store.mail_digest(all).await.unwrap(), before);
        end_period(&outbox, all).await;
    }
    for schedule in ["frequency: DAILY", "frequency: WEEKLY"] {
        let update = format!(
            "mutation {{ updateMailDigest(input: {{ id: \"{all}\", {schedule} }}) {{ mailDigest {{ id }} }} }}"
        );
        assert_eq!(server.admin.ask(&update).await.code(), None);
        let before = outbox.store.mail_digest(all).await.unwrap();
        outbox.service.sweep().await.unwrap();
        assert_eq!(outbox.store.mail_digest(all).await.unwrap(), before);
    }
}

#[tokio::test]
async fn a_mail_that_nobody_sends_any_more_is_given_up_after_two_weeks() {
    // Once it was attempted, and once nobody did more than gather it.
    for attempted in [true, false] {
        let outbox = Outbox::new().await;
        let all = digest(&outbox.store, 1, &[], &[]).await;
        outbox.write(&[(1, 1)]).await;
        end_period(&outbox, all).await;
        let mail = claim(&outbox.service, all).await.unwrap();
        if attempted {
            note(&outbox, &mail, MailOutcome::Failed).await;
        } else {
            outbox.execute("UPDATE mail_digest SET attempts = 0, claim = NULL, first_attempt_at = NULL").await;
        }
        outbox.clock.advance(14 * DAY);
        outbox.service.sweep().await.unwrap();
        assert_eq!(outbox.count("mail_digest_notice").await, 1);
        outbox.clock.advance(2 * MINUTE + 1);
        outbox.service.sweep().await.unwrap();
        assert_eq!(outbox.count("mail_digest_notice").await, 0);
        // The digest goes on.
        assert!(claim(&outbox.service, all).await.is_none());
        outbox.write(&[(2, 2)]).await;
        end_period(&outbox, all).await;
        let next = claim(&outbox.service, all).await.unwrap();
        assert_ne!(next.mail, mail.mail);
        assert_eq!((next.attempt, next.content.sections[0].count), (1, 1));
    }
}
