//! The outbox: what is written about a token, in the transaction in which it happens.

use rotakey::domain::delivery::Next;
use rotakey::domain::id::WebhookId;
use rotakey::domain::notice::{DisabledBecause, NoticeKind, Webhook, WebhookChange, WebhookSecret};
use rotakey::domain::timestamp::Timestamp;
use rotakey::domain::token::Actor;
use rotakey::store::{Attempted, Store};
use sea_orm::{ConnectionTrait, Statement};
use serde_json::{Value, json};

use super::senders::Outbox;
use crate::support::client::Client;
use crate::support::clock::{SECOND, START};
use crate::support::deadline::until;
use crate::support::server::Server;

/// Adds a webhook for these kinds and owners; its id.
async fn webhook(store: &Store, number: u8, kinds: &[NoticeKind], owners: &[&str], disabled: bool) -> WebhookId {
    let now = Timestamp::from_unix_millis(START);
    let change = WebhookChange {
        url: Some("https://example.com/".to_owned()),
        kinds: Some(kinds.to_vec()),
        owners: Some(owners.iter().map(|owner| (*owner).to_owned()).collect()),
        ..WebhookChange::default()
    };
    let disabled = disabled.then_some((now, DisabledBecause::Gone));
    let id = WebhookId::new(now, [number; 10]);
    let webhook = Webhook { disabled, ..Webhook::new(id, change.apply(None).unwrap(), now, Actor::System) };
    let transaction = store.begin().await.unwrap();
    transaction.insert_webhook(&webhook, &WebhookSecret::from_entropy(&[number; 64])).await.unwrap();
    transaction.commit().await.unwrap();
    id
}

/// The messages in the outbox of this webhook, oldest first.
async fn messages(server: &Server, webhook: WebhookId) -> Vec<Value> {
    let connection = server.database.connect().await;
    let sql = format!("SELECT body FROM webhook_delivery WHERE webhook_id = '{webhook}' ORDER BY number");
    let rows = connection.query_all_raw(Statement::from_string(connection.get_database_backend(), sql)).await.unwrap();
    rows.iter().map(|row| serde_json::from_str(&row.try_get_by_index::<String>(0).unwrap()).unwrap()).collect()
}

/// What each message is about: its type, and the name of its token.
async fn outbox(server: &Server, webhook: WebhookId) -> Vec<(String, String)> {
    let messages = messages(server, webhook).await;
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    messages.iter().map(|message| (text(&message["type"]), text(&message["data"]["token"]["name"]))).collect()
}

fn about(kind: &str, name: &str) -> (String, String) {
    (format!("api_token.{kind}"), name.to_owned())
}

#[tokio::test]
async fn every_way_to_revoke_a_token_is_announced_once() {
    let server = Server::start().await;
    let store = Store::connect(&server.database.url).await.unwrap();
    let all = webhook(&store, 1, &[], &[], false).await;
    let create = async |input: Value| server.admin.create(input).await.unwrap();

    let (single, own) = (create(json!({ "name": "single" })).await, create(json!({ "name": "own" })).await);
    create(json!({ "name": "many", "owner": "gone" })).await;
    for _ in 0..2 {
        server.admin.revoke(&single.id).await.unwrap();
    }
    own.client.revoke(&own.id).await.unwrap();
    let many = r#"mutation { revokeAPITokens(input: { filter: { owner: "gone" }, dryRun: false }) { pageInfo { hasNextPage } } }"#;
    assert_eq!(server.admin.ask(many).await.code(), None);
    let reused = create(json!({ "name": "reused", "onReuse": "REVOKE", "overlapMinutes": 0 })).await;
    reused.client.rotate().await.unwrap();
    server.clock.advance(11 * SECOND);
    assert_eq!(reused.client.check().await, Err("VALUE_RETIRED".into()));
    assert_eq!(
        outbox(&server, all).await,
        [
            about("revoked", "single"),
            about("revoked", "own"),
            about("revoked", "many"),
            about("value_reused", "reused"),
            about("revoked", "reused"),
        ]
    );
}

