//! `createAPIToken`.

use serde_json::json;

use crate::support::server::Server;

#[tokio::test]
async fn the_value_is_in_the_answer_that_creates_a_token_and_in_no_later_one() {
    let server = Server::start().await;
    let query = "mutation($input: CreateAPITokenInput!) { createAPIToken(input: $input) { token {
        id name description owner kind status permissions scopes generation createdAt createdBy { kind id } rotatedAt
        rotatedBy { kind } lastUsedAt expiresAt rotationPeriodMinutes rotateBy overlapMinutes revokedAt value
        values { generation hint createdAt firstUsedAt retiresAt } } } }";
    let input = json!({
        "name": "billing", "description": "Posts invoices.", "owner": "acme", "scopes": ["write", "read", "read"],
        "permissions": ["API_TOKEN_VERIFY"], "expiresAt": "2026-06-01T02:00:00+02:00",
        "rotationPeriodMinutes": 1440, "overlapMinutes": 30
    });
    let answer = server.admin.graphql(query, json!({ "input": input })).await;
    insta::assert_json_snapshot!(answer.body, @r#"
    {
      "data": {
        "createAPIToken": {
          "token": {
            "createdAt": "2026-01-01T00:00:00.000Z",
            "createdBy": {
              "id": "tok_01KDVDNA00FGYCT45VFV1QPHPK",
              "kind": "API_TOKEN"
            },
            "description": "Posts invoices.",
            "expiresAt": "2026-06-01T00:00:00.000Z",
            "generation": 1,
            "id": "tok_01KDVDNA00YJ4T4N2SFV4F4TN2",
            "kind": "PRIVATE",
            "lastUsedAt": null,
            "name": "billing",
            "overlapMinutes": 30,
            "owner": "acme",
            "permissions": [
              "API_TOKEN_VERIFY"
            ],
            "revokedAt": null,
            "rotateBy": "2026-01-02T00:00:00.000Z",
            "rotatedAt": null,
            "rotatedBy": null,
            "rotationPeriodMinutes": 1440,
            "scopes": [
              "read",
              "write"
            ],
            "status": "ACTIVE",
            "value": "rk_TyqUCAJjbU8zqi7WwRTKzjFAhvWRTckfYIqGYgciSu717gfTD",
            "values": [
              {
                "createdAt": "2026-01-01T00:00:00.000Z",
                "firstUsedAt": null,
                "generation": 1,
                "hint": "gfTD",
                "retiresAt": null
              }
            ]
          }
        }
      }
    }
    "#);

    let token = &answer.body["data"]["createAPIToken"]["token"];
    let holder = server.admin.with(token["value"].as_str().unwrap());
    let again = holder.ask("{ currentAPIToken { name value generation } }").await;
    assert_eq!(again.body["data"]["currentAPIToken"], json!({ "name": "billing", "value": null, "generation": 1 }));
}

#[tokio::test]
async fn r11_a_caller_cannot_grant_what_it_does_not_hold() {
    let server = Server::start().await;
    let input = json!({ "name": "deputy", "permissions": ["API_TOKEN_MODIFY", "API_TOKEN_READ"], "scopes": ["read"] });
    let deputy = server.admin.create(input).await.unwrap();
    for (permissions, scopes, allowed) in [
        (json!([]), json!([]), true),
        (json!(["API_TOKEN_MODIFY"]), json!(["read"]), true),
        (json!(["API_TOKEN_VERIFY"]), json!([]), false),
        (json!(["AUDIT_LOG_READ"]), json!(["read"]), false),
        (json!([]), json!(["write"]), false),
        (json!([]), json!(["*"]), false),
    ] {
        let input = json!({ "name": "child", "permissions": permissions, "scopes": scopes });
        let outcome = deputy.client.create(input).await.map(|_| ());
        let expected = if allowed { Ok(()) } else { Err("FORBIDDEN".to_owned()) };
        assert_eq!(outcome, expected, "{permissions} {scopes}");
    }
}

#[tokio::test]
async fn creating_needs_the_permission_to_modify() {
    let server = Server::start().await;
    let reader = server.admin.create(json!({ "name": "reader", "permissions": ["API_TOKEN_READ"] })).await.unwrap();
    assert_eq!(reader.client.create(json!({ "name": "child" })).await.err(), Some("FORBIDDEN".into()));
    assert_eq!(server.anonymous().create(json!({ "name": "child" })).await.err(), Some("UNAUTHENTICATED".into()));
}
