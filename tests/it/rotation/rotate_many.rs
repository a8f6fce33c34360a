//! Rotating all tokens that match a filter, over GraphQL and over REST.

use serde_json::{Value, json};

use crate::support::client::{Answer, Client, Created};
use crate::support::clock::{MINUTE, SECOND};
use crate::support::server::Server;

const ROTATE_MANY: &str = "mutation($input: RotateAPITokensInput!) { rotateAPITokens(input: $input) {
    rotations { refusal message retryAfterSeconds cancelledGeneration token { id generation value } }
    pageInfo { hasNextPage endCursor } } }";

async fn ask(caller: &Client, input: Value) -> Answer {
    caller.graphql(ROTATE_MANY, json!({ "input": input })).await
}

/// What was done with one token: its id, its generation, its new value and the refusal.
type Row = (String, i64, Option<String>, Option<String>);

fn rows(rotations: &Value) -> Vec<Row> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let row = |it: &Value| {
        assert_eq!(it["refusal"].is_null(), it["message"].is_null());
        let token = &it["token"];
        (
            text(&token["id"]).unwrap(),
            token["generation"].as_i64().unwrap(),
            text(&token["value"]),
            text(&it["refusal"]),
        )
    };
    rotations.as_array().unwrap_or_else(|| panic!("{rotations}")).iter().map(row).collect()
}

fn rotations(answer: &Answer) -> Vec<Row> {
    assert!(answer.body["errors"].is_null(), "{}", answer.body);
    rows(&answer.body["data"]["rotateAPITokens"]["rotations"])
}

/// The id, the generation and the refusal of each.
fn refusals(rows: &[Row]) -> Vec<(&str, i64, Option<&str>)> {
    rows.iter().map(|(id, generation, _, refusal)| (id.as_str(), *generation, refusal.as_deref())).collect()
}

async fn create(server: &Server, count: usize, more: Value) -> Vec<Created> {
    let mut tokens = Vec::new();
    for _ in 0..count {
        // Ids sort by time.
        server.clock.advance(1);
        let mut input = json!({ "name": "n", "owner": "acme" });
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        tokens.push(server.admin.create(input).await.unwrap());
    }
    tokens
}

#[tokio::test]
async fn all_that_match_are_rotated_and_no_other_and_each_value_works() {
    let server = Server::start().await;
    let matching = create(&server, 30, json!({})).await;
    let other = create(&server, 1, json!({ "owner": "other" })).await.remove(0);
    let mut after = Value::Null;
    let mut found = Vec::new();
    loop {
        let input = json!({ "filter": { "owner": "acme" }, "dryRun": false, "first": 12, "after": after });
        let answer = ask(&server.admin, input).await;
        let page = rotations(&answer);
        assert!(page.len() <= 12);
        found.extend(page);
        let info = &answer.body["data"]["rotateAPITokens"]["pageInfo"];
        if info["hasNextPage"] == false {
            break;
        }
        after = info["endCursor"].clone();
    }
    let expected: Vec<_> = matching.iter().map(|token| (token.id.as_str(), 2, None)).collect();
    assert_eq!(refusals(&found), expected);
    for (token, (_, _, value, _)) in matching.iter().zip(&found) {
        assert_eq!(token.client.check().await, Ok(2), "the old value works during the overlap");
        assert_eq!(server.admin.with(value.clone().unwrap()).check().await, Ok(2));
    }
    assert_eq!(other.client.check().await, Ok(1));
}

#[tokio::test]
async fn each_has_an_event_with_the_reason_and_no_event_has_a_value() {
    let server = Server::start().await;
    let tokens = create(&server, 3, json!({})).await;
    let input = json!({ "filter": { "owner": "acme" }, "dryRun": false, "reason": "INC-7",
        "evidenceURL": "https://example.com/7" });
    let found = rotations(&ask(&server.admin, input).await);
    let query = "{ auditEvents(first: 200) { nodes { action tokenId reason evidenceURL } } }";
    let events = server.admin.graphql(query, json!({})).await.body["data"]["auditEvents"]["nodes"].clone();
    for Created { id, .. } in tokens {
        let event = json!({ "action": "API_TOKEN_ROTATED", "tokenId": id, "reason": "INC-7",
            "evidenceURL": "https://example.com/7" });
        assert!(events.as_array().unwrap().contains(&event), "{events}");
    }
    let text = events.to_string();
    assert!(found.iter().all(|(_, _, value, _)| !text.contains(value.as_deref().unwrap())));
}

