//! A webhook that was disabled: what waits for it, and what becomes of that when it is enabled, changed or deleted.

use rotakey::domain::delivery::Outcome;
use rotakey::domain::id::WebhookId;
use rotakey::domain::notice::{DeliveryStatus, DisabledBecause, WebhookStatus};
use rotakey::metrics::{Exposition, Format};
use rotakey::service::Attempt;
use sea_orm::ConnectionTrait;
use serde_json::json;

use crate::notice::senders::Outbox;
use crate::support::clock::{MINUTE, SECOND};
use crate::support::cluster::wait_for;
use crate::support::receiver::{Receiver, Reply};
use crate::support::server::Server;

use DeliveryStatus::{Dead, Delivered, Pending};

const HOUR: i64 = 60 * MINUTE;
const DAYS: i64 = 24 * HOUR;

async fn disable(outbox: &Outbox, webhook: WebhookId) {
    let transaction = outbox.store.begin().await.unwrap();
    assert!(transaction.disable_webhook(webhook, DisabledBecause::Failing, outbox.now()).await.unwrap());
    transaction.commit().await.unwrap();
}

/// Claims the one delivery that is due, and notes that it failed.
async fn fail(outbox: &Outbox, webhook: WebhookId) {
    let sent = outbox.service.claim_deliveries(webhook, 1).await.unwrap().deliveries.swap_remove(0);
    let outcome = Outcome::Failed { retry_after_seconds: None };
    let failed = Attempt { outcome, status: Some(503), error: Some("down".to_owned()) };
    outbox.service.note_attempt(&sent, &failed).await;
}

/// Has the holder of the first token do this to a webhook.
async fn mutate(server: &Server, mutation: &str, webhook: WebhookId, more: &str, selection: &str) {
    let query = format!("mutation {{ {mutation}(input: {{ id: \"{webhook}\" {more} }}) {{ {selection} }} }}");
    assert_eq!(server.admin.ask(&query).await.code(), None, "{mutation}");
}