#[tokio::test]
async fn a_notice_names_its_event_and_leaves_who_did_it_and_why_to_holders_of_audit_log_read() {
    let server = Server::start().await;
    let store = Store::connect(&server.database.url).await.unwrap();
    let all = webhook(&store, 1, &[], &[], false).await;
    let token = server.admin.create(json!({ "name": "n", "owner": "acme" })).await.unwrap();
    let input = json!({ "id": token.id, "reason": "leaked", "evidenceURL": "https://example.com/1" });
    let query = "mutation($input: RevokeAPITokenInput!) { revokeAPIToken(input: $input) { token { id } } }";
    assert_eq!(server.admin.graphql(query, json!({ "input": input })).await.code(), None);
    let events = server
        .admin
        .ask(r#"{ auditEvents(first: 1, filter: { actions: [API_TOKEN_REVOKED] }) { nodes { id } } }"#)
        .await;
    let expected = json!({
        "type": "api_token.revoked",
        "timestamp": Timestamp::from_unix_millis(START).to_string(),
        "data": {
            "token": { "id": token.id, "name": "n", "owner": "acme", "kind": "PRIVATE" },
            "generation": 1,
            "eventId": events.body["data"]["auditEvents"]["nodes"][0]["id"],
        },
    });
    assert_eq!(messages(&server, all).await, [expected]);
}

#[tokio::test]
async fn reuse_and_frequent_refusals_are_announced_once_a_minute() {
    let server = Server::start().await;
    let store = Store::connect(&server.database.url).await.unwrap();
    let all = webhook(&store, 1, &[], &[], false).await;
    let input = json!({ "name": "bound", "allowedCIDRBlocks": ["10.0.0.0/8"] });
    let bound = server.admin.create(input).await.unwrap().client;
    let retired = server.admin.create(json!({ "name": "retired", "overlapMinutes": 0 })).await.unwrap().client;
    retired.rotate().await.unwrap();
    for refusals in [4, 2] {
        for _ in 0..refusals {
            assert_eq!(bound.check().await, Err("ADDRESS_REFUSED".into()));
        }
        assert!(!outbox(&server, all).await.contains(&about("restriction_refused", "bound")) || refusals == 2);
        for _ in 0..2 {
            assert_eq!(bound.check().await, Err("ADDRESS_REFUSED".into()));
            assert_eq!(retired.check().await, Err("VALUE_RETIRED".into()));
        }
        // No token is known, so there is nobody to tell.
        assert_eq!(Client::anonymous(&server.url).with("rk_0").check().await, Err("UNAUTHENTICATED".into()));
        server.clock.advance(61 * SECOND);
    }
    let refused = server.admin.events(json!({ "actions": ["API_TOKEN_RESTRICTION_REFUSED"] })).await.len();
    assert_eq!(refused, 3, "one a minute, and the one that was announced beside it");
    let once = [about("restriction_refused", "bound"), about("value_reused", "retired")];
    assert_eq!(outbox(&server, all).await, [once.clone(), once].concat());
    let refused = messages(&server, all).await;
    assert_eq!(refused[0]["data"]["code"], "ADDRESS_REFUSED");
    assert!(!refused[0].to_string().contains("127.0.0.1"), "an address is for holders of AUDIT_LOG_READ");
}

#[tokio::test]
async fn a_leak_is_announced_once_a_minute_a_value_and_so_is_what_follows() {
    let server = Server::start().await;
    let store = Store::connect(&server.database.url).await.unwrap();
    let all = webhook(&store, 1, &[], &[], false).await;
    let token = server.admin.create(json!({ "name": "leaked" })).await.unwrap();
    let strict = server.admin.create(json!({ "name": "strict", "onLeak": "REVOKE" })).await.unwrap();
    let url = "https://example.com/repository";
    for _ in 0..2 {
        for client in [&token.client, &strict.client, &token.client] {
            let report = json!({ "value": client.value, "url": url });
            assert_eq!(server.anonymous().rest("POST", "/leaks/report", report).await.status, 202);
        }
    }
    let expected = [about("leaked", "leaked"), about("leaked", "strict"), about("revoked", "strict")];
    assert_eq!(outbox(&server, all).await, expected);
    let message = &messages(&server, all).await[0];
    assert_eq!((&message["data"]["generation"], message["data"]["eventId"].is_string()), (&json!(1), true));
    assert!(!message.to_string().contains(url), "where it was found is for holders of AUDIT_LOG_READ");
}

#[tokio::test]
async fn a_webhook_gets_the_kinds_and_owners_that_it_asks_for_while_it_is_enabled() {
    let server = Server::start().await;
    let store = Store::connect(&server.database.url).await.unwrap();
    let revoked = webhook(&store, 1, &[NoticeKind::Expiring, NoticeKind::Revoked], &[], false).await;
    let reused = webhook(&store, 2, &[NoticeKind::ValueReused], &[], false).await;
    // No part of an owner is that owner, and a pattern is none.
    let owned = webhook(&store, 3, &[], &["acme", "b%"], false).await;
    let disabled = webhook(&store, 4, &[], &[], true).await;
    for owner in [Some("acme"), Some("acm"), Some("acme 2"), Some("b"), Some("b%"), None] {
        let token = server.admin.create(json!({ "name": format!("of {owner:?}"), "owner": owner })).await.unwrap();
        server.admin.revoke(&token.id).await.unwrap();
    }
    assert_eq!(outbox(&server, revoked).await.len(), 6);
    assert_eq!(outbox(&server, reused).await, []);
    let expected = [about("revoked", r#"of Some("acme")"#), about("revoked", r#"of Some("b%")"#)];
    assert_eq!(outbox(&server, owned).await, expected);
    assert_eq!(outbox(&server, disabled).await, []);
}

#[tokio::test]
async fn nothing_is_announced_of_a_revocation_that_was_refused() {
    let server = Server::start().await;
    let store = Store::connect(&server.database.url).await.unwrap();
    let all = webhook(&store, 1, &[], &[], false).await;
    let token = server.admin.create(json!({ "name": "n", "protected": true })).await.unwrap();
    assert_eq!(server.admin.revoke(&token.id).await, Err("TOKEN_PROTECTED".into()));
    assert_eq!(outbox(&server, all).await, []);
}

/// A webhook that is deleted while a revocation is written. Its foreign key must not make the revocation fail.
#[tokio::test]
#[ignore = "needs PostgreSQL: run ./tests/with-postgres"]
async fn on_postgres_the_deletion_of_a_webhook_does_not_make_a_revocation_fail() {
    let server = Server::start().await;
    let store = Store::connect(&server.database.url).await.unwrap();
    let (gone, kept) = (webhook(&store, 1, &[], &[], false).await, webhook(&store, 2, &[], &[], false).await);
    let token = server.admin.create(json!({ "name": "n" })).await.unwrap();
    let transaction = store.begin().await.unwrap();
    assert!(transaction.delete_webhook(gone).await.unwrap());
    let (admin, id) = (server.admin.clone(), token.id.clone());
    let revocation = tokio::spawn(async move { admin.revoke(&id).await });
    let waits =
        "SELECT count(*) > 0 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
        AND query LIKE '%INSERT INTO webhook_delivery%'";
    crate::support::cluster::wait_for(&server.database.connect().await, waits).await;
    transaction.commit().await.unwrap();
    assert_eq!(revocation.await.unwrap(), Ok("REVOKED".to_owned()));
    assert_eq!((outbox(&server, gone).await.len(), outbox(&server, kept).await.len()), (0, 1));
}

/// A claim that begins while the delivery before is being noted. The note has nothing to make due, because nothing was put off yet.
#[tokio::test]
#[ignore = "needs PostgreSQL: run ./tests/with-postgres"]
async fn on_postgres_a_claim_during_a_note_does_not_put_off_the_next_notice_of_the_token() {
    let outbox = Outbox::new().await;
    let webhook = outbox.webhook(1, "https://example.com/").await;
    outbox.write(&[(1, 1)]).await;
    let sent = outbox.service.claim_deliveries(webhook, 4).await.unwrap().deliveries.swap_remove(0);
    outbox.write(&[(2, 1)]).await;
    let transaction = outbox.store.begin().await.unwrap();
    let attempted = Attempted { number: sent.number, webhook, claim: &sent.claim, status: Some(200), error: None };
    transaction.note_webhook(attempted, outbox.now()).await.unwrap().unwrap();
    assert!(transaction.note_delivery(attempted, Next::Delivered, outbox.now()).await.unwrap());
    let service = outbox.service.clone();
    let claim = tokio::spawn(async move { service.claim_deliveries(webhook, 4).await });
    let waits = "pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    until("a claim", async || claim.is_finished() || outbox.count(waits).await > 0).await;
    transaction.commit().await.unwrap();
    let claimed = [claim.await.unwrap().unwrap(), outbox.service.claim_deliveries(webhook, 4).await.unwrap()];
    let attempts: Vec<u32> = claimed.iter().flat_map(|claimed| &claimed.deliveries).map(|sent| sent.attempt).collect();
    assert_eq!(attempts, [1]);
}

#[tokio::test]
async fn nothing_is_claimed_for_a_webhook_that_was_disabled_meanwhile() {
    let outbox = Outbox::new().await;
    let webhook = outbox.webhook(1, "https://example.com/").await;
    outbox.write(&[(1, 1)]).await;
    let transaction = outbox.store.begin().await.unwrap();
    assert!(transaction.disable_webhook(webhook, DisabledBecause::Gone, outbox.now()).await.unwrap());
    transaction.commit().await.unwrap();
    assert!(outbox.service.claim_deliveries(webhook, 4).await.unwrap().deliveries.is_empty());
    assert_eq!(outbox.deliveries(webhook).await[0].attempts, 0);
}
