//! `GET /audit-events`: the same pages as `auditEvents` of GraphQL.

use serde_json::{Value, json};
use url::form_urlencoded;

use crate::support::client::{Answer, Client};
use crate::support::clock::{MINUTE, SECOND};
use crate::support::server::Server;

const LIST: &str = "query($first: Int, $after: String, $last: Int, $before: String, $filter: AuditEventFilter) {
    auditEvents(first: $first, after: $after, last: $last, before: $before, filter: $filter) {
        nodes { id occurredAt action refusal actor { kind id } tokenId webhookId mailDigestId generation address userAgent
            requestId reason evidenceURL }
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }";

const URL: &str = "https://example.com/incidents/7?a=1&b=2";

async fn get(client: &Client, parameters: &[(&str, &str)]) -> Answer {
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
    client.rest("GET", &format!("/audit-events?{query}"), Value::Null).await
}

/// The page of these parameters, which is also that of GraphQL with these arguments.
async fn page(client: &Client, parameters: &[(&str, &str)], variables: Value) -> Value {
    let answer = get(client, parameters).await;
    assert_eq!(answer.status, 200, "{parameters:?}: {}", answer.body);
    assert_eq!(answer.header("Cache-Control"), Some("no-store"));
    let same = client.graphql(LIST, variables).await;
    assert_eq!(same.code(), None, "{}", same.body);
    let same = &same.body["data"]["auditEvents"];
    assert_eq!(answer.body, json!({ "data": same["nodes"], "pageInfo": same["pageInfo"] }), "{parameters:?}");
    answer.body
}

/// Events with every field: of two actors and several tokens, of a webhook and of a mail digest, done and refused, with a reason and
/// without, in the same millisecond and later. Also the ids of the token and of its holder, who changed another.
async fn filled() -> (Server, [String; 2]) {
    let server = Server::start().await;
    let deputy = json!({ "name": "deputy", "permissions": ["API_TOKEN_READ", "API_TOKEN_MODIFY"] });
    let deputy = server.admin.create(deputy).await.unwrap();
    let token = deputy.client.create(json!({ "name": "token" })).await.unwrap();
    for (path, body) in [
        ("/webhooks", json!({ "url": "https://example.com/hook" })),
        ("/mail-digests", json!({ "address": "ops@example.com" })),
    ] {
        assert_eq!(server.admin.rest("POST", path, body).await.status, 200, "{path}");
    }
    server.clock.set(MINUTE);
    token.client.rotate().await.unwrap();
    token.client.rotate().await.unwrap_err();
    for minute in 2..=4 {
        server.clock.set(minute * MINUTE);
        deputy.client.update(json!({ "id": token.id, "name": format!("{minute}") })).await.unwrap();
        server.admin.create(json!({ "name": "another" })).await.unwrap();
    }
    server.clock.advance(SECOND);
    let why = [("reason", "in a log"), ("evidenceURL", URL)];
    let why = form_urlencoded::Serializer::new(String::new()).extend_pairs(why).finish();
    let revoke = server.admin.request("DELETE", &format!("/api-tokens/{}?{why}", token.id));
    let revoke = revoke.header("User-Agent", "responder/1.0").send().await.unwrap();
    assert_eq!(revoke.status(), 204);
    (server, [deputy.id, token.id])
}

#[tokio::test]
async fn the_log_over_rest_is_that_of_graphql_forwards_and_backwards() {
    let (server, _) = filled().await;
    let all = page(&server.admin, &[("first", "200")], json!({ "first": 200 })).await;
    let all = all["data"].as_array().unwrap().clone();
    assert!(all.len() > 10, "{}", all.len());
    page(&server.admin, &[], json!({})).await;
    for (count, cursor, end, is_more, backwards) in [
        ("first", "after", "endCursor", "hasNextPage", false),
        ("last", "before", "startCursor", "hasPreviousPage", true),
    ] {
        for size in [1, 3, all.len(), all.len() + 1] {
            let text = size.to_string();
            let mut found: Vec<Value> = Vec::new();
            let mut variables = json!({ count: size });
            loop {
                let at = variables[cursor].as_str().unwrap_or_default().to_owned();
                let parameters: &[(&str, &str)] = &[(count, &text), (cursor, &at)];
                let parameters = if at.is_empty() { &parameters[..1] } else { parameters };
                let page = page(&server.admin, parameters, variables.clone()).await;
                let events = page["data"].as_array().unwrap().clone();
                found = if backwards { [events, found].concat() } else { [found, events].concat() };
                if page["pageInfo"][is_more] == json!(false) {
                    break;
                }
                assert!(found.len() < all.len(), "the pages do not end");
                variables[cursor] = page["pageInfo"][end].clone();
            }
            assert_eq!(found, all, "{count} {size}");
        }
    }
    let cursor = async |size| {
        page(&server.admin, &[("first", size)], json!({ "first": size.parse::<i32>().unwrap() }))
        .await["pageInfo"]["endCursor"]
        .as_str()
        .unwrap()
        .to_owned()
    };
    let (after, before) = (cursor("2").await, cursor("6").await);
    let between = [("after", &*after), ("before", &*before), ("last", "2")];
    let between = page(&server.admin, &between, json!({ "after": after, "before": before, "last": 2 })).await;
    assert_eq!(between["data"].as_array().unwrap()[..], all[3..5]);
}

