//! Webhooks: creating, changing, testing and deleting them.

use rotakey::domain::id::WebhookId;
use rotakey::domain::notice::{Webhook, WebhookChange, WebhookSecret};
use rotakey::domain::timestamp::Timestamp;
use rotakey::domain::token::Actor;
use rotakey::store::Store;
use serde_json::{Value, json};

use crate::support::client::Client;
use crate::support::clock::{MINUTE, START};
use crate::support::database::TestDatabase;
use crate::support::process::{Process, command};
use crate::support::server::Server;

const WEBHOOK: &str =
    "id url description kinds owners status createdAt createdBy { id } updatedAt updatedBy { id } disabledAt
    disabledBecause previousSecretUntil lastSuccessAt lastFailureAt lastFailure failingSince";

/// Runs a mutation with this input: the field of its output, or the code and the field of the refusal.
async fn change(
    client: &Client,
    mutation: &str,
    input: Value,
    selection: &str,
) -> Result<Value, (String, Option<String>)> {
    let (first, rest) = mutation.split_at(1);
    let query = format!(
        "mutation($input: {}{rest}Input!) {{ {mutation}(input: $input) {{ {selection} }} }}",
        first.to_uppercase()
    );
    let answer = client.graphql(&query, json!({ "input": input })).await;
    match answer.code() {
        None => Ok(answer.body["data"][mutation].clone()),
        Some(code) => Err((code.to_owned(), answer.field().map(str::to_owned))),
    }
}

async fn create(client: &Client, input: Value) -> Result<Value, (String, Option<String>)> {
    change(client, "createWebhook", input, &format!("webhook {{ {WEBHOOK} }} secret publicKey")).await
}

fn refused(code: &str, field: Option<&str>) -> (String, Option<String>) {
    (code.to_owned(), field.map(str::to_owned))
}

async fn deliveries(server: &Server, webhook: &Value, arguments: &str) -> Value {
    let id = webhook["id"].as_str().unwrap();
    let query = format!(
        "{{ webhookDeliveries(webhookId: \"{id}\"{arguments}) {{ nodes {{ id noticeId kind tokenId status attempts nextAttemptAt lastStatus \
         lastError }} pageInfo {{ hasNextPage hasPreviousPage endCursor }} }} }}"
    );
    let answer = server.admin.ask(&query).await;
    assert_eq!(answer.code(), None, "{:?}", answer.body);
    answer.body["data"]["webhookDeliveries"].clone()
}

