//! Mail digests: creating, changing, testing and deleting them.

use nix::sys::signal::Signal;
use rotakey::domain::timestamp::Timestamp;
use serde_json::{Value, json};

use crate::support::client::Client;
use crate::support::clock::{MINUTE, START};
use crate::support::process::{Process, command};
use crate::support::server::Server;

const DIGEST: &str =
    "id address description kinds owners frequency minuteOfDay status nextAttemptAt createdAt createdBy { id }
    updatedAt updatedBy { id } lastSuccessAt lastFailureAt lastFailure failingSince";

/// Runs a mutation with this input: the field of its output, or the code and the field of the refusal.
pub async fn change(client: &Client, mutation: &str, input: Value) -> Result<Value, (String, Option<String>)> {
    let (first, rest) = mutation.split_at(1);
    let selection =
        if mutation == "deleteMailDigest" { "deletedId".to_owned() } else { format!("mailDigest {{ {DIGEST} }}") };
    let query = format!(
        "mutation($input: {}{rest}Input!) {{ {mutation}(input: $input) {{ {selection} }} }}",
        first.to_uppercase()
    );
    let answer = client.graphql(&query, json!({ "input": input })).await;
    match answer.code() {
        None => Ok(answer.body["data"][mutation]["mailDigest"].clone()),
        Some(code) => Err((code.to_owned(), answer.field().map(str::to_owned))),
    }
}

pub async fn create(client: &Client, input: Value) -> Result<Value, (String, Option<String>)> {
    change(client, "createMailDigest", input).await
}

fn refused(code: &str, field: Option<&str>) -> (String, Option<String>) {
    (code.to_owned(), field.map(str::to_owned))
}

fn at(minutes: i64) -> String {
    Timestamp::from_unix_millis(START + minutes * MINUTE).to_string()
}

#[tokio::test]
async fn a_mail_digest_is_created_read_changed_and_deleted() {
    let server = Server::start().await;
    let input = json!({
        "address": "ops@example.com", "description": "for ops", "kinds": ["REVOKED", "EXPIRING", "REVOKED"], "owners": ["b", "a"],
        "frequency": "HOURLY", "minuteOfDay": 75,
    });
    let digest = create(&server.admin, input).await.unwrap();
    let me = server.admin.my_id().await;
    let next = Timestamp::from_unix_millis((START / (60 * MINUTE) + 1) * 60 * MINUTE + 15 * MINUTE);
    let next = if next.unix_millis() - START > 60 * MINUTE { next.minus_minutes(60) } else { next };
    let mut expected = json!({
        "id": digest["id"], "address": "ops@example.com", "description": "for ops", "kinds": ["EXPIRING", "REVOKED"],
        "owners": ["a", "b"], "frequency": "HOURLY", "minuteOfDay": 75, "status": "ACTIVE", "nextAttemptAt": next.to_string(),
        "createdAt": at(0), "createdBy": { "id": me }, "updatedAt": null, "updatedBy": null, "lastSuccessAt": null,
        "lastFailureAt": null, "lastFailure": null, "failingSince": null,
    });
    assert_eq!(digest, expected);

    let id = digest["id"].as_str().unwrap();
    let query = format!(
        "{{ mailDigest(id: \"{id}\") {{ {DIGEST} }} node(id: \"{id}\") {{ id }} mailDigests {{ nodes {{ {DIGEST} }} }} }}"
    );
    let read = server.admin.ask(&query).await;
    let nodes = json!({ "nodes": [expected] });
    assert_eq!(read.body["data"], json!({ "mailDigest": expected, "node": { "id": id }, "mailDigests": nodes }));

    server.clock.advance(MINUTE);
    let update = json!({ "id": id, "description": null, "owners": [] });
    let changed = change(&server.admin, "updateMailDigest", update).await.unwrap();
    expected["description"] = Value::Null;
    expected["owners"] = json!([]);
    expected["updatedAt"] = at(1).into();
    expected["updatedBy"] = json!({ "id": me });
    assert_eq!(changed, expected);
    // Twice: what changes nothing is no change.
    server.clock.advance(MINUTE);
    let same = change(&server.admin, "updateMailDigest", json!({ "id": id, "owners": [] })).await;
    assert_eq!(same, Ok(changed));
    // A new schedule begins a new period.
    let daily = json!({ "id": id, "frequency": "DAILY", "minuteOfDay": 1 });
    let daily = change(&server.admin, "updateMailDigest", daily).await.unwrap();
    let day = 24 * 60 * MINUTE;
    let next = Timestamp::from_unix_millis((START / day + 1) * day + MINUTE);
    assert_eq!(daily["nextAttemptAt"], next.to_string());

    server.clock.advance(MINUTE);
    assert_eq!(change(&server.admin, "deleteMailDigest", json!({ "id": id })).await, Ok(Value::Null));
    let again = change(&server.admin, "deleteMailDigest", json!({ "id": id })).await;
    assert_eq!(again, Err(refused("NOT_FOUND", Some("id"))));
    let query = "{ auditEvents(filter: { actions: [MAIL_DIGEST_CREATED, MAIL_DIGEST_UPDATED, MAIL_DIGEST_DELETED] })
        { nodes { action mailDigestId webhookId actor { id } } } }";
    let events = server.admin.ask(query).await;
    let event =
        |action: &str| json!({ "action": action, "mailDigestId": id, "webhookId": null, "actor": { "id": me } });
    let expected = ["DELETED", "UPDATED", "UPDATED", "CREATED"].map(|what| event(&format!("MAIL_DIGEST_{what}")));
    assert_eq!(events.body["data"]["auditEvents"]["nodes"], json!(expected));
}