#[tokio::test]
async fn every_filter_of_the_log_is_a_parameter() {
    let (server, [deputy, token]) = filled().await;
    let (since, until) = ("2026-01-01T00:02:00Z", "2026-01-01T00:04:00Z");
    for (parameters, filter, count) in [
        (&[("actions", "API_TOKEN_UPDATED")][..], json!({ "actions": ["API_TOKEN_UPDATED"] }), 3),
        (
            &[("actions", "API_TOKEN_UPDATED,API_TOKEN_REVOKED")],
            json!({ "actions": ["API_TOKEN_UPDATED", "API_TOKEN_REVOKED"] }),
            4,
        ),
        (
            &[("actions", "API_TOKEN_UPDATED"), ("actions", "API_TOKEN_REVOKED")],
            json!({ "actions": ["API_TOKEN_UPDATED", "API_TOKEN_REVOKED"] }),
            4,
        ),
        (&[("actions", "API_TOKEN_SUSPENDED")], json!({ "actions": ["API_TOKEN_SUSPENDED"] }), 0),
        (&[("actions", "UNKNOWN")], json!({ "actions": ["UNKNOWN"] }), 0),
        (&[("tokenId", &*token)], json!({ "tokenId": token }), 7),
        (&[("actorId", &*deputy)], json!({ "actorId": deputy }), 4),
        (&[("since", until)], json!({ "since": until }), 3),
        (&[("since", since), ("until", until)], json!({ "since": since, "until": until }), 4),
        (&[("since", "2026-01-01T01:02:00+01:00"), ("until", until)], json!({ "since": since, "until": until }), 4),
        (
            &[("tokenId", &*token), ("actorId", &*deputy), ("actions", "API_TOKEN_UPDATED"), ("until", until)],
            json!({ "tokenId": token, "actorId": deputy, "actions": ["API_TOKEN_UPDATED"], "until": until }),
            2,
        ),
    ] {
        let page = page(&server.admin, parameters, json!({ "filter": filter })).await;
        assert_eq!(page["data"].as_array().unwrap().len(), count, "{parameters:?}: {page}");
    }
}

#[tokio::test]
async fn an_event_over_rest_says_who_did_what_and_why() {
    let (server, [_, token]) = filled().await;
    let answer = get(&server.admin, &[("tokenId", &token)]).await;
    let events = answer.body["data"].as_array().unwrap();
    let revoked = &events[0];
    let admin = server.admin.my_id().await;
    assert_eq!(revoked["actor"], json!({ "kind": "API_TOKEN", "id": admin }));
    assert_eq!((&revoked["reason"], &revoked["evidenceURL"]), (&json!("in a log"), &json!(URL)));
    assert_eq!((&revoked["address"], &revoked["userAgent"]), (&json!("127.0.0.1"), &json!("responder/1.0")));
    assert_eq!((&revoked["action"], &revoked["tokenId"]), (&json!("API_TOKEN_REVOKED"), &json!(token)));
    assert!(revoked["requestId"].as_str().unwrap().starts_with("req_"), "{revoked}");
    // What is not known is null, and not left out.
    for name in ["refusal", "webhookId", "mailDigestId"] {
        assert_eq!(revoked.get(name), Some(&Value::Null), "{name}");
    }
    let refused = events.iter().find(|event| event["action"] == "API_TOKEN_ROTATION_REFUSED").unwrap();
    assert_eq!((&refused["refusal"], &refused["generation"]), (&json!("ROTATION_CONFLICT"), &json!(1)));
    assert_eq!((refused.get("reason"), refused.get("evidenceURL")), (Some(&Value::Null), Some(&Value::Null)));
    let all = get(&server.admin, &[("last", "200")]).await;
    let of = |name: &str| all.body["data"].as_array().unwrap().iter().find(|event| !event[name].is_null()).cloned();
    assert_eq!(of("webhookId").unwrap()["action"], "WEBHOOK_CREATED");
    assert_eq!(of("mailDigestId").unwrap()["action"], "MAIL_DIGEST_CREATED");
}