#[tokio::test]
async fn a_webhook_is_created_read_changed_and_deleted() {
    let server = Server::start().await;
    let input = json!({
        "url": "HTTPS://Example.com/hook", "description": "for pagers", "kinds": ["REVOKED", "EXPIRING", "REVOKED"],
        "owners": ["b", "a"],
    });
    let created = create(&server.admin, input).await.unwrap();
    let webhook = &created["webhook"];
    let me = server.admin.my_id().await;
    let start = Timestamp::from_unix_millis(START).to_string();
    let mut expected = json!({
        "id": webhook["id"], "url": "https://example.com/hook", "description": "for pagers", "kinds": ["EXPIRING", "REVOKED"],
        "owners": ["a", "b"], "status": "ACTIVE", "createdAt": start, "createdBy": { "id": me }, "updatedAt": null,
        "updatedBy": null, "disabledAt": null, "disabledBecause": null, "previousSecretUntil": null, "lastSuccessAt": null,
        "lastFailureAt": null, "lastFailure": null, "failingSince": null,
    });
    assert_eq!(webhook, &expected);
    assert!(created["secret"].as_str().unwrap().starts_with("whsec_"));
    assert!(created["publicKey"].as_str().unwrap().starts_with("whpk_"));

    let id = webhook["id"].as_str().unwrap();
    let read =
        server.admin.ask(&format!("{{ webhook(id: \"{id}\") {{ {WEBHOOK} }} node(id: \"{id}\") {{ id }} }}")).await;
    assert_eq!(read.body["data"], json!({ "webhook": expected, "node": { "id": id } }));

    server.clock.advance(MINUTE);
    let update = json!({ "id": id, "description": null, "owners": [] });
    let changed = change(&server.admin, "updateWebhook", update, &format!("webhook {{ {WEBHOOK} }}")).await.unwrap();
    expected["description"] = Value::Null;
    expected["owners"] = json!([]);
    expected["updatedAt"] = Timestamp::from_unix_millis(START + MINUTE).to_string().into();
    expected["updatedBy"] = json!({ "id": me });
    assert_eq!(changed["webhook"], expected);
    // Twice: what changes nothing is no change.
    server.clock.advance(MINUTE);
    let same = json!({ "id": id, "owners": [] });
    assert_eq!(change(&server.admin, "updateWebhook", same, &format!("webhook {{ {WEBHOOK} }}")).await, Ok(changed));

    let deleted = change(&server.admin, "deleteWebhook", json!({ "id": id }), "deletedId").await;
    assert_eq!(deleted, Ok(json!({ "deletedId": id })));
    let again = change(&server.admin, "deleteWebhook", json!({ "id": id }), "deletedId").await;
    assert_eq!(again, Err(refused("NOT_FOUND", Some("id"))));
    let filter = json!({ "actions": ["WEBHOOK_CREATED", "WEBHOOK_UPDATED", "WEBHOOK_DELETED"] });
    let query = "query($filter: AuditEventFilter) { auditEvents(filter: $filter) { nodes { action webhookId tokenId actor { id } } } }";
    let events = server.admin.graphql(query, json!({ "filter": filter })).await;
    let event = |action: &str| json!({ "action": action, "webhookId": id, "tokenId": null, "actor": { "id": me } });
    let expected = ["WEBHOOK_DELETED", "WEBHOOK_UPDATED", "WEBHOOK_CREATED"].map(event);
    assert_eq!(events.body["data"]["auditEvents"]["nodes"], json!(expected));
}

#[tokio::test]
async fn only_who_may_modify_webhooks_and_read_tokens_manages_them() {
    let server = Server::start().await;
    let webhook = create(&server.admin, json!({ "url": "https://example.com/" })).await.unwrap()["webhook"].clone();
    let id = webhook["id"].as_str().unwrap();
    for (permissions, allowed) in [
        (json!(["WEBHOOK_MODIFY", "API_TOKEN_READ"]), true),
        (json!(["WEBHOOK_MODIFY"]), false),
        (json!(["API_TOKEN_READ", "API_TOKEN_MODIFY", "AUDIT_LOG_READ", "API_TOKEN_VERIFY"]), false),
    ] {
        let holder = server.admin.create(json!({ "name": "n", "permissions": permissions })).await.unwrap().client;
        let mut codes = Vec::new();
        for query in [
            format!("{{ webhook(id: \"{id}\") {{ id }} }}"),
            "{ webhooks { nodes { id } } }".to_owned(),
            format!("{{ webhookDeliveries(webhookId: \"{id}\") {{ nodes {{ id }} }} }}"),
            "mutation { createWebhook(input: { url: \"https://example.com/\" }) { secret } }".to_owned(),
            format!("mutation {{ updateWebhook(input: {{ id: \"{id}\" }}) {{ webhook {{ id }} }} }}"),
            format!("mutation {{ enableWebhook(input: {{ id: \"{id}\" }}) {{ webhook {{ id }} }} }}"),
            format!("mutation {{ rotateWebhookSecret(input: {{ id: \"{id}\" }}) {{ secret }} }}"),
            format!("mutation {{ testWebhook(input: {{ id: \"{id}\" }}) {{ delivery {{ id }} }} }}"),
        ] {
            codes.push(holder.ask(&query).await.code().map(str::to_owned));
        }
        // They were tested by those who may.
        let delivery =
            deliveries(&server, &webhook, "").await["nodes"][0]["id"].as_str().unwrap_or_default().to_owned();
        let resend =
            format!("mutation {{ resendWebhookDelivery(input: {{ id: \"{delivery}\" }}) {{ delivery {{ id }} }} }}");
        codes.push(holder.ask(&resend).await.code().map(str::to_owned));
        let expected = (!allowed).then(|| "FORBIDDEN".to_owned());
        assert_eq!(codes, vec![expected; 9], "{permissions}");
    }
}

