//! Brown-outs: before an overlap ends, the previous value fails for some seconds, everywhere, if the rotation asked for it.

use serde_json::{Value, json};

use crate::support::client::{Answer, Client, Created};
use crate::support::clock::{MINUTE, SECOND};
use crate::support::server::Server;

/// The last quarter of an overlap of an hour begins with an outage of three seconds.
const FIRST_OUTAGE: i64 = 45 * MINUTE;

async fn create(server: &Server, more: Value) -> Created {
    let mut input = json!({ "name": "n", "overlapMinutes": 60 });
    input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    server.admin.create(input).await.unwrap()
}

/// Rotates with brown-outs, and uses the new value.
async fn rotate(old: &Client) -> Client {
    let new = old.with(old.rotate_with(json!({ "brownOut": true })).await.unwrap());
    assert_eq!(new.check().await, Ok(2));
    new
}

async fn get(client: &Client, path: &str) -> Answer {
    Answer::of(client.request("GET", path).send().await.unwrap()).await
}

#[tokio::test]
async fn in_the_last_quarter_of_the_overlap_the_previous_value_fails_for_some_seconds_at_every_endpoint() {
    let server = Server::start().await;
    let old = create(&server, json!({})).await.client;
    let new = rotate(&old).await;
    for (moment, works) in [
        (FIRST_OUTAGE - 1, true),
        (FIRST_OUTAGE, false),
        (FIRST_OUTAGE + 3 * SECOND - 1, false),
        (FIRST_OUTAGE + 3 * SECOND, true),
        (59 * MINUTE + 30 * SECOND - 1, false),
        (59 * MINUTE + 30 * SECOND, true),
    ] {
        server.clock.set(moment);
        let status = if works { 200 } else { 401 };
        assert_eq!(old.check().await, if works { Ok(2) } else { Err("BROWN_OUT".to_owned()) }, "{moment}");
        assert_eq!(get(&old, "/verify").await.status, status, "{moment}");
        assert_eq!(old.rest("GET", "/api-tokens/self", Value::Null).await.status, status, "{moment}");
        let query =
            "query($value: String!) { verifyAPIToken(input: { value: $value }) { valid code retiresAt token { id } } }";
        let answer = server.admin.graphql(query, json!({ "value": old.value })).await;
        let verified = &answer.body["data"]["verifyAPIToken"];
        let code = if works { "VALID" } else { "BROWN_OUT" };
        assert_eq!((&verified["valid"], &verified["code"]), (&json!(works), &json!(code)), "{moment}");
        assert_eq!(verified["retiresAt"], json!("2026-01-01T01:00:00.000Z"), "it will work until then");
        let form = format!("token={}", old.value.as_deref().unwrap());
        let request = server.admin.request("POST", "/introspect").body(form);
        let request = request.header("Content-Type", "application/x-www-form-urlencoded");
        let introspected = Answer::of(request.send().await.unwrap()).await;
        assert_eq!(introspected.body["active"], json!(works), "{moment}");
        assert_eq!(new.check().await, Ok(2), "the new value always works");
    }
    server.clock.set(60 * MINUTE);
    assert_eq!(old.check().await, Err("VALUE_RETIRED".into()));
}