/// R11: those that hold what the caller lacks, those in use, and the caller's own are named with the reason. A dry run says the same of
/// each, and changes nothing.
#[tokio::test]
async fn r11_what_may_not_be_rotated_is_named_and_a_dry_run_says_the_same() {
    let server = Server::start().await;
    let plain = create(&server, 2, json!({})).await;
    let greater = create(&server, 1, json!({ "permissions": ["AUDIT_LOG_READ"] })).await.remove(0);
    let scoped = create(&server, 1, json!({ "scopes": ["orders"] })).await.remove(0);
    let own = json!({ "permissions": ["API_TOKEN_READ", "API_TOKEN_MODIFY"] });
    let own = create(&server, 1, own).await.remove(0);
    let used = create(&server, 1, json!({ "silentMinutes": 5 })).await.remove(0);
    let suspended = create(&server, 1, json!({})).await.remove(0);
    let short = create(&server, 1, json!({ "overlapMinutes": 0 })).await.remove(0);
    server.admin.suspend(&suspended.id).await.unwrap();
    assert_eq!(used.client.check().await, Ok(1));
    let expected = |done: i64| {
        vec![
            (plain[0].id.as_str(), done, None),
            (plain[1].id.as_str(), done, None),
            (greater.id.as_str(), 1, Some("FORBIDDEN")),
            (scoped.id.as_str(), 1, Some("FORBIDDEN")),
            (own.id.as_str(), 1, Some("FORBIDDEN")),
            (used.id.as_str(), 1, Some("STILL_IN_USE")),
            (suspended.id.as_str(), 1, Some("TOKEN_SUSPENDED")),
            (short.id.as_str(), done, None),
        ]
    };
    let input = |dry_run: bool| json!({ "filter": { "owner": "acme" }, "dryRun": dry_run, "overlapMinutes": 0 });
    let dry = rotations(&ask(&own.client, input(true)).await);
    assert_eq!(refusals(&dry), expected(1));
    assert!(dry.iter().all(|(_, _, value, _)| value.is_none()), "a dry run issues nothing");
    let answer = ask(&own.client, input(false)).await;
    assert_eq!(refusals(&rotations(&answer)), expected(2));
    let of_used = &answer.body["data"]["rotateAPITokens"]["rotations"][5];
    assert_eq!(of_used["retryAfterSeconds"], 300, "{of_used}");
    assert_eq!(own.client.check().await, Ok(1));
    // A leak is a reason to force it.
    let forced = json!({ "filter": { "owner": "acme" }, "dryRun": false, "overlapMinutes": 0, "force": true });
    let forced = rotations(&ask(&own.client, forced).await);
    assert_eq!(refusals(&forced)[5], (used.id.as_str(), 2, None));
    assert_eq!(used.client.check().await, Err("VALUE_RETIRED".into()));
    assert_eq!(refusals(&forced)[0], (plain[0].id.as_str(), 2, Some("ROTATION_CONFLICT")), "its value is unused");
}

#[tokio::test]
async fn an_overlap_that_a_token_does_not_have_is_refused_for_this_token() {
    let server = Server::start().await;
    let long = create(&server, 1, json!({ "overlapMinutes": 60 })).await.remove(0);
    let short = create(&server, 1, json!({ "overlapMinutes": 5 })).await.remove(0);
    let input = json!({ "filter": { "owner": "acme" }, "dryRun": false, "overlapMinutes": 30 });
    let found = rotations(&ask(&server.admin, input).await);
    let expected = [(long.id.as_str(), 2, None), (short.id.as_str(), 1, Some("BAD_USER_INPUT"))];
    assert_eq!(refusals(&found), expected);
}