#[tokio::test]
async fn a_bad_setting_is_refused_with_its_field() {
    let server = Server::start().await;
    let good = create(&server.admin, json!({ "url": "https://example.com/" })).await.unwrap()["webhook"]["id"].clone();
    let many: Vec<String> = (0..101).map(|number| number.to_string()).collect();
    for (input, field) in [
        (json!({ "url": "ftp://example.com/" }), "url"),
        (json!({ "url": "http://example.com/" }), "url"),
        (json!({ "url": "https://127.0.0.1/" }), "url"),
        (json!({ "url": "https://[::ffff:10.0.0.1]/" }), "url"),
        (json!({ "url": "https://169.254.169.254/latest" }), "url"),
        (json!({ "url": "https://example.com/", "description": "\u{0}" }), "description"),
        (json!({ "url": "https://example.com/", "owners": [""] }), "owners"),
        (json!({ "url": "https://example.com/", "owners": many }), "owners"),
    ] {
        assert_eq!(create(&server.admin, input.clone()).await, Err(refused("BAD_USER_INPUT", Some(field))), "{input}");
        let mut update = input.clone();
        update["id"] = good.clone();
        let updated = change(&server.admin, "updateWebhook", update, "webhook { id }").await;
        assert_eq!(updated, Err(refused("BAD_USER_INPUT", Some(field))), "{input}");
    }
    for mutation in [
        "updateWebhook",
        "deleteWebhook",
        "enableWebhook",
        "rotateWebhookSecret",
        "testWebhook",
        "resendWebhookDelivery",
    ] {
        for id in ["", "whk_", "tok_01KDVDNA000W3GE1R70W3GE1R7", "whk_01KDVDNA000W3GE1R70W3GE1R7"] {
            let selection = "__typename";
            let answer = change(&server.admin, mutation, json!({ "id": id }), selection).await;
            assert_eq!(answer, Err(refused("NOT_FOUND", Some("id"))), "{mutation} {id}");
        }
    }
    for minutes in [-1, 43_201] {
        let input = json!({ "id": good, "overlapMinutes": minutes });
        let rotated = change(&server.admin, "rotateWebhookSecret", input, "secret").await;
        assert_eq!(rotated, Err(refused("BAD_USER_INPUT", Some("overlapMinutes"))));
    }
}

#[tokio::test]
async fn a_secret_is_shown_once_and_the_one_before_is_kept_until_its_overlap_ends() {
    let server = Server::start().await;
    let created = create(&server.admin, json!({ "url": "https://example.com/" })).await.unwrap();
    let id = created["webhook"]["id"].as_str().unwrap();
    let rotate = async |minutes: Value| {
        let input = json!({ "id": id, "overlapMinutes": minutes });
        change(&server.admin, "rotateWebhookSecret", input, "secret publicKey webhook { previousSecretUntil }")
            .await
            .unwrap()
    };
    let until = |minutes: i64| Value::from(Timestamp::from_unix_millis(START + minutes * MINUTE).to_string());
    let mut secrets = vec![created["secret"].clone()];
    for (minutes, expected) in [(Value::Null, until(1_440)), (json!(5), until(5)), (json!(0), Value::Null)] {
        let rotated = rotate(minutes).await;
        assert_eq!(rotated["webhook"]["previousSecretUntil"], expected);
        assert!(!secrets.contains(&rotated["secret"]));
        assert_ne!(rotated["publicKey"], created["publicKey"]);
        secrets.push(rotated["secret"].clone());
    }
    let read = server.admin.ask("{ webhooks { nodes { id previousSecretUntil } } }").await;
    assert_eq!(read.body["data"]["webhooks"]["nodes"], json!([{ "id": id, "previousSecretUntil": null }]));
}

