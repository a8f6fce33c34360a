//! Sending: at least once, in order, signed, to nowhere that is not allowed, and whatever the receiver does.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rotakey::domain::notice::{DeliveryStatus, DisabledBecause, WebhookSecrets, WebhookStatus};
use rotakey::signing::signatures;

use crate::notice::senders::{Outbox, secret};
use crate::support::clock::{MINUTE, SECOND, START};
use crate::support::receiver::{Receiver, Reply};

use DeliveryStatus::{Dead, Delivered, Pending};

const HOUR: i64 = 60 * MINUTE;

#[tokio::test]
async fn a_notice_arrives_as_standard_webhooks_defines_it() {
    let outbox = Outbox::new().await;
    let mut receiver = Receiver::start([]).await;
    let webhook = outbox.webhook(1, &receiver.url()).await;
    let sender = outbox.send();
    outbox.write(&[(1, 1)]).await;
    let message = receiver.next().await;
    let notice = outbox.notice(1, 1);
    assert_eq!((message.path.as_str(), message.body.as_str()), ("/hook", notice.message().as_str()));
    assert_eq!(message.id(), notice.id.to_string());
    assert_eq!(message.header("webhook-timestamp"), (START / SECOND).to_string());
    assert_eq!(message.header("content-type"), "application/json");
    let secrets = WebhookSecrets { current: secret(), previous: None };
    let signed = signatures(&secrets, message.id(), START / SECOND, &message.body);
    assert_eq!(message.header("webhook-signature"), signed);
    outbox.until_statuses(webhook, &[Delivered]).await;
    let facts = outbox.facts(webhook).await;
    assert_eq!((facts.status(), facts.last_success_at), (WebhookStatus::Active, Some(outbox.now())));
    let delivery = outbox.deliveries(webhook).await.swap_remove(0);
    assert_eq!((delivery.attempts, delivery.last_status, delivery.last_error), (1, Some(204), None));
    sender.stop().await;
    assert_eq!(receiver.others().len(), 0, "it was sent once");
    // The key that is shown has so many bytes.
    assert_eq!(STANDARD.decode(&rotakey::signing::hmac_key_text(&secret())[6..]).unwrap().len(), 32);
}

#[tokio::test]
async fn a_failed_notice_is_sent_again_with_the_same_id_and_a_new_signature() {
    let outbox = Outbox::new().await;
    let redirect = Reply::With(302, "location", "http://127.0.0.1:1/".to_owned());
    let mut receiver = Receiver::start([Reply::Status(500), redirect, Reply::Status(404)]).await;
    let webhook = outbox.webhook(1, &receiver.url()).await;
    let sender = outbox.send();
    outbox.write(&[(1, 1)]).await;
    let first = receiver.next().await;
    let mut failing_since = None;
    for (attempts, status) in [(1, 500), (2, 302), (3, 404)] {
        let failed = outbox.until_failed(webhook, attempts).await;
        assert_eq!((failed.status(), failed.last_status), (Pending, Some(status)));
        assert_eq!(
            failed.last_error.as_deref(),
            Some(format!("the receiver answered with the status {status}").as_str())
        );
        let next = failed.next_attempt_at.unwrap().unix_millis() - outbox.now().unix_millis();
        let longest = (5 * SECOND) << (attempts - 1);
        assert!((longest * 3 / 4..=longest).contains(&next), "{next} after attempt {attempts}");
        let facts = outbox.facts(webhook).await;
        assert_eq!(facts.status(), WebhookStatus::Failing);
        assert_eq!(facts.last_failure.map(|(at, _)| at), Some(outbox.now()));
        failing_since = failing_since.or(facts.failing_since);
        assert_eq!(facts.failing_since, failing_since, "since the first failure");
        outbox.advance(next);
        let again = receiver.next().await;
        assert_eq!((again.id(), &again.body), (first.id(), &first.body));
        assert_ne!(again.header("webhook-signature"), first.header("webhook-signature"));
    }
    outbox.until_statuses(webhook, &[Delivered]).await;
    assert_eq!(outbox.facts(webhook).await.status(), WebhookStatus::Active);
    sender.stop().await;
}

#[tokio::test]
async fn a_receiver_that_never_accepts_is_tried_for_three_days_and_then_disabled() {
    let outbox = Outbox::new().await;
    let mut receiver = Receiver::start(vec![Reply::Status(503); 100]).await;
    let webhook = outbox.webhook(1, &receiver.url()).await;
    let sender = outbox.send();
    outbox.write(&[(1, 1), (2, 2)]).await;
    let (mut attempts, began) = (0, outbox.now());
    loop {
        receiver.next().await;
        receiver.next().await;
        attempts += 1;
        outbox.until_statuses(webhook, &[Pending, Pending]).await;
        let failed = outbox.until_failed(webhook, attempts).await;
        let second = outbox.deliveries(webhook).await.swap_remove(1);
        let next = failed.next_attempt_at.max(second.next_attempt_at).unwrap();
        let is_last = next == began.plus_minutes(3 * 24 * 60);
        outbox.advance(next.unix_millis() - outbox.now().unix_millis());
        if is_last {
            break;
        }
    }
    assert!((20..30).contains(&attempts), "{attempts}");
    receiver.next().await;
    let facts = async || outbox.facts(webhook).await;
    crate::support::deadline::until("the end", async || facts().await.disabled.is_some()).await;
    assert_eq!(facts().await.disabled, Some((outbox.now(), DisabledBecause::Failing)));
    // Nothing more is sent to it, whatever is written.
    outbox.write(&[(3, 3)]).await;
    outbox.advance(HOUR);
    sender.stop().await;
    assert_eq!(outbox.deliveries(webhook).await.len(), 2, "a disabled webhook gets no notices");
}