/// R6: with a key, a repeated request gets the same answer, with a value of its own for each token.
#[tokio::test]
async fn r6_a_repeated_request_with_the_same_key_gets_the_same_values() {
    let server = Server::start().await;
    let tokens = create(&server, 3, json!({})).await;
    let input = json!({ "filter": { "owner": "acme" }, "dryRun": false, "idempotencyKey": "INC-7" });
    let first = rotations(&ask(&server.admin, input.clone()).await);
    server.clock.advance(SECOND);
    let again = rotations(&ask(&server.admin, input.clone()).await);
    assert_eq!(again, first);
    let mut values: Vec<_> = first.iter().map(|(_, _, value, _)| value.clone().unwrap()).collect();
    values.sort();
    values.dedup();
    assert_eq!(values.len(), tokens.len(), "each token has its own");
    // Another key is another rotation, which would cancel a value that its holder may be about to use.
    let other = json!({ "filter": { "owner": "acme" }, "dryRun": false, "idempotencyKey": "INC-8" });
    let refused = rotations(&ask(&server.admin, other).await);
    assert!(refused.iter().all(|(.., refusal)| refusal.as_deref() == Some("ROTATION_CONFLICT")), "{refused:?}");
    // A value that was used is not shown again.
    assert_eq!(server.admin.with(first[0].2.clone().unwrap()).check().await, Ok(2));
    let third = rotations(&ask(&server.admin, input).await);
    assert_ne!(third[0].2, first[0].2);
    assert_eq!(third[1..], first[1..]);
}

/// R5: without a key, the values of a lost answer are cancelled by the next request, once the guard is over.
#[tokio::test]
async fn r5_a_lost_answer_locks_nobody_out() {
    let server = Server::start().await;
    let tokens = create(&server, 3, json!({})).await;
    let input = json!({ "filter": { "owner": "acme" }, "dryRun": false });
    let lost = rotations(&ask(&server.admin, input.clone()).await);
    let refused = rotations(&ask(&server.admin, input.clone()).await);
    assert!(refused.iter().all(|(.., refusal)| refusal.as_deref() == Some("ROTATION_CONFLICT")), "{refused:?}");
    server.clock.advance(10 * SECOND);
    let answer = ask(&server.admin, input).await;
    let found = rotations(&answer);
    for (place, token) in tokens.iter().enumerate() {
        let row = &answer.body["data"]["rotateAPITokens"]["rotations"][place];
        assert_eq!(row["cancelledGeneration"], 2);
        assert_eq!(token.client.check().await, Ok(3), "the old value works");
        assert_eq!(server.admin.with(lost[place].2.clone().unwrap()).check().await, Err("VALUE_RETIRED".into()));
        assert_eq!(server.admin.with(found[place].2.clone().unwrap()).check().await, Ok(3));
    }
}

/// R7: of two requests for the same tokens, each token has one winner, and each value that is told works.
#[tokio::test]
async fn r7_of_racing_requests_each_token_has_one_winner() {
    let server = Server::start().await;
    let tokens = create(&server, 20, json!({})).await;
    let input = json!({ "filter": { "owner": "acme" }, "dryRun": false });
    let (one, two) = tokio::join!(ask(&server.admin, input.clone()), ask(&server.admin, input));
    let (one, two) = (rotations(&one), rotations(&two));
    for (place, _) in tokens.iter().enumerate() {
        let told: Vec<_> = [&one, &two].into_iter().filter_map(|rows| rows[place].2.clone()).collect();
        assert_eq!(told.len(), 1, "{:?} {:?}", one[place], two[place]);
        assert_eq!(server.admin.with(told[0].clone()).check().await, Ok(2));
    }
}