#[tokio::test]
async fn a_test_is_enqueued_whatever_kinds_the_webhook_gets_and_a_delivery_is_sent_again() {
    let server = Server::start().await;
    let input = json!({ "url": "https://example.com/", "kinds": ["REVOKED"], "owners": ["nobody"] });
    let webhook = create(&server.admin, input).await.unwrap()["webhook"].clone();
    let selection = "delivery { id kind status attempts tokenId }";
    let mut ids = Vec::new();
    for _ in 0..3 {
        let tested = change(&server.admin, "testWebhook", json!({ "id": webhook["id"] }), selection).await.unwrap();
        let delivery = &tested["delivery"];
        ids.insert(0, delivery["id"].clone());
        let expected = json!({ "id": ids[0], "kind": "TEST", "status": "PENDING", "attempts": 0, "tokenId": null });
        assert_eq!(*delivery, expected);
    }
    let page = deliveries(&server, &webhook, ", first: 2").await;
    let found =
        |page: &Value| page["nodes"].as_array().unwrap().iter().map(|node| node["id"].clone()).collect::<Vec<_>>();
    assert_eq!((found(&page), page["pageInfo"]["hasNextPage"].clone()), (ids[..2].to_vec(), json!(true)));
    let after = format!(", after: {}", page["pageInfo"]["endCursor"]);
    let page = deliveries(&server, &webhook, &after).await;
    assert_eq!((found(&page), page["pageInfo"]["hasNextPage"].clone()), (ids[2..].to_vec(), json!(false)));

    let connection = server.database.connect().await;
    let dead = "UPDATE webhook_delivery SET dead_at = 1, attempts = 9, first_attempt_at = 1, last_status = 500, last_error = 'x', claim = 'c'";
    sea_orm::ConnectionTrait::execute_unprepared(&connection, dead).await.unwrap();
    let node = &deliveries(&server, &webhook, "").await["nodes"][0];
    assert_eq!(
        (&node["status"], &node["lastStatus"], &node["nextAttemptAt"]),
        (&json!("DEAD"), &json!(500), &Value::Null)
    );
    let sent = change(&server.admin, "resendWebhookDelivery", json!({ "id": ids[1] }), selection).await.unwrap();
    let expected = json!({ "id": ids[1], "kind": "TEST", "status": "PENDING", "attempts": 0, "tokenId": null });
    assert_eq!(sent["delivery"], expected);
    let statuses: Vec<Value> = deliveries(&server, &webhook, "").await["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|node| node["status"].clone())
        .collect();
    assert_eq!(statuses, ["DEAD", "PENDING", "DEAD"]);
}

#[tokio::test]
async fn a_disabled_webhook_is_neither_tested_nor_resent_to_until_it_is_enabled() {
    let server = Server::start().await;
    let webhook = create(&server.admin, json!({ "url": "https://example.com/" })).await.unwrap()["webhook"].clone();
    let id = json!({ "id": webhook["id"] });
    let tested = change(&server.admin, "testWebhook", id.clone(), "delivery { id }").await.unwrap();
    let connection = server.database.connect().await;
    let disable = format!("UPDATE webhook SET disabled_at = {START}, disabled_because = 'FAILING', failing_since = 1");
    sea_orm::ConnectionTrait::execute_unprepared(&connection, &disable).await.unwrap();
    let delivery = json!({ "id": tested["delivery"]["id"] });
    for (mutation, input) in [("testWebhook", id.clone()), ("resendWebhookDelivery", delivery.clone())] {
        let answer = change(&server.admin, mutation, input, "delivery { id }").await;
        assert_eq!(answer, Err(refused("BAD_USER_INPUT", Some("id"))), "{mutation}");
    }
    let state = "webhook { status disabledBecause failingSince }";
    let status = server.admin.ask("{ webhooks { nodes { status disabledBecause } } }").await;
    assert_eq!(
        status.body["data"]["webhooks"]["nodes"],
        json!([{ "status": "DISABLED", "disabledBecause": "FAILING" }])
    );
    let enabled = json!({ "webhook": { "status": "ACTIVE", "disabledBecause": null, "failingSince": null } });
    for _ in 0..2 {
        assert_eq!(change(&server.admin, "enableWebhook", id.clone(), state).await, Ok(enabled.clone()));
    }
    assert!(change(&server.admin, "resendWebhookDelivery", delivery, "delivery { id }").await.is_ok());
    let events = server.admin.events(json!({ "actions": ["WEBHOOK_ENABLED"] })).await;
    assert_eq!(events.len(), 1);
}

#[tokio::test]
async fn there_are_at_most_100_webhooks_whoever_races() {
    let server = Server::start().await;
    for number in 0..98 {
        create(&server.admin, json!({ "url": format!("https://example.com/{number}") })).await.unwrap();
    }
    let racing = (0..4).map(|_| create(&server.admin, json!({ "url": "https://example.com/" })));
    let outcomes = futures_util::future::join_all(racing).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 2);
    let mut seen = 0;
    let mut after = String::new();
    loop {
        let page = server
            .admin
            .ask(&format!("{{ webhooks(first: 30{after}) {{ nodes {{ id }} pageInfo {{ endCursor hasNextPage }} }} }}"))
            .await;
        let page = &page.body["data"]["webhooks"];
        seen += page["nodes"].as_array().unwrap().len();
        if page["pageInfo"]["hasNextPage"] == json!(false) {
            break;
        }
        after = format!(", after: {}", page["pageInfo"]["endCursor"]);
    }
    assert_eq!(seen, 100);
}