#[tokio::test]
async fn a_receiver_that_is_gone_is_disabled_at_once() {
    let outbox = Outbox::new().await;
    let mut receiver = Receiver::start([Reply::Status(410)]).await;
    let webhook = outbox.webhook(1, &receiver.url()).await;
    outbox.write(&[(1, 1), (2, 1)]).await;
    let sender = outbox.send();
    receiver.next().await;
    outbox.until_statuses(webhook, &[Dead, Pending]).await;
    assert_eq!(outbox.facts(webhook).await.disabled, Some((outbox.now(), DisabledBecause::Gone)));
    assert_eq!(outbox.disabled_events(webhook).await, 1);
    outbox.advance(HOUR);
    sender.stop().await;
    assert_eq!(receiver.others().len(), 0);
    assert_eq!(outbox.statuses(webhook).await, [Dead, Pending], "it waits, in case the webhook is enabled again");
}

#[tokio::test]
async fn a_retry_after_is_honoured() {
    let outbox = Outbox::new().await;
    let mut receiver = Receiver::start([Reply::With(429, "retry-after", "600".to_owned())]).await;
    let webhook = outbox.webhook(1, &receiver.url()).await;
    let sender = outbox.send();
    outbox.write(&[(1, 1)]).await;
    receiver.next().await;
    let failed = outbox.until_failed(webhook, 1).await;
    assert_eq!(failed.next_attempt_at, Some(outbox.now().plus_seconds(600)));
    sender.stop().await;
}

#[tokio::test]
async fn notices_of_one_token_arrive_in_order_and_others_do_not_wait_for_them() {
    let outbox = Outbox::new().await;
    let mut receiver = Receiver::start([Reply::Status(500)]).await;
    let webhook = outbox.webhook(1, &receiver.url()).await;
    outbox.write(&[(1, 1), (2, 1), (3, 1)]).await;
    let sender = outbox.send();
    let mut ids = vec![receiver.next().await.id().to_owned()];
    let failed = outbox.until_failed(webhook, 1).await;
    outbox.write(&[(4, 2)]).await;
    ids.push(receiver.next().await.id().to_owned());
    outbox.until_statuses(webhook, &[Pending, Pending, Pending, Delivered]).await;
    outbox.advance(failed.next_attempt_at.unwrap().unix_millis() - outbox.now().unix_millis());
    for _ in 0..3 {
        ids.push(receiver.next().await.id().to_owned());
    }
    let expected = [1, 4, 1, 2, 3].map(|number| {
        let at = outbox.deliveries(webhook);
        (number, at)
    });
    let mut numbers = Vec::new();
    for (number, deliveries) in expected {
        numbers.push(deliveries.await[number - 1].id.notice.to_string());
    }
    assert_eq!(ids, numbers);
    outbox.until_statuses(webhook, &[Delivered; 4]).await;
    sender.stop().await;
}

#[tokio::test]
async fn a_receiver_that_hangs_does_not_hold_up_the_others() {
    let outbox = Outbox::new().await;
    let mut hanging = Receiver::start(vec![Reply::Hang; 100]).await;
    let mut working = Receiver::start([]).await;
    for number in 1..=40 {
        outbox.webhook(number, &hanging.url()).await;
    }
    // The oldest deliveries are those to the receivers that hang.
    outbox.write(&[(1, 1), (2, 2), (3, 3), (4, 4)]).await;
    let sender = outbox.send();
    hanging.next().await;
    let webhook = outbox.webhook(50, &working.url()).await;
    outbox.write(&[(5, 5)]).await;
    working.next().await;
    outbox.until_statuses(webhook, &[Delivered]).await;
    sender.kill().await;
}

