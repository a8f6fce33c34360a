//! R15: what retiring a value would do is known before it is done.

use serde_json::{Value, json};

use crate::support::client::{Answer, Client};
use crate::support::clock::MINUTE;
use crate::support::server::Server;

async fn rehearse(client: &Client, id: &str, generation: Value) -> Answer {
    let query = "query($id: ID!, $generation: Int) { rehearseAPITokenRetirement(id: $id, generation: $generation) {
        generation code needsForce silentAt lastUsedAt users { userAgent count } otherUserCount } }";
    client.graphql(query, json!({ "id": id, "generation": generation })).await
}

async fn rehearsed(client: &Client, id: &str, generation: Value) -> Value {
    rehearse(client, id, generation).await.body["data"]["rehearseAPITokenRetirement"].clone()
}

#[tokio::test]
async fn r15_a_rehearsal_says_who_would_be_cut_off_and_whether_that_would_be_refused() {
    let server = Server::start().await;
    let token = server.admin.create(json!({ "name": "n", "overlapMinutes": 60 })).await.unwrap();
    let unused = json!({ "generation": 1, "code": "VALUE_RETIRED", "needsForce": false, "silentAt": null,
        "lastUsedAt": null, "users": [], "otherUserCount": 0 });
    assert_eq!(rehearsed(&server.admin, &token.id, Value::Null).await, unused);
    assert_eq!(rehearsed(&token.client, &token.id, Value::Null).await, unused, "the request itself is no use");
    let new = server.admin.rotate_id(&token.id).await.unwrap();
    assert_eq!(new.check().await, Ok(2));
    for minute in [1, 2] {
        server.clock.set(minute * MINUTE);
        let request = token.client.request("GET", "/verify").header("User-Agent", "orders/1.4");
        assert_eq!(request.send().await.unwrap().status(), 200);
    }
    // Of the previous value, unless the other one is asked for.
    let old = rehearsed(&new, &token.id, Value::Null).await;
    assert_eq!((&old["generation"], &old["needsForce"]), (&json!(1), &json!(true)));
    assert_eq!(old["silentAt"], json!("2026-01-01T00:07:00.000Z"));
    assert_eq!(old["lastUsedAt"], json!("2026-01-01T00:02:00.000Z"));
    assert_eq!(old["users"][0], json!({ "userAgent": "orders", "count": 2 }));
    assert_eq!(rehearsed(&server.admin, &token.id, json!(1)).await, old);
    assert_eq!(rehearsed(&server.admin, &token.id, json!(2)).await["generation"], json!(2));
    assert_eq!(server.admin.end_overlap(&token.id).await, Err("STILL_IN_USE".into()), "as it was rehearsed");
    for (offset, needs_force) in [(7 * MINUTE - 1, true), (7 * MINUTE, false)] {
        server.clock.set(offset);
        let old = rehearsed(&server.admin, &token.id, json!(1)).await;
        assert_eq!((&old["needsForce"], old["silentAt"].is_null()), (&json!(needs_force), !needs_force), "{offset}");
    }
    assert_eq!(server.admin.end_overlap(&token.id).await, Ok(1), "as it was rehearsed");
    assert_eq!(rehearsed(&server.admin, &token.id, Value::Null).await["generation"], json!(2));
    server.admin.suspend(&token.id).await.unwrap();
    let suspended = rehearsed(&server.admin, &token.id, Value::Null).await;
    assert_eq!((&suspended["code"], &suspended["needsForce"]), (&json!("TOKEN_SUSPENDED"), &json!(false)));
}

#[tokio::test]
async fn r11_a_rehearsal_shows_users_to_those_alone_who_may_see_them() {
    let server = Server::start().await;
    let token = server.admin.create(json!({ "name": "n" })).await.unwrap();
    for (permission, allowed) in [("API_TOKEN_READ", true), ("API_TOKEN_MODIFY", false), ("AUDIT_LOG_READ", false)] {
        let caller = server.admin.create(json!({ "name": "caller", "permissions": [permission] })).await.unwrap();
        let answer = rehearse(&caller.client, &token.id, Value::Null).await;
        assert_eq!(answer.code(), (!allowed).then_some("FORBIDDEN"), "{permission}");
    }
    for (id, generation, code, field) in [
        ("nothing", Value::Null, "NOT_FOUND", "id"),
        (token.id.as_str(), json!(0), "BAD_USER_INPUT", "generation"),
        (token.id.as_str(), json!(2), "BAD_USER_INPUT", "generation"),
    ] {
        let answer = rehearse(&server.admin, id, generation).await;
        assert_eq!((answer.code(), answer.field()), (Some(code), Some(field)));
    }
}