/// The transaction of the test is another replica, which has counted 99 webhooks and is about to add one.
#[tokio::test]
#[ignore = "needs PostgreSQL: run ./tests/with-postgres"]
async fn on_postgres_a_creation_waits_for_another_one_that_has_counted() {
    let server = Server::start().await;
    for number in 0..99 {
        create(&server.admin, json!({ "url": format!("https://example.com/{number}") })).await.unwrap();
    }
    let transaction = Store::connect(&server.database.url).await.unwrap().begin().await.unwrap();
    assert_eq!(transaction.count_webhooks().await.unwrap(), 99);
    let admin = server.admin.clone();
    let creation = tokio::spawn(async move { create(&admin, json!({ "url": "https://example.com/" })).await });
    let waits =
        "SELECT count(*) > 0 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
        AND query LIKE 'LOCK TABLE webhook%'";
    crate::support::cluster::wait_for(&server.database.connect().await, waits).await;
    let now = Timestamp::from_unix_millis(START);
    let change = WebhookChange { url: Some("https://example.com/".to_owned()), ..WebhookChange::default() };
    let webhook = Webhook::new(WebhookId::new(now, [1; 10]), change.apply(None).unwrap(), now, Actor::System);
    transaction.insert_webhook(&webhook, &WebhookSecret::from_entropy(&[1; 64])).await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(creation.await.unwrap(), Err(refused("BAD_USER_INPUT", Some("input"))));
}

#[tokio::test]
async fn a_webhook_may_be_in_a_network_that_the_operator_allows() {
    let database = TestDatabase::new().await;
    let mut serve = command(&database.folder());
    serve.args(["serve", "--webhook-allow-networks", "10.0.0.0/8"]);
    let server = Process::start(serve, &database.url);
    let admin = server.client().with(server.first_value());
    for (url, good) in [
        ("https://10.1.2.3/", true),
        ("http://10.1.2.3:8080/", true),
        ("http://[::ffff:10.1.2.3]/", true),
        ("http://hooks.internal/", true),
        ("https://11.0.0.0/", true),
        ("http://11.0.0.0/", false),
        ("https://127.0.0.1/", false),
        ("http://9.255.255.255/", false),
    ] {
        assert_eq!(create(&admin, json!({ "url": url })).await.is_ok(), good, "{url}");
    }
}