#[tokio::test]
async fn what_waits_for_a_disabled_webhook_is_given_up_three_days_after_it_was_disabled() {
    let outbox = Outbox::new().await;
    let (webhook, working) =
        (outbox.webhook(1, "https://example.com/1").await, outbox.webhook(2, "https://example.com/2").await);
    outbox.write(&[(1, 1), (2, 1)]).await;
    outbox.clock.advance(3 * DAYS - MINUTE);
    disable(&outbox, webhook).await;
    outbox.clock.advance(3 * DAYS - 1);
    outbox.service.sweep().await.unwrap();
    assert_eq!(outbox.statuses(webhook).await, [Pending, Pending]);
    outbox.clock.advance(1);
    outbox.service.sweep().await.unwrap();
    assert_eq!(outbox.statuses(webhook).await, [Dead, Dead]);
    assert_eq!(outbox.statuses(working).await, [Pending, Pending], "a webhook that is enabled keeps what waits");
    let mut exposition = Exposition::default();
    outbox.service.describe(&mut exposition);
    let metrics = exposition.encode(Format::Prometheus).unwrap();
    assert!(metrics.contains(r#"rotakey_notice_attempts_total{outcome="DEAD"} 2"#), "{metrics}");
}

#[tokio::test]
async fn what_waits_for_a_webhook_that_is_enabled_again_has_three_days_from_then_on() {
    let server = Server::start().await;
    let outbox = Outbox::beside(&server).await;
    let mut receiver = Receiver::start([Reply::Status(503)]).await;
    let webhook = outbox.webhook(1, &receiver.url()).await;
    outbox.write(&[(1, 1)]).await;
    fail(&outbox, webhook).await;
    outbox.clock.advance(3 * DAYS);
    disable(&outbox, webhook).await;
    outbox.clock.advance(HOUR);
    mutate(&server, "enableWebhook", webhook, "", "webhook { id }").await;
    // It has not started completely.
    let sender = outbox.send();
    receiver.next().await;
    let failed = outbox.until_failed(webhook, 1).await;
    assert_eq!((failed.status(), outbox.facts(webhook).await.status()), (Pending, WebhookStatus::Failing));
    let pause = failed.next_attempt_at.unwrap().unix_millis() - outbox.now().unix_millis();
    assert!(pause <= 5 * SECOND, "{pause}");
    outbox.advance(pause);
    receiver.next().await;
    outbox.until_statuses(webhook, &[Delivered]).await;
    sender.stop().await;
}

#[tokio::test]
async fn what_waits_for_a_webhook_is_due_when_its_url_is_changed_or_it_is_enabled() {
    let server = Server::start().await;
    let outbox = Outbox::beside(&server).await;
    let webhook = outbox.webhook(1, "https://example.com/").await;
    outbox.write(&[(1, 1)]).await;
    for (mutation, more, is_due) in [
        ("updateWebhook", ", description: \"d\"", false),
        ("updateWebhook", ", url: \"https://example.com/2\"", true),
        ("enableWebhook", "", true),
    ] {
        fail(&outbox, webhook).await;
        if mutation == "enableWebhook" {
            disable(&outbox, webhook).await;
        }
        mutate(&server, mutation, webhook, more, "webhook { id }").await;
        let delivery = outbox.deliveries(webhook).await.swap_remove(0);
        assert_eq!(delivery.next_attempt_at == Some(outbox.now()), is_due, "{mutation} {more}");
        outbox.clock.advance(HOUR);
    }
}

#[tokio::test]
async fn a_webhook_is_deleted_with_all_its_deliveries_however_many() {
    let server = Server::start().await;
    let outbox = Outbox::beside(&server).await;
    let (gone, kept) =
        (outbox.webhook(1, "https://example.com/").await, outbox.webhook(2, "https://example.com/").await);
    write_many(&outbox).await;
    mutate(&server, "deleteWebhook", gone, "", "deletedId").await;
    assert_eq!(outbox.count("webhook").await, 1);
    assert_eq!(outbox.count("webhook_delivery").await, 1_250);
    assert_eq!(outbox.count(&format!("webhook_delivery WHERE webhook_id = '{kept}'")).await, 1_250);
    assert_eq!(server.admin.events(json!({ "actions": ["WEBHOOK_DELETED"] })).await.len(), 1);
}

/// Writes 1,250 notices.
async fn write_many(outbox: &Outbox) {
    let notices: Vec<(u8, u8)> = (1..=250).map(|number| (number, number)).collect();
    for _ in 0..5 {
        outbox.write(&notices).await;
        outbox.clock.advance(1);
    }
}

/// The transaction of the test is a revocation that has written its notice and is yet to commit.
#[tokio::test]
#[ignore = "needs PostgreSQL: run ./tests/with-postgres"]
async fn on_postgres_the_deletion_of_a_busy_webhook_locks_few_deliveries_at_a_time() {
    let server = Server::start().await;
    let outbox = Outbox::beside(&server).await;
    let webhook = outbox.webhook(1, "https://example.com/").await;
    write_many(&outbox).await;
    let token = server.admin.create(json!({ "name": "n" })).await.unwrap();
    let transaction = outbox.store.begin().await.unwrap();
    transaction.enqueue(&[outbox.notice(251, 1)]).await.unwrap();
    let admin = server.admin.clone();
    let query = format!("mutation {{ deleteWebhook(input: {{ id: \"{webhook}\" }}) {{ deletedId }} }}");
    let deletion = tokio::spawn(async move { admin.ask(&query).await });
    let connection = outbox.database.connect().await;
    wait_for(&connection, "SELECT count(*) < 500 FROM webhook_delivery").await;
    assert_eq!(server.admin.revoke(&token.id).await, Ok("REVOKED".to_owned()));
    transaction.commit().await.unwrap();
    assert_eq!(deletion.await.unwrap().code(), None);
    assert_eq!(outbox.count("webhook_delivery").await, 0);
}

#[tokio::test]
#[ignore = "needs PostgreSQL: run ./tests/with-postgres"]
async fn on_postgres_no_revocation_waits_for_a_change_of_a_webhook() {
    let server = Server::start().await;
    let outbox = Outbox::beside(&server).await;
    let webhook = outbox.webhook(1, "https://example.com/").await;
    let token = server.admin.create(json!({ "name": "n" })).await.unwrap();
    let transaction = outbox.store.begin().await.unwrap();
    let found = transaction.find_webhook_to_change(webhook).await.unwrap().unwrap();
    transaction.update_webhook(&found).await.unwrap();
    assert_eq!(server.admin.revoke(&token.id).await, Ok("REVOKED".to_owned()));
    transaction.commit().await.unwrap();
    assert_eq!(outbox.deliveries(webhook).await.len(), 1);
}

#[tokio::test]
async fn the_age_of_the_oldest_notice_is_that_of_all_to_webhooks_that_are_enabled() {
    let outbox = Outbox::new().await;
    let disabled = outbox.webhook(1, "https://example.com/1").await;
    outbox.write(&[(1, 1)]).await;
    disable(&outbox, disabled).await;
    outbox.clock.advance(MINUTE);
    outbox.webhook(2, "https://example.com/2").await;
    let oldest = outbox.now();
    outbox.write(&[(2, 2)]).await;
    // One that is younger, and due before the oldest one.
    outbox.clock.advance(MINUTE);
    outbox.webhook(3, "https://example.com/3").await;
    outbox.write(&[(3, 3)]).await;
    let put_off = format!(
        "UPDATE webhook_delivery SET next_attempt_at = next_attempt_at + {HOUR} WHERE created_at = {}",
        oldest.unix_millis()
    );
    outbox.database.connect().await.execute_unprepared(&put_off).await.unwrap();
    for (most, pending) in [(10, 3), (1, 1)] {
        let backlog = outbox.store.backlog(most).await.unwrap();
        assert_eq!((backlog.pending, backlog.oldest_at, backlog.disabled_webhooks), (pending, Some(oldest), 1));
    }
}