#[tokio::test]
async fn it_needs_a_condition_and_the_permissions_to_read_and_to_modify() {
    let server = Server::start().await;
    let victim = create(&server, 1, json!({})).await.remove(0);
    let expired = create(&server, 1, json!({ "expiresAt": "2026-01-01T01:00:00Z" })).await.remove(0);
    let refused = async |caller: &Client, input: Value| {
        let answer = ask(caller, input).await;
        let error = &answer.body["errors"][0]["extensions"];
        (error["code"].as_str().unwrap_or_else(|| panic!("{}", answer.body)).to_owned(), error["field"].clone())
    };
    let with = |more: Value| {
        let mut input = json!({ "filter": { "owner": "acme" }, "dryRun": false });
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        input
    };
    for (more, field) in [
        (json!({ "filter": {} }), "filter"),
        (json!({ "filter": { "status": [] } }), "filter"),
        (json!({ "filter": { "metadata": [], "owner": null } }), "filter"),
        (json!({ "filter": { "status": ["REVOKED", "EXPIRED", "ROTATION_OVERDUE"] } }), "status"),
        (json!({ "filter": { "name": "" } }), "name"),
        (json!({ "filter": { "owner": "acme", "text": "" } }), "text"),
        (json!({ "first": 0 }), "first"),
        (json!({ "first": 51 }), "first"),
        (json!({ "after": "x" }), "after"),
        (json!({ "reason": "" }), "reason"),
        (json!({ "idempotencyKey": "" }), "idempotencyKey"),
        (json!({ "dryRun": true, "reason": "" }), "reason"),
    ] {
        let expected = ("BAD_USER_INPUT".to_owned(), json!(field));
        assert_eq!(refused(&server.admin, with(more.clone())).await, expected, "{more}");
    }
    for permission in ["API_TOKEN_READ", "API_TOKEN_MODIFY"] {
        let caller = server.admin.create(json!({ "name": "c", "permissions": [permission] })).await.unwrap().client;
        for dry_run in [true, false] {
            let code = refused(&caller, with(json!({ "dryRun": dry_run }))).await.0;
            assert_eq!(code, "FORBIDDEN", "{permission}");
        }
    }
    let missing = server.admin.graphql(ROTATE_MANY, json!({ "input": { "filter": { "owner": "acme" } } })).await;
    assert_eq!(missing.code(), Some("BAD_USER_INPUT"), "dryRun is required");
    assert_eq!(victim.client.check().await, Ok(1));
    // Those that no longer work are left out.
    server.clock.advance(60 * MINUTE);
    let left = rotations(&ask(&server.admin, with(json!({ "dryRun": true }))).await);
    assert_eq!(refusals(&left), [(victim.id.as_str(), 1, None)]);
    assert_eq!(expired.client.check().await, Err("TOKEN_EXPIRED".into()));
}

#[tokio::test]
async fn over_rest_it_is_a_post_with_the_filter_in_the_body() {
    let server = Server::start().await;
    let plain = create(&server, 2, json!({ "metadata": [{ "key": "team", "value": "a" }] })).await;
    let other = create(&server, 1, json!({ "owner": "other" })).await.remove(0);
    let post = async |body: Value| server.admin.rest("POST", "/api-tokens/rotate", body).await;
    let rotate = async |body: Value| {
        let answer = post(body).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        rows(&answer.body["data"])
    };
    let team = json!({ "metadata": [{ "key": "team", "value": "a" }] });
    let expected =
        |generation| vec![(plain[0].id.as_str(), generation, None), (plain[1].id.as_str(), generation, None)];
    assert_eq!(refusals(&rotate(json!({ "filter": team, "dryRun": true })).await), expected(1));
    let found = rotate(json!({ "filter": { "owner": "acme" }, "dryRun": false, "idempotencyKey": "k" })).await;
    assert_eq!(refusals(&found), expected(2));
    let with_header = server.admin.request("POST", "/api-tokens/rotate").header("Idempotency-Key", "k");
    let body = json!({ "filter": { "owner": "acme", "status": ["ACTIVE"] }, "dryRun": false });
    let again = Answer::of(with_header.json(&body).send().await.unwrap()).await;
    assert_eq!(rows(&again.body["data"]), found);
    for (body, field) in [
        (json!({ "filter": { "owner": "other" } }), "dryRun"),
        (json!({ "dryRun": false }), "filter"),
        (json!({ "filter": {}, "dryRun": false }), "filter"),
        (json!({ "filter": "owner", "dryRun": false }), "filter"),
        (json!({ "filter": { "ownr": "other" }, "dryRun": false }), "ownr"),
        (json!({ "filter": { "metadata": ["team"] }, "dryRun": false }), "metadata"),
        (json!({ "filter": { "metadata": [{ "key": "team" }] }, "dryRun": false }), "metadata"),
        (json!({ "filter": { "owner": "other" }, "dryRun": false, "last": 1 }), "last"),
        (json!({ "filter": { "text": "" }, "dryRun": false }), "text"),
    ] {
        let answer = post(body.clone()).await;
        assert_eq!((answer.status, &answer.body["field"]), (400, &json!(field)), "{body}: {}", answer.body);
    }
    assert_eq!(other.client.check().await, Ok(1));
}
