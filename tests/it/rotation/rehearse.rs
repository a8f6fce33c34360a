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

/// What a rotation without overlap would do: whether it needs force, when it no longer does, and because of which values.
async fn rotation(client: &Client, id: &str) -> Value {
    let query = "query($id: ID!) { rehearseAPITokenRetirement(id: $id) { needsForce rotation { needsForce silentAt generationsInUse } } }";
    let answer = client.graphql(query, json!({ "id": id })).await;
    answer.body["data"]["rehearseAPITokenRetirement"].clone()
}

#[tokio::test]
async fn r15_a_rehearsal_says_whether_a_rotation_without_overlap_would_be_refused_which_retires_both_values() {
    let server = Server::start().await;
    let token = server.admin.create(json!({ "name": "n", "overlapMinutes": 60 })).await.unwrap();
    let new = token.client.with(token.client.rotate().await.unwrap());
    assert_eq!(rotation(&server.admin, &token.id).await["rotation"], Value::Null, "it would be a conflict");
    server.clock.set(MINUTE);
    assert_eq!(new.check().await, Ok(2));
    let use_of = |generations: Value, silent_at: &str| {
        json!({ "needsForce": true, "generationsInUse": generations,
        "silentAt": format!("2026-01-01T00:{silent_at}:00.000Z") })
    };
    let at_once = json!({ "id": token.id, "overlapMinutes": 0 });
    for (minute, used, previous_needs_force, expected) in [
        (2, None, true, use_of(json!([1, 2]), "06")),
        // The previous value may be retired, and a rotation would retire the current one as well.
        (5, None, false, use_of(json!([2]), "06")),
        (5, Some(&token.client), true, use_of(json!([1, 2]), "10")),
        (6, None, true, use_of(json!([1]), "10")),
        (10, None, false, json!({ "needsForce": false, "generationsInUse": [], "silentAt": null })),
    ] {
        server.clock.set(minute * MINUTE);
        if let Some(client) = used {
            client.check().await.unwrap();
        }
        for caller in [&server.admin, &new] {
            let rehearsed = rotation(caller, &token.id).await;
            assert_eq!(rehearsed["rotation"], expected, "{minute}");
            assert_eq!(rehearsed["needsForce"], json!(previous_needs_force), "{minute}");
        }
        let over_rest =
            server.admin.rest("GET", &format!("/api-tokens/{}/rehearse-retirement", token.id), Value::Null).await;
        assert_eq!(over_rest.body["rotation"], expected);
        if expected["needsForce"] == json!(true) {
            assert_eq!(
                server.admin.rotate_with(at_once.clone()).await,
                Err("STILL_IN_USE".into()),
                "as it was rehearsed"
            );
        }
    }
    // Neither its rehearsals nor what was refused count as a use by the holder.
    new.rotate_with(json!({ "overlapMinutes": 0 })).await.unwrap();
}

#[tokio::test]
async fn r15_a_rehearsal_over_rest_says_the_same_as_in_graphql() {
    let server = Server::start().await;
    let token = server.admin.create(json!({ "name": "n", "overlapMinutes": 60 })).await.unwrap();
    let new = token.client.with(token.client.rotate().await.unwrap());
    assert_eq!(new.check().await, Ok(2));
    server.clock.set(MINUTE);
    let query = "query($id: ID!, $generation: Int) { rehearseAPITokenRetirement(id: $id, generation: $generation) { generation code
        needsForce silentAt lastUsedAt users { address userAgent firstSeenAt lastSeenAt count } otherUserCount
        rotation { needsForce silentAt generationsInUse } } }";
    let path = format!("/api-tokens/{}/rehearse-retirement", token.id);
    for generation in [Value::Null, json!(1), json!(2)] {
        let in_graphql = server.admin.graphql(query, json!({ "id": token.id, "generation": generation })).await;
        let path = if generation.is_null() { path.clone() } else { format!("{path}?generation={generation}") };
        let over_rest = server.admin.rest("GET", &path, Value::Null).await;
        assert_eq!((over_rest.status, &over_rest.body), (200, &in_graphql.body["data"]["rehearseAPITokenRetirement"]));
    }
    for (generation, status) in [("3", 400), ("0", 400), ("x", 400)] {
        let answer = server.admin.rest("GET", &format!("{path}?generation={generation}"), Value::Null).await;
        assert_eq!(answer.refusal(), (status, "BAD_USER_INPUT", Some("generation")), "{generation}");
    }
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