#[tokio::test]
async fn the_log_over_rest_needs_its_permission() {
    let server = Server::start().await;
    let path = "/audit-events";
    let all_but = json!(["API_TOKEN_READ", "API_TOKEN_MODIFY", "API_TOKEN_VERIFY", "WEBHOOK_MODIFY"]);
    for (permissions, refused) in [(all_but, true), (json!([]), true), (json!(["AUDIT_LOG_READ"]), false)] {
        let reader = server.admin.create(json!({ "name": "reader", "permissions": permissions })).await.unwrap().client;
        let answer = reader.rest("GET", path, Value::Null).await;
        if refused {
            assert_eq!(answer.refusal(), (403, "FORBIDDEN", None), "{permissions}");
        } else {
            assert_eq!(answer.status, 200, "{}", answer.body);
        }
    }
    let answer = server.anonymous().rest("GET", path, Value::Null).await;
    assert_eq!(answer.refusal(), (401, "UNAUTHENTICATED", None));
}

#[tokio::test]
async fn a_bad_parameter_of_the_log_is_named_with_the_error_of_graphql() {
    let server = Server::start().await;
    for (parameters, status, field) in [
        (&[("first", "0")][..], 400, "first"),
        (&[("first", "201")], 400, "first"),
        (&[("first", "ten")], 400, "first"),
        (&[("first", "1"), ("first", "2")], 400, "first"),
        (&[("first", "1"), ("last", "1")], 400, "last"),
        (&[("last", "0")], 400, "last"),
        (&[("last", "201")], 400, "last"),
        (&[("after", "x")], 400, "after"),
        (&[("before", "dG9rXzE")], 400, "before"),
        (&[("actions", "API_TOKEN_MADE")], 400, "actions"),
        (&[("actions", "API_TOKEN_UPDATED,")], 400, "actions"),
        (&[("tokenId", "tok_1")], 404, "tokenId"),
        (&[("actorId", "x")], 404, "actorId"),
        (&[("since", "yesterday")], 400, "since"),
        (&[("until", "2026-01-01")], 400, "until"),
        (&[("action", "API_TOKEN_UPDATED")], 400, "action"),
    ] {
        let answer = get(&server.admin, parameters).await;
        let code = if status == 404 { "NOT_FOUND" } else { "BAD_USER_INPUT" };
        assert_eq!(answer.refusal(), (status, code, Some(field)), "{parameters:?}: {}", answer.body);
    }
    for (parameters, variables) in [
        (&[("first", "201")][..], json!({ "first": 201 })),
        (&[("first", "1"), ("last", "1")], json!({ "first": 1, "last": 1 })),
        (&[("before", "x")], json!({ "before": "x" })),
        (&[("tokenId", "tok_1")], json!({ "filter": { "tokenId": "tok_1" } })),
    ] {
        let same = server.admin.graphql(LIST, variables).await;
        let answer = get(&server.admin, parameters).await;
        assert_eq!(answer.body["message"], same.body["errors"][0]["message"], "{}", same.body);
        assert_eq!((answer.refusal().1, answer.refusal().2), (same.code().unwrap(), same.field()));
    }
}

#[tokio::test]
async fn the_log_over_rest_answers_head_as_get_and_no_other_method() {
    let server = Server::start().await;
    let path = "/audit-events?first=1";
    let get = server.admin.request("GET", path).send().await.unwrap();
    let head = server.admin.request("HEAD", path).send().await.unwrap();
    assert_eq!((head.status(), get.status().as_u16()), (get.status(), 200));
    assert_eq!(head.headers()["content-type"], get.headers()["content-type"]);
    assert_eq!(head.bytes().await.unwrap().len(), 0);
    for method in ["POST", "PUT", "PATCH", "DELETE"] {
        let answer = server.admin.rest(method, path, Value::Null).await;
        assert_eq!(answer.refusal(), (405, "BAD_USER_INPUT", None), "{method}");
        assert_eq!(answer.header("Allow"), Some("GET,HEAD"), "{method}");
    }
    for path in ["/audit-events//", "/audit-events/x"] {
        assert_eq!(server.admin.rest("GET", path, Value::Null).await.refusal(), (404, "NOT_FOUND", None), "{path}");
    }
}