#[tokio::test]
async fn nothing_is_sent_to_an_address_that_is_not_allowed() {
    let outbox = Outbox::new().await;
    let mut receiver = Receiver::start([]).await;
    let port = receiver.address.port();
    let refused = "its name has no address that may be connected to";
    let sender = outbox.send_into("10.0.0.0/8");
    for (number, host) in
        (1..).zip(["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "169.254.169.254", "192.168.0.1"])
    {
        for scheme in ["http", "https"] {
            let number = number * 2 + u8::from(scheme == "http");
            let webhook = outbox.webhook(number, &format!("{scheme}://{host}:{port}/")).await;
            outbox.write(&[(number, number)]).await;
            let failed = outbox.until_failed(webhook, 1).await;
            assert_eq!(failed.last_error.as_deref(), Some(refused), "{scheme}://{host}");
        }
    }
    sender.stop().await;
    assert_eq!(receiver.others().len(), 0);
}

#[tokio::test]
async fn a_crash_between_sending_and_noting_it_sends_the_same_notice_again() {
    let outbox = Outbox::new().await;
    let mut receiver = Receiver::start([Reply::Hang]).await;
    let webhook = outbox.webhook(1, &receiver.url()).await;
    outbox.write(&[(1, 1)]).await;
    let sender = outbox.send();
    let first = receiver.next().await;
    sender.kill().await;
    let other = outbox.replica(2).await;
    let sender = other.send();
    // Not before the claim ends.
    outbox.clock.advance(59 * SECOND);
    assert_eq!(other.service.due_webhooks().await.unwrap(), []);
    other.advance(SECOND);
    let again = receiver.next().await;
    assert_eq!((again.id(), &again.body), (first.id(), &first.body));
    outbox.until_statuses(webhook, &[Delivered]).await;
    assert_eq!(outbox.deliveries(webhook).await[0].attempts, 2);
    sender.stop().await;
}

#[tokio::test]
async fn replicas_share_the_deliveries_and_send_each_once() {
    let outbox = Outbox::new().await;
    let mut receiver = Receiver::start([]).await;
    let webhook = outbox.webhook(1, &receiver.url()).await;
    let other = outbox.replica(2).await;
    let notices: Vec<(u8, u8)> = (1..=100).map(|number| (number, number % 7)).collect();
    outbox.write(&notices).await;
    let senders = [outbox.send(), other.send()];
    let mut arrived = Vec::new();
    for _ in &notices {
        // A replica that has noted the one before makes the next of a token due for both.
        other.service.notices_written().notify_one();
        arrived.push(receiver.next().await);
    }
    outbox.until_statuses(webhook, &[Delivered; 100]).await;
    for sender in senders {
        sender.stop().await;
    }
    assert_eq!(receiver.others().len(), 0);
    let deliveries = outbox.deliveries(webhook).await;
    assert!(deliveries.iter().all(|delivery| delivery.attempts == 1));
    for token in 0..7 {
        let of_token = |id: &str| deliveries.iter().position(|one| one.id.notice.to_string() == id).unwrap();
        let places: Vec<usize> = arrived.iter().map(|message| of_token(message.id())).collect();
        let places: Vec<usize> = places.into_iter().filter(|place| (place + 1) % 7 == token).collect();
        assert!(places.is_sorted(), "{places:?}");
    }
}

#[tokio::test]
async fn an_outcome_that_comes_after_the_claim_has_ended_changes_nothing() {
    let outbox = Outbox::new().await;
    let receiver = Receiver::start([]).await;
    let webhook = outbox.webhook(1, &receiver.url()).await;
    outbox.write(&[(1, 1)]).await;
    let late = outbox.service.claim_deliveries(webhook, 4).await.unwrap().deliveries.swap_remove(0);
    outbox.clock.advance(MINUTE);
    let own = outbox.service.claim_deliveries(webhook, 4).await.unwrap().deliveries.swap_remove(0);
    assert_eq!((own.notice, own.attempt), (late.notice, 2));
    let failed = rotakey::service::Attempt {
        outcome: rotakey::domain::delivery::Outcome::Gone,
        status: Some(410),
        error: Some("gone".to_owned()),
    };
    let before = outbox.facts(webhook).await;
    outbox.service.note_attempt(&late, &failed).await;
    assert_eq!(outbox.statuses(webhook).await, [Pending]);
    assert_eq!(outbox.facts(webhook).await, before);
    let accepted = rotakey::service::Attempt {
        outcome: rotakey::domain::delivery::Outcome::Accepted,
        status: Some(200),
        error: None,
    };
    outbox.service.note_attempt(&own, &accepted).await;
    assert_eq!(outbox.statuses(webhook).await, [Delivered]);
}

#[tokio::test]
async fn a_sender_that_is_stopped_waits_for_what_is_on_its_way() {
    let outbox = Outbox::new().await;
    let mut receiver = Receiver::start([]).await;
    let webhook = outbox.webhook(1, &receiver.url()).await;
    let sender = outbox.send();
    outbox.write(&[(1, 1)]).await;
    receiver.next().await;
    sender.stop().await;
    assert_eq!(outbox.statuses(webhook).await, [Delivered]);
}

#[tokio::test]
async fn many_notices_of_one_token_that_wait_do_not_hold_up_those_of_others() {
    let outbox = Outbox::new().await;
    let mut receiver = Receiver::start([Reply::Status(500)]).await;
    let webhook = outbox.webhook(1, &receiver.url()).await;
    // More than are looked at in one go.
    let waiting: Vec<(u8, u8)> = (1..=200).map(|number| (number, 1)).collect();
    outbox.write(&waiting).await;
    outbox.write(&[(201, 2)]).await;
    let sender = outbox.send();
    receiver.next().await;
    let last = receiver.next().await;
    let ids: Vec<String> = outbox.deliveries(webhook).await.iter().map(|one| one.id.notice.to_string()).collect();
    assert_eq!(last.id(), ids[200]);
    sender.kill().await;
}
