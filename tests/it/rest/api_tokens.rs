//! The REST endpoints: the same use cases as GraphQL, in plain JSON.

use serde_json::{Value, json};

use crate::support::client::{Answer, Client};
use crate::support::clock::{MINUTE, SECOND};
use crate::support::server::Server;

async fn ok(client: &Client, method: &str, path: &str, body: Value) -> Value {
    let answer = client.rest(method, path, body).await;
    assert_eq!(answer.status, 200, "{method} {path}: {}", answer.body);
    assert_eq!(answer.header("Cache-Control"), Some("no-store"));
    answer.body
}

fn names(page: &Value) -> Vec<&str> {
    page["data"].as_array().unwrap().iter().map(|token| token["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_created_token_has_every_setting_that_was_asked_for_and_its_value_once() {
    let server = Server::start().await;
    let body = json!({
        "name": "all", "description": "d", "owner": "acme", "kind": "PRIVATE", "permissions": ["API_TOKEN_READ"],
        "scopes": ["read"], "allowedCIDRBlocks": ["127.0.0.1/32"], "allowedOrigins": ["https://*.example.com"],
        "expiresAt": "2026-02-01T01:00:00+01:00", "rotationPeriodMinutes": 60, "overlapMinutes": 5,
        "overlapStarts": "FIRST_USE", "overlapEnds": "WHEN_SILENT", "silentMinutes": 4, "onReuse": "REVOKE", "protected": false,
    });
    let created = ok(&server.admin, "POST", "/api-tokens", body).await;
    insta::assert_json_snapshot!(created, @r#"
    {
      "allowedCIDRBlocks": [
        "127.0.0.1/32"
      ],
      "allowedOrigins": [
        "https://*.example.com"
      ],
      "createdAt": "2026-01-01T00:00:00.000Z",
      "createdBy": {
        "id": "tok_01KDVDNA00FGYCT45VFV1QPHPK",
        "kind": "API_TOKEN"
      },
      "description": "d",
      "expiresAt": "2026-02-01T00:00:00.000Z",
      "generation": 1,
      "id": "tok_01KDVDNA00YJ4T4N2SFV4F4TN2",
      "kind": "PRIVATE",
      "lastUsedAt": null,
      "metadata": [],
      "name": "all",
      "notBefore": null,
      "onLeak": "ALERT",
      "onReuse": "REVOKE",
      "overlapEnds": "WHEN_SILENT",
      "overlapMinutes": 5,
      "overlapStarts": "FIRST_USE",
      "owner": "acme",
      "permissions": [
        "API_TOKEN_READ"
      ],
      "protected": false,
      "revokedAt": null,
      "rotateBy": "2026-01-01T01:00:00.000Z",
      "rotatedAt": null,
      "rotatedBy": null,
      "rotationPeriodMinutes": 60,
      "scopes": [
        "read"
      ],
      "silentMinutes": 4,
      "status": "ACTIVE",
      "suspendedAt": null,
      "updatedAt": null,
      "updatedBy": null,
      "value": "rk_TyqUCAJjbU8zqi7WwRTKzjFAhvWRTckfYIqGYgciSu717gfTD",
      "values": [
        {
          "brownOutsStartAt": null,
          "createdAt": "2026-01-01T00:00:00.000Z",
          "firstUsedAt": null,
          "format": null,
          "generation": 1,
          "hint": "gfTD",
          "replacedAt": null,
          "retiresAt": null
        }
      ]
    }
    "#);
    let id = created["id"].as_str().unwrap();
    let read = ok(&server.admin, "GET", &format!("/api-tokens/{id}"), Value::Null).await;
    let mut reported = created.clone();
    reported.as_object_mut().unwrap().remove("value").unwrap();
    assert_eq!(read, reported, "the value is absent from every other answer");
}

#[tokio::test]
async fn a_token_looks_the_same_as_through_graphql() {
    const VALUES: &str =
        "values { hint format generation createdAt firstUsedAt replacedAt retiresAt brownOutsStartAt }";
    let server = Server::start().await;
    let token = server.admin.create(json!({ "name": "seen", "rotationPeriodMinutes": 60 })).await.unwrap();
    server.clock.advance(MINUTE);
    token.client.rotate().await.unwrap();
    let mut fields = ok(&server.admin, "GET", &format!("/api-tokens/{}", token.id), Value::Null).await;
    let selection = |name: &String| match name.as_str() {
        "values" => VALUES.to_owned(),
        "metadata" => "metadata { key value }".to_owned(),
        "createdBy" | "updatedBy" | "rotatedBy" => format!("{name} {{ kind id }}"),
        _ => name.clone(),
    };
    let selected: Vec<String> = fields.as_object().unwrap().keys().map(selection).collect();
    let query = format!("query($id: ID!) {{ apiToken(id: $id) {{ value {} }} }}", selected.join(" "));
    let answer = server.admin.graphql(&query, json!({ "id": token.id })).await;
    fields["value"] = Value::Null;
    assert_eq!(fields, answer.body["data"]["apiToken"]);
}

#[tokio::test]
async fn settings_are_cloned_and_what_is_given_beside_wins() {
    let server = Server::start().await;
    let origin = json!({ "name": "origin", "owner": "acme", "description": "d", "scopes": ["a"], "overlapMinutes": 3 });
    let origin = ok(&server.admin, "POST", "/api-tokens", origin).await;
    let body = json!({ "name": "copy", "cloneSettingsFrom": origin["id"], "scopes": ["b"], "owner": null });
    let copy = ok(&server.admin, "POST", "/api-tokens", body).await;
    let reported = |name: &str| copy[name].clone();
    assert_eq!(
        (reported("scopes"), reported("overlapMinutes"), reported("description")),
        (json!(["b"]), json!(3), json!("d"))
    );
    assert_eq!(reported("owner"), Value::Null, "null empties what would be cloned");
    let none = json!({ "name": "copy", "cloneSettingsFrom": "tok_1" });
    let answer = server.admin.rest("POST", "/api-tokens", none).await;
    assert_eq!(answer.refusal(), (404, "NOT_FOUND", Some("cloneSettingsFrom")));
}

#[tokio::test]
async fn an_update_changes_what_is_named_and_leaves_the_rest() {
    let server = Server::start().await;
    let token = server.admin.create(json!({ "name": "one", "owner": "acme", "description": "d" })).await.unwrap();
    let path = format!("/api-tokens/{}", token.id);
    server.clock.advance(MINUTE);
    let body = json!({ "name": "two", "owner": null, "scopes": ["x"], "protected": true });
    for _ in 0..2 {
        let changed = ok(&server.admin, "POST", &path, body.clone()).await;
        let reported = |name: &str| changed[name].clone();
        assert_eq!(
            (reported("name"), reported("owner"), reported("description")),
            (json!("two"), Value::Null, json!("d"))
        );
        assert_eq!((reported("scopes"), reported("protected")), (json!(["x"]), json!(true)));
        assert_eq!(reported("updatedAt"), json!("2026-01-01T00:01:00.000Z"));
        assert_eq!(changed.get("value"), None);
    }
}

#[tokio::test]
async fn r10_a_deleted_token_is_revoked_and_deleting_it_twice_changes_nothing() {
    let server = Server::start().await;
    let token = server.admin.create(json!({ "name": "gone", "protected": true })).await.unwrap();
    let path = format!("/api-tokens/{}", token.id);
    let protected = server.admin.rest("DELETE", &path, Value::Null).await;
    assert_eq!(protected.refusal(), (409, "TOKEN_PROTECTED", None));
    ok(&server.admin, "POST", &path, json!({ "protected": false })).await;
    for _ in 0..2 {
        let answer = server.admin.rest("DELETE", &path, Value::Null).await;
        assert_eq!((answer.status, &answer.body), (204, &json!("")));
        assert_eq!(token.client.check().await, Err("TOKEN_REVOKED".into()));
    }
    let read = ok(&server.admin, "GET", &path, Value::Null).await;
    assert_eq!(read["status"], json!("REVOKED"));
    let answer = server.admin.rest("POST", &path, json!({ "name": "back" })).await;
    assert_eq!(answer.refusal(), (401, "TOKEN_REVOKED", None));
}

#[tokio::test]
async fn self_is_the_caller_and_needs_no_permission() {
    let server = Server::start().await;
    let token = server.admin.create(json!({ "name": "me" })).await.unwrap();
    let read = ok(&token.client, "GET", "/api-tokens/self", Value::Null).await;
    assert_eq!(read["id"], json!(token.id));
    let rotated = ok(&token.client, "POST", "/api-tokens/self/rotate", Value::Null).await;
    let new = token.client.with(rotated["value"].as_str().unwrap());
    assert_eq!(token.client.check().await, Ok(2));
    let refused = new.rest("POST", "/api-tokens/self/end-overlap", Value::Null).await;
    assert_eq!(refused.refusal(), (409, "STILL_IN_USE", None));
    let ended = ok(&new, "POST", "/api-tokens/self/end-overlap", json!({ "force": true })).await;
    assert_eq!((ended["values"].as_array().unwrap().len(), ended.get("value")), (1, None));
    assert_eq!(token.client.check().await, Err("VALUE_RETIRED".into()));
    let lifted = new.rest("POST", "/api-tokens/self", json!({ "permissions": ["API_TOKEN_READ"] })).await;
    assert_eq!(lifted.refusal(), (403, "FORBIDDEN", None), "r11: but no one lifts themselves");
    let answer = new.rest("DELETE", "/api-tokens/self", Value::Null).await;
    assert_eq!(answer.status, 204);
    assert_eq!(new.rest("GET", "/api-tokens/self", Value::Null).await.refusal(), (401, "TOKEN_REVOKED", None));
}

#[tokio::test]
async fn a_rotation_by_id_issues_a_value_that_works_beside_the_old_one() {
    let server = Server::start().await;
    let token = server.admin.create(json!({ "name": "one" })).await.unwrap();
    let path = format!("/api-tokens/{}/rotate", token.id);
    let rotated = ok(&server.admin, "POST", &path, json!({ "overlapMinutes": 2 })).await;
    assert_eq!(rotated["generation"], json!(2));
    let new = token.client.with(rotated["value"].as_str().unwrap());
    assert_eq!(new.check().await, Ok(2));
    for (offset, works) in [(-1, true), (0, false), (1, false)] {
        server.clock.set(2 * MINUTE + offset);
        assert_eq!(token.client.check().await.is_ok(), works, "{offset}");
    }
    let refused = new.rest("POST", &path, json!({ "overlapMinutes": 0 })).await;
    assert_eq!(refused.refusal(), (409, "STILL_IN_USE", None));
    let leaked = ok(&new, "POST", &path, json!({ "overlapMinutes": 0, "force": true })).await;
    assert_eq!(new.check().await, Err("VALUE_RETIRED".into()));
    assert_eq!(token.client.with(leaked["value"].as_str().unwrap()).check().await, Ok(3));
}

#[tokio::test]
async fn r6_a_key_in_the_body_goes_before_the_header_and_repeats_the_answer() {
    let server = Server::start().await;
    let old = server.admin.clone();
    let send = async |header: Option<&str>, body: Value| {
        let request = old.request("POST", "/api-tokens/self/rotate").json(&body);
        let request = if let Some(key) = header { request.header("Idempotency-Key", key) } else { request };
        Answer::of(request.send().await.unwrap()).await
    };
    let first = send(Some("b"), json!({ "idempotencyKey": "a" })).await;
    assert_eq!(first.status, 200, "{}", first.body);
    for (header, body) in [(Some("a"), json!({})), (None, json!({ "idempotencyKey": "a" })), (Some("\"a\""), json!({}))]
    {
        assert_eq!(send(header, body).await.body["value"], first.body["value"]);
    }
    let other = send(Some("b"), json!({})).await;
    assert_eq!(other.refusal(), (409, "ROTATION_CONFLICT", None));
    assert_eq!(other.header("Retry-After"), Some("10"));
    let reused = send(Some("a"), json!({ "overlapMinutes": 1 })).await;
    assert_eq!(reused.refusal(), (422, "IDEMPOTENCY_KEY_REUSED", None));
    let new = old.with(first.body["value"].as_str().unwrap());
    assert_eq!(new.check().await, Ok(2));
    server.clock.advance(11 * SECOND);
    assert_eq!(send(Some("a"), json!({})).await.refusal(), (409, "VALUE_SUPERSEDED", None));
}

#[tokio::test]
async fn the_previous_value_is_answered_with_deprecation_and_sunset() {
    let server = Server::start().await;
    server.clock.advance(SECOND);
    let old = server.admin.clone();
    let rotated = old.rest("POST", "/api-tokens/self/rotate", Value::Null).await;
    assert_eq!(rotated.header("Deprecation"), None);
    for (path, status) in [("/api-tokens/self", 200), ("/api-tokens", 200), ("/api-tokens/tok_1", 404)] {
        let answer = old.rest("GET", path, Value::Null).await;
        assert_eq!(answer.status, status);
        assert_eq!(answer.header("Deprecation"), Some("@1767225601"), "{path}");
        assert_eq!(answer.header("Sunset"), Some("Thu, 01 Jan 2026 00:10:01 GMT"), "{path}");
    }
}

#[tokio::test]
async fn pages_follow_each_other_both_ways_without_gap_or_repetition() {
    let server = Server::start().await;
    for name in ["b", "a", "c"] {
        server.clock.advance(1);
        server.admin.create(json!({ "name": name })).await.unwrap();
    }
    let get = async |query: &str| ok(&server.admin, "GET", &format!("/api-tokens?{query}"), Value::Null).await;
    assert_eq!(names(&get("").await), ["admin", "b", "a", "c"]);
    for (order, expected) in [
        ("createdAt", ["admin", "b", "a", "c"]),
        ("-createdAt", ["c", "a", "b", "admin"]),
        ("name", ["a", "admin", "b", "c"]),
        ("-name", ["c", "b", "admin", "a"]),
    ] {
        let whole = get(&format!("orderBy={order}")).await;
        assert_eq!(names(&whole), expected, "{order}");
        let first = get(&format!("orderBy={order}&first=3")).await;
        let end = first["pageInfo"]["endCursor"].as_str().unwrap();
        assert_eq!(first["pageInfo"]["hasNextPage"], json!(true));
        let second = get(&format!("orderBy={order}&first=3&after={end}")).await;
        assert_eq!([names(&first), names(&second)].concat(), expected, "{order}");
        assert_eq!(second["pageInfo"]["hasNextPage"], json!(false));
        let start = second["pageInfo"]["startCursor"].as_str().unwrap();
        assert_eq!(names(&get(&format!("orderBy={order}&last=3&before={start}")).await), expected[..3]);
    }
    let none = get("name=nothing").await;
    let page_info = json!({ "hasNextPage": false, "hasPreviousPage": false, "startCursor": null, "endCursor": null });
    assert_eq!(none, json!({ "data": [], "pageInfo": page_info }));
}

#[tokio::test]
async fn tokens_are_found_and_ordered_as_in_graphql() {
    let server = Server::start().await;
    let admin = &server.admin;
    for input in [
        json!({ "name": "soon", "expiresAt": "2026-02-01T00:00:00Z", "scopes": ["a", "b+c"] }),
        json!({ "name": "later", "expiresAt": "2026-03-01T00:00:00Z", "permissions": ["AUDIT_LOG_READ"] }),
        json!({ "name": "rotated", "rotationPeriodMinutes": 60 }),
    ] {
        server.clock.advance(1);
        let created = admin.create(input.clone()).await.unwrap();
        if input["name"] == "rotated" {
            created.client.rotate().await.unwrap();
        }
    }
    let creator = format!("createdBy={}", admin.my_id().await);
    let unused = format!("unusedSince=2026-01-01T00:00:00.002Z&{creator}");
    for (query, expected) in [
        ("orderBy=-expiresAt", vec!["rotated", "admin", "later", "soon"]),
        ("orderBy=rotateBy&last=3", vec!["admin", "soon", "later"]),
        ("orderBy=lastUsedAt&first=2", vec!["soon", "later"]),
        ("scope=b%2Bc", vec!["soon"]),
        ("permission=AUDIT_LOG_READ&orderBy=name", vec!["admin", "later"]),
        (creator.as_str(), vec!["soon", "later", "rotated"]),
        ("expiresAfter=2026-02-01T00:00:00Z&expiresBefore=2026-03-01T00:00:00Z", vec!["soon"]),
        ("rotateByBefore=2026-01-01T02:00:00Z", vec!["rotated"]),
        (unused.as_str(), vec!["soon"]),
        ("overlapRunning=true", vec!["rotated"]),
        ("overlapRunning=false&kind=PRIVATE", vec!["admin", "soon", "later"]),
        ("previousValueUsedWithinMinutes=5", vec![]),
    ] {
        let page = ok(admin, "GET", &format!("/api-tokens?{query}"), Value::Null).await;
        assert_eq!(names(&page), expected, "{query}");
    }
    let malformed = admin.rest("GET", "/api-tokens?createdBy=nobody", Value::Null).await;
    assert_eq!(malformed.refusal(), (404, "NOT_FOUND", Some("createdBy")));
}

#[tokio::test]
async fn filters_narrow_by_status_name_owner_and_kind() {
    let server = Server::start().await;
    let admin = &server.admin;
    admin.create(json!({ "name": "Web & App", "kind": "PUBLIC", "owner": "acme" })).await.unwrap();
    let gone = admin.create(json!({ "name": "gone", "owner": "acme" })).await.unwrap();
    admin.revoke(&gone.id).await.unwrap();
    admin.create(json!({ "name": "late", "rotationPeriodMinutes": 1 })).await.unwrap();
    server.clock.set(MINUTE);
    for (query, expected) in [
        ("", vec!["Web & App", "admin", "gone", "late"]),
        ("status=ACTIVE", vec!["Web & App", "admin"]),
        ("status=REVOKED,ROTATION_OVERDUE", vec!["gone", "late"]),
        ("status=REVOKED&status=ROTATION_OVERDUE", vec!["gone", "late"]),
        ("status=REVOKED&status=ROTATION_OVERDUE,EXPIRED&owner=acme", vec!["gone"]),
        ("name=web+%26", vec!["Web & App"]),
        ("owner=acme", vec!["Web & App", "gone"]),
        ("kind=PUBLIC", vec!["Web & App"]),
        ("kind=PRIVATE&owner=acme", vec!["gone"]),
    ] {
        let page = ok(admin, "GET", &format!("/api-tokens?orderBy=name&{query}"), Value::Null).await;
        assert_eq!(names(&page), expected, "{query}");
    }
}