#[tokio::test]
async fn every_bad_setting_is_refused_by_its_field() {
    let server = Server::start().await;
    let good = create(&server.admin, json!({ "address": "a@example.com" })).await.unwrap();
    assert_eq!((&good["frequency"], &good["minuteOfDay"]), (&json!("DAILY"), &json!(480)));
    let long = format!("a@{}.com", "b".repeat(250));
    for (input, field) in [
        (json!({ "address": "a" }), "address"),
        (json!({ "address": "Name <a@example.com>" }), "address"),
        (json!({ "address": "a@example.com\r\nBcc: b@example.com" }), "address"),
        (json!({ "address": long }), "address"),
        (json!({ "address": "a@example.com", "owners": ["a\nb"] }), "owners"),
        (json!({ "address": "a@example.com", "description": "\u{0}" }), "description"),
        (json!({ "address": "a@example.com", "minuteOfDay": -1 }), "minuteOfDay"),
        (json!({ "address": "a@example.com", "minuteOfDay": 1440 }), "minuteOfDay"),
    ] {
        assert_eq!(create(&server.admin, input.clone()).await, Err(refused("BAD_USER_INPUT", Some(field))), "{input}");
        let mut update = input;
        update["id"] = good["id"].clone();
        assert_eq!(
            change(&server.admin, "updateMailDigest", update.clone()).await,
            Err(refused("BAD_USER_INPUT", Some(field))),
            "{update}"
        );
    }
    for mutation in ["updateMailDigest", "deleteMailDigest", "testMailDigest"] {
        for id in ["", "mdg_01KDVDNA000W3GE1R70W3GE1R7", "whk_01KDVDNA000W3GE1R70W3GE1R7"] {
            let answer = change(&server.admin, mutation, json!({ "id": id })).await;
            assert_eq!(answer, Err(refused("NOT_FOUND", Some("id"))), "{mutation} {id}");
        }
    }
}

#[tokio::test]
async fn there_are_at_most_a_hundred_mail_digests() {
    let server = Server::start().await;
    for number in 0..100 {
        create(&server.admin, json!({ "address": format!("a{number}@example.com") })).await.unwrap();
    }
    let one_more = json!({ "address": "more@example.com" });
    assert_eq!(create(&server.admin, one_more.clone()).await, Err(refused("BAD_USER_INPUT", Some("input"))));
    let page = server.admin.ask("{ mailDigests(first: 40) { nodes { id } pageInfo { hasNextPage endCursor } } }").await;
    let page = &page.body["data"]["mailDigests"];
    assert_eq!((page["nodes"].as_array().unwrap().len(), &page["pageInfo"]["hasNextPage"]), (40, &json!(true)));
    let after = format!("{{ mailDigests(first: 200, after: {}) {{ nodes {{ id }} }} }}", page["pageInfo"]["endCursor"]);
    let rest = server.admin.ask(&after).await;
    assert_eq!(rest.body["data"]["mailDigests"]["nodes"].as_array().unwrap().len(), 60);
    let gone = json!({ "id": page["nodes"][0]["id"] });
    change(&server.admin, "deleteMailDigest", gone).await.unwrap();
    create(&server.admin, one_more).await.unwrap();
}