#[tokio::test]
async fn the_refusal_says_when_the_value_works_again_and_until_when() {
    let server = Server::start().await;
    let old = create(&server, json!({})).await.client;
    rotate(&old).await;
    server.clock.set(FIRST_OUTAGE + SECOND);
    for answer in [
        get(&old, "/verify").await,
        old.ask("{ currentAPIToken { id } }").await,
        old.rest("GET", "/api-tokens/self", Value::Null).await,
    ] {
        assert_eq!(answer.status, 401);
        assert_eq!(answer.header("Retry-After"), Some("2"));
        assert_eq!(answer.header("Deprecation"), Some("@1767225600"));
        assert_eq!(answer.header("Sunset"), Some("Thu, 01 Jan 2026 01:00:00 GMT"));
        let text = answer.body.to_string();
        assert!(text.contains("works again in 2 s") && text.contains(r#""retryAfterSeconds":2"#), "{text}");
    }
}

#[tokio::test]
async fn the_value_shows_when_its_brown_outs_start() {
    let server = Server::start().await;
    let token = create(&server, json!({})).await;
    let new = token.client.with(token.client.rotate_with(json!({ "brownOut": true })).await.unwrap());
    for (used, starts_at) in [(false, Value::Null), (true, json!("2026-01-01T00:45:00.000Z"))] {
        if used {
            assert_eq!(new.check().await, Ok(2));
        }
        let query = "query($id: ID!) { apiToken(id: $id) { values { generation brownOutsStartAt } } }";
        let answer = server.admin.graphql(query, json!({ "id": token.id })).await;
        let expected = json!([
            { "generation": 2, "brownOutsStartAt": null },
            { "generation": 1, "brownOutsStartAt": starts_at },
        ]);
        assert_eq!(answer.body["data"]["apiToken"]["values"], expected);
        let shown = server.admin.rest("GET", &format!("/api-tokens/{}", token.id), Value::Null).await;
        assert_eq!(shown.body["values"][1]["brownOutsStartAt"], starts_at);
    }
}

#[tokio::test]
async fn r5_before_the_new_value_is_used_there_are_none_and_a_lost_answer_is_recovered_from() {
    let server = Server::start().await;
    let old = create(&server, json!({})).await.client;
    old.rotate_with(json!({ "brownOut": true })).await.unwrap();
    server.clock.set(FIRST_OUTAGE);
    assert_eq!(old.check().await, Ok(2));
    // The recovery says anew whether there are brown-outs.
    let new = old.with(old.rotate().await.unwrap());
    assert_eq!(new.check().await, Ok(3));
    for minute in 46..=90 {
        server.clock.set(minute * MINUTE);
        assert_eq!(old.check().await, Ok(3), "{minute}");
    }
}

#[tokio::test]
async fn there_are_none_unless_the_rotation_asks_for_them() {
    let server = Server::start().await;
    for input in [json!({}), json!({ "brownOut": false }), json!({ "brownOut": null })] {
        server.clock.set(0);
        let old = create(&server, json!({})).await.client;
        let new = old.with(old.rotate_with(input).await.unwrap());
        assert_eq!(new.check().await, Ok(2));
        server.clock.set(FIRST_OUTAGE);
        assert_eq!(old.check().await, Ok(2));
        // Those of one rotation are not those of the next.
        let newest = new.with(new.rotate_with(json!({ "brownOut": true })).await.unwrap());
        assert_eq!((newest.check().await, new.check().await), (Ok(3), Ok(3)));
        server.clock.set(2 * FIRST_OUTAGE);
        assert_eq!(new.check().await, Err("BROWN_OUT".into()));
    }
}

#[tokio::test]
async fn with_first_use_they_come_in_the_last_quarter_after_the_first_use() {
    let server = Server::start().await;
    let old = create(&server, json!({ "overlapStarts": "FIRST_USE" })).await.client;
    let new = old.with(old.rotate_with(json!({ "brownOut": true })).await.unwrap());
    server.clock.set(FIRST_OUTAGE);
    assert_eq!((old.check().await, new.check().await), (Ok(2), Ok(2)));
    server.clock.set(2 * FIRST_OUTAGE - 1);
    assert_eq!(old.check().await, Ok(2));
    server.clock.set(2 * FIRST_OUTAGE);
    assert_eq!(old.check().await, Err("BROWN_OUT".into()));
}

#[tokio::test]
async fn they_can_be_asked_for_by_every_way_to_rotate() {
    let server = Server::start().await;
    let token = create(&server, json!({})).await;
    let by_id = create(&server, json!({})).await;
    let many = create(&server, json!({ "owner": "acme" })).await;
    let body = json!({ "brownOut": true });
    let rotated = token.client.rest("POST", "/api-tokens/self/rotate", body.clone()).await;
    let of_id = server.admin.rest("POST", &format!("/api-tokens/{}/rotate", by_id.id), body).await;
    let query = r#"mutation { rotateAPITokens(input: { filter: { owner: "acme" }, dryRun: false, brownOut: true }) {
        rotations { token { value } } } }"#;
    let of_many = server.admin.ask(query).await;
    let of_many = &of_many.body["data"]["rotateAPITokens"]["rotations"][0]["token"]["value"];
    for (old, value) in [(token, &rotated.body["value"]), (by_id, &of_id.body["value"]), (many, of_many)] {
        let new = old.client.with(value.as_str().unwrap_or_else(|| panic!("{value}")));
        assert_eq!(new.check().await, Ok(2));
        server.clock.set(FIRST_OUTAGE);
        assert_eq!(old.client.check().await, Err("BROWN_OUT".into()));
        server.clock.set(0);
    }
}

