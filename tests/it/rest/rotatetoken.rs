//! `POST /rotatetoken` and `POST /api/index/v1/rotatetoken`: rotation as clients of Glean's Indexing API know it.

use serde_json::{Value, json};

use crate::support::client::{Answer, Client, Created};
use crate::support::clock::{MINUTE, SECOND, START};
use crate::support::server::Server;

const ADDRESSES: [&str; 2] = ["/rotatetoken", "/api/index/v1/rotatetoken"];

async fn daily(server: &Server) -> Created {
    server.admin.create(json!({ "name": "daily", "rotationPeriodMinutes": 1440 })).await.unwrap()
}

async fn send(client: &Client, address: &str, headers: &[(&str, &str)]) -> Answer {
    let request = client.request("POST", address);
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    Answer::of(request.send().await.unwrap()).await
}

fn secret(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.body["rawSecret"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_bearer_gets_a_new_secret_its_time_and_its_period_and_nothing_else() {
    let server = Server::start().await;
    for address in ADDRESSES {
        let token = daily(&server).await;
        server.clock.advance(MINUTE + 999);
        let bearer = format!("Bearer {}", token.client.value.as_ref().unwrap());
        let answer = send(&server.anonymous(), address, &[("Authorization", &bearer)]).await;
        let new = secret(&answer);
        let created_at = rotakey::clock::Clock::now_unix_millis(&*server.clock) / 1_000;
        assert_eq!(answer.body, json!({ "rawSecret": new, "createdAt": created_at, "rotationPeriodMinutes": 1440 }));
        assert_eq!(answer.header("Cache-Control"), Some("no-store"));
        assert_eq!(token.client.with(new).check().await, Ok(2));
        assert_eq!(token.client.check().await, Ok(2), "the old value has its overlap");
    }
}

#[tokio::test]
async fn the_same_token_rotates_at_either_address_and_with_either_header() {
    let server = Server::start().await;
    let mut holder = daily(&server).await.client;
    for address in ADDRESSES.into_iter().chain(ADDRESSES) {
        holder = holder.with(secret(&send(&holder, address, &[]).await));
    }
    assert_eq!(holder.check().await, Ok(5));
}

#[tokio::test]
async fn no_body_an_empty_one_and_an_empty_object_are_the_same() {
    let server = Server::start().await;
    for address in ADDRESSES {
        let mut holder = daily(&server).await.client;
        for (media_type, body) in [("application/x-www-form-urlencoded", ""), ("application/json", "{}"), ("", "")] {
            let request = holder.request("POST", address).header("Content-Type", media_type).body(body);
            holder = holder.with(secret(&Answer::of(request.send().await.unwrap()).await));
        }
        let field = holder.rest("POST", address, json!({ "id": "tok_1" })).await;
        assert_eq!(field.refusal(), (400, "BAD_USER_INPUT", Some("id")));
        let text = holder.request("POST", address).body("hello").send().await.unwrap();
        assert_eq!(Answer::of(text).await.refusal(), (415, "BAD_USER_INPUT", None));
        assert_eq!(holder.check().await, Ok(4), "nothing was rotated by the last two");
    }
}

#[tokio::test]
async fn a_token_without_a_rotation_period_is_refused_with_the_reason() {
    let server = Server::start().await;
    for address in ADDRESSES {
        let answer = send(&server.admin, address, &[]).await;
        assert_eq!(answer.refusal(), (400, "BAD_USER_INPUT", None));
        assert!(
            answer.body["message"].as_str().unwrap().contains("only API tokens with a rotation period"),
            "{}",
            answer.body
        );
    }
    assert_eq!(server.admin.check().await, Ok(1));
}

#[tokio::test]
async fn r2_r3_an_expired_and_an_overdue_token_are_a_401_from_their_moment_on() {
    let server = Server::start().await;
    for address in ADDRESSES {
        for (input, code) in [
            (json!({ "expiresAt": "2026-01-01T01:00:00Z", "rotationPeriodMinutes": 100 }), "TOKEN_EXPIRED"),
            (json!({ "rotationPeriodMinutes": 60 }), "ROTATION_OVERDUE"),
        ] {
            server.clock.set(0);
            let mut input: Value = input;
            input["name"] = json!("short");
            let token = server.admin.create(input.clone()).await.unwrap();
            for offset in [0, 1] {
                server.clock.set(60 * MINUTE + offset);
                let answer = send(&token.client, address, &[]).await;
                assert_eq!(answer.refusal(), (401, code, None), "{offset}");
                assert_eq!(answer.header("WWW-Authenticate"), Some(r#"Bearer realm="rotakey", error="invalid_token""#));
            }
            server.clock.set(0);
            let token = server.admin.create(input).await.unwrap();
            server.clock.set(60 * MINUTE - 1);
            let answer = send(&token.client, address, &[]).await;
            assert_eq!(answer.body["createdAt"], json!(START / 1_000 + 3_599));
            secret(&answer);
        }
    }
}

#[tokio::test]
async fn without_a_credential_one_is_asked_for_and_a_bad_one_is_refused() {
    let server = Server::start().await;
    for address in ADDRESSES {
        let answer = send(&server.anonymous(), address, &[]).await;
        assert_eq!(answer.refusal(), (401, "UNAUTHENTICATED", None));
        assert_eq!(answer.header("WWW-Authenticate"), Some(r#"Bearer realm="rotakey""#));
        let answer = send(&server.anonymous().with("hello"), address, &[]).await;
        assert_eq!(answer.refusal(), (401, "UNAUTHENTICATED", None));
        assert_eq!(answer.header("WWW-Authenticate"), Some(r#"Bearer realm="rotakey", error="invalid_token""#));
        let token = daily(&server).await;
        let bearer = format!("Bearer {}", server.admin.value.as_ref().unwrap());
        let answer = send(&token.client, address, &[("Authorization", &bearer)]).await;
        assert_eq!(answer.refusal(), (400, "BAD_USER_INPUT", None), "two different values");
    }
}

#[tokio::test]
async fn r5_a_second_rotation_within_ten_seconds_is_a_conflict_that_says_when() {
    let server = Server::start().await;
    for address in ADDRESSES {
        let token = daily(&server).await;
        let new = token.client.with(secret(&send(&token.client, address, &[]).await));
        server.clock.advance(3 * SECOND);
        let answer = send(&token.client, address, &[]).await;
        assert_eq!(answer.refusal(), (409, "ROTATION_CONFLICT", None));
        assert_eq!(answer.header("Retry-After"), Some("7"));
        assert_eq!(answer.body["retryAfterSeconds"], json!(7));
        assert!(answer.header("Sunset").is_some(), "an error has the end of the previous value, too");

        server.clock.advance(7 * SECOND);
        assert_eq!(new.check().await, Ok(2));
        assert_eq!(send(&token.client, address, &[]).await.refusal(), (409, "VALUE_SUPERSEDED", None));
    }
}

#[tokio::test]
async fn r6_the_same_key_gets_the_same_secret_again_at_either_address() {
    let server = Server::start().await;
    let token = daily(&server).await;
    let key = [("Idempotency-Key", "\"deploy 7\"")];
    let first = send(&token.client, ADDRESSES[0], &key).await;
    server.clock.advance(5 * SECOND);
    for address in ADDRESSES {
        let again = send(&token.client, address, &key).await;
        assert_eq!(again.body, first.body);
    }
    let other = send(&token.client, ADDRESSES[0], &[("Idempotency-Key", "deploy 8")]).await;
    assert_eq!(other.refusal(), (409, "ROTATION_CONFLICT", None));
    let empty = send(&token.client, ADDRESSES[0], &[("Idempotency-Key", "")]).await;
    assert_eq!((empty.refusal().0, empty.refusal().1), (400, "BAD_USER_INPUT"));
    // The address is no part of what a key stands for, but the overlap is.
    let body = json!({ "overlapMinutes": 1, "idempotencyKey": "deploy 7" });
    let changed = token.client.rest("POST", "/api-tokens/self/rotate", body).await;
    assert_eq!(changed.refusal(), (422, "IDEMPOTENCY_KEY_REUSED", None));

    let new = token.client.with(secret(&first));
    assert_eq!(new.check().await, Ok(2));
    assert_eq!(send(&token.client, ADDRESSES[1], &key).await.refusal(), (409, "VALUE_SUPERSEDED", None));
}

#[tokio::test]
async fn a_public_token_cannot_rotate_itself_here_either() {
    let server = Server::start().await;
    let input = json!({ "name": "web", "kind": "PUBLIC", "rotationPeriodMinutes": 60 });
    let token = server.admin.create(input).await.unwrap();
    for address in ADDRESSES {
        assert_eq!(send(&token.client, address, &[]).await.refusal(), (403, "FORBIDDEN", None));
    }
    assert_eq!(token.client.check().await, Ok(1));
}

#[tokio::test]
async fn r12_restrictions_bind_both_addresses_and_both_values() {
    let server = Server::start().await;
    for address in ADDRESSES {
        let input = json!({
            "name": "bound", "rotationPeriodMinutes": 60,
            "allowedCIDRBlocks": ["10.0.0.0/8"], "allowedOrigins": ["https://app.example.com"],
        });
        let token = server.admin.create(input).await.unwrap();
        let (inside, outside) = (("X-Forwarded-For", "10.0.0.1"), ("X-Forwarded-For", "11.0.0.1"));
        let (ours, theirs) = (("Origin", "https://app.example.com"), ("Origin", "https://app.example.org"));
        let rotated = send(&token.client, address, &[inside, ours]).await;
        for holder in [token.client.clone(), token.client.with(secret(&rotated))] {
            let answer = send(&holder, address, &[outside, ours]).await;
            assert_eq!(answer.refusal(), (403, "ADDRESS_REFUSED", None));
            let answer = send(&holder, address, &[inside, theirs]).await;
            assert_eq!(answer.refusal(), (403, "ORIGIN_REFUSED", None));
        }
    }
}

#[tokio::test]
async fn errors_of_these_addresses_have_one_shape_whatever_the_method_or_the_path() {
    let server = Server::start().await;
    for address in ADDRESSES {
        let answer = server.admin.rest("PUT", address, Value::Null).await;
        assert_eq!(answer.refusal(), (405, "BAD_USER_INPUT", None));
        assert_eq!(answer.header("Allow"), Some("POST"));
        let answer = server.admin.rest("POST", &format!("{address}/x"), Value::Null).await;
        assert_eq!(answer.refusal(), (404, "NOT_FOUND", None));
    }
}