#[tokio::test]
async fn only_who_may_modify_webhooks_and_read_tokens_manages_mail_digests() {
    let server = Server::start().await;
    let digest = create(&server.admin, json!({ "address": "a@example.com" })).await.unwrap();
    let id = digest["id"].as_str().unwrap();
    for (permissions, allowed) in [
        (json!(["WEBHOOK_MODIFY"]), false),
        (json!(["API_TOKEN_READ", "API_TOKEN_MODIFY", "AUDIT_LOG_READ", "API_TOKEN_VERIFY"]), false),
        (json!(["WEBHOOK_MODIFY", "API_TOKEN_READ"]), true),
    ] {
        let holder = server.admin.create(json!({ "name": "n", "permissions": permissions })).await.unwrap().client;
        let mut codes = Vec::new();
        for query in ["{ mailDigests { nodes { id } } }".to_owned(), format!("{{ mailDigest(id: \"{id}\") {{ id }} }}")]
        {
            codes.push(holder.ask(&query).await.code().map(str::to_owned));
        }
        for (mutation, input) in [
            ("createMailDigest", json!({ "address": "b@example.com" })),
            ("updateMailDigest", json!({ "id": id, "description": "changed" })),
            ("testMailDigest", json!({ "id": id })),
            ("deleteMailDigest", json!({ "id": id })),
        ] {
            codes.push(change(&holder, mutation, input).await.err().map(|(code, _)| code));
        }
        let expected = (!allowed).then(|| "FORBIDDEN".to_owned());
        assert_eq!(codes, vec![expected; 6], "{permissions}");
    }
}

#[tokio::test]
async fn only_ten_tests_of_a_mail_digest_wait() {
    let server = Server::start().await;
    let digest = create(&server.admin, json!({ "address": "a@example.com" })).await.unwrap();
    let other = create(&server.admin, json!({ "address": "b@example.com" })).await.unwrap();
    let test = |digest: &Value| json!({ "id": digest["id"] });
    for _ in 0..10 {
        let tested = change(&server.admin, "testMailDigest", test(&digest)).await.unwrap();
        assert_eq!(tested["nextAttemptAt"], at(0), "at once");
    }
    let refusal = refused("BAD_USER_INPUT", Some("id"));
    assert_eq!(change(&server.admin, "testMailDigest", test(&digest)).await, Err(refusal));
    change(&server.admin, "testMailDigest", test(&other)).await.unwrap();
    let events =
        server.admin.ask("{ auditEvents(filter: { actions: [MAIL_DIGEST_TESTED] }) { nodes { mailDigestId } } }");
    assert_eq!(events.await.body["data"]["auditEvents"]["nodes"].as_array().unwrap().len(), 11);
}

#[tokio::test]
async fn a_server_without_a_mail_server_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let server = Process::serve(folder.path(), "sqlite://rotakey.db");
    let admin = server.client().with(server.first_value());
    let answer = admin.rest("POST", "/mail-digests", json!({ "address": "a@example.com" })).await;
    assert_eq!((answer.status, &answer.body["field"]), (400, &json!("input")), "{}", answer.body);
    assert!(answer.body["message"].as_str().unwrap().contains("--smtp-url"), "{}", answer.body);
}

#[tokio::test]
async fn a_server_that_cannot_send_the_mail_digests_that_there_are_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = command(folder.path());
    command.args(["serve", "--smtp-url", "smtp://127.0.0.1:9", "--mail-from", "rotakey@example.com"]);
    let server = Process::start(command, "sqlite://rotakey.db");
    let admin = server.client().with(server.first_value());
    let made = admin.rest("POST", "/mail-digests", json!({ "address": "a@example.com" })).await;
    assert_eq!(made.status, 200, "{}", made.body);
    server.signal(Signal::SIGTERM);
    let (_, _, log) = server.ended();
    let warning = "there are mail digests, and this server has no --smtp-url";
    assert!(!log.contains(warning), "{log}");
    let server = Process::serve(folder.path(), "sqlite://rotakey.db");
    server.logged(warning);
}