#[tokio::test]
async fn without_an_overlap_they_are_refused() {
    let server = Server::start().await;
    let token = create(&server, json!({})).await;
    let query = "mutation { rotateAPIToken(input: { overlapMinutes: 0, brownOut: true }) { token { value } } }";
    let answer = token.client.ask(query).await;
    assert_eq!(answer.body["errors"][0]["extensions"], json!({ "code": "BAD_USER_INPUT", "field": "brownOut" }));
    assert_eq!(token.client.check().await, Ok(1));
}

#[tokio::test]
async fn r6_the_same_key_with_other_brown_outs_is_refused() {
    let server = Server::start().await;
    let old = create(&server, json!({})).await.client;
    let input = |brown_out: bool| json!({ "brownOut": brown_out, "idempotencyKey": "k" });
    let first = old.rotate_with(input(true)).await.unwrap();
    assert_eq!(old.rotate_with(input(true)).await, Ok(first));
    assert_eq!(old.rotate_with(input(false)).await, Err("IDEMPOTENCY_KEY_REUSED".into()));
}

#[tokio::test]
async fn r15_a_client_that_calls_only_during_outages_keeps_the_value_from_falling_silent() {
    let server = Server::start().await;
    let settings = json!({ "overlapEnds": "WHEN_SILENT", "silentMinutes": 2 });
    for path in ["/verify", "/api-tokens/self"] {
        server.clock.set(0);
        let old = create(&server, settings.clone()).await.client;
        let new = rotate(&old).await;
        for minute in (0..=44).chain(45..=59) {
            server.clock.set(minute * MINUTE);
            assert_eq!(get(&old, path).await.status, if minute < 45 { 200 } else { 401 }, "{minute}");
        }
        let answer = new.ask("{ currentAPIToken { values { lastUsedAt users { lastSeenAt } } } }").await;
        let value = &answer.body["data"]["currentAPIToken"]["values"][1];
        assert_eq!(value["lastUsedAt"], json!("2026-01-01T00:59:00.000Z"), "{path}: {}", answer.body);
        assert_eq!(value["users"][0]["lastSeenAt"], json!("2026-01-01T00:59:00.000Z"));
        server.clock.set(59 * MINUTE + 45 * SECOND);
        assert_eq!(old.check().await, Ok(2), "{path}");
        let query = "mutation { endAPITokenOverlap(input: { id: \"ID\" }) { token { id } } }";
        let id = new.ask("{ currentAPIToken { id } }").await.body["data"]["currentAPIToken"]["id"].clone();
        let refused = server.admin.ask(&query.replace("ID\"", &format!("{}\"", id.as_str().unwrap()))).await;
        assert_eq!(refused.code(), Some("STILL_IN_USE"), "{}", refused.body);
    }
}
