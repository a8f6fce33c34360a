//! The promises at every endpoint by which a token can be rotated: the same rules, whichever is taken, and mixed.

use reqwest::header::HeaderMap;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::support::client::{Answer, Client, Created, ROTATE};
use crate::support::clock::{MINUTE, SECOND};
use crate::support::server::Server;

const DOORS: [&str; 5] =
    ["/graphql", "/public/graphql", "/api-tokens/self/rotate", "/rotatetoken", "/api/index/v1/rotatetoken"];

/// What an endpoint told: the new value, or the status (of GraphQL, where a field fails, 200) and the code.
type Told = Result<String, (u16, String)>;

async fn rotate_with(client: &Client, door: &str, headers: HeaderMap) -> Told {
    let body = if door.ends_with("graphql") { json!({ "query": ROTATE }) } else { json!({}) };
    let answer = Answer::of(client.request("POST", door).headers(headers).json(&body).send().await.unwrap()).await;
    assert_eq!(answer.header("Cache-Control"), Some("no-store"), "R9, {door}");
    let places = ["/data/rotateAPIToken/token/value", "/value", "/rawSecret"];
    let value = places.into_iter().find_map(|place| answer.body.pointer(place).and_then(Value::as_str));
    let codes = ["/errors/0/extensions/code", "/code"];
    let code = codes.into_iter().find_map(|place| answer.body.pointer(place).and_then(Value::as_str));
    match (value, code) {
        (Some(value), None) => Ok(value.to_owned()),
        (None, Some(code)) => Err((answer.status, code.to_owned())),
        told => panic!("{door}: {told:?}"),
    }
}

async fn rotate(client: &Client, door: &str) -> Told {
    rotate_with(client, door, HeaderMap::new()).await
}

async fn token(server: &Server, more: Value) -> Created {
    let mut input = json!({ "name": "n", "rotationPeriodMinutes": 1_000 });
    input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    server.admin.create(input).await.unwrap()
}

fn refused(code: &str) -> Told {
    Err((401, code.to_owned()))
}

/// The refusal of a rotation whose credential is good: a failed field in GraphQL, a 409 elsewhere.
fn too_late(door: &str, code: &str) -> Told {
    Err((if door.ends_with("graphql") { 200 } else { 409 }, code.to_owned()))
}

#[tokio::test]
async fn r1_r4_at_every_endpoint_the_old_value_works_until_the_next_rotation_retires_it() {
    let server = Server::start().await;
    for door in DOORS {
        let first = token(&server, json!({})).await.client;
        let second = first.with(rotate(&first, door).await.unwrap());
        assert_eq!((first.check().await, second.check().await), (Ok(2), Ok(2)), "{door}");
        let third = second.with(rotate(&second, door).await.unwrap());
        assert_eq!(first.check().await, Err("VALUE_RETIRED".into()), "{door}");
        assert_eq!(rotate(&first, door).await, refused("VALUE_RETIRED"), "{door}");
        assert_eq!((second.check().await, third.check().await), (Ok(3), Ok(3)), "{door}");
        server.clock.advance(10 * MINUTE);
        assert_eq!(rotate(&second, door).await, refused("VALUE_RETIRED"), "{door}");
    }
}

#[tokio::test]
async fn r2_r3_r10_at_no_endpoint_can_a_dead_token_be_rotated_back_to_life() {
    let server = Server::start().await;
    let mut start = 0;
    for door in DOORS {
        for (more, code) in [
            (json!({ "expiresAt": "AT" }), "TOKEN_EXPIRED"),
            (json!({ "rotationPeriodMinutes": 1 }), "ROTATION_OVERDUE"),
        ] {
            for (offset, works) in [(-1, true), (0, false), (1, false)] {
                server.clock.set(start);
                let expires_at = json!(
                    rotakey::domain::timestamp::Timestamp::from_unix_millis(
                        crate::support::clock::START + start + MINUTE
                    )
                    .to_string()
                );
                let more =
                    if more.get("expiresAt").is_some() { json!({ "expiresAt": expires_at }) } else { more.clone() };
                let holder = token(&server, more).await.client;
                server.clock.set(start + MINUTE + offset);
                let told = rotate(&holder, door).await;
                assert_eq!(told.is_ok(), works, "{door} {code} {offset}: {told:?}");
                if !works {
                    assert_eq!(told, refused(code), "{door} {offset}");
                }
                start += 2 * MINUTE;
            }
        }
        let revoked = token(&server, json!({})).await;
        server.admin.revoke(&revoked.id).await.unwrap();
        assert_eq!(rotate(&revoked.client, door).await, refused("TOKEN_REVOKED"), "{door}");
    }
}

#[tokio::test]
async fn r5_at_every_endpoint_a_lost_answer_is_recovered_after_ten_seconds_and_not_after_the_first_use() {
    let server = Server::start().await;
    let mut start = 0;
    for door in DOORS {
        for (offset, recovers) in [(-1, false), (0, true), (1, true)] {
            server.clock.set(start);
            let old = token(&server, json!({})).await.client;
            let lost = old.with(rotate(&old, door).await.unwrap());
            server.clock.set(start + 10 * SECOND + offset);
            let told = rotate(&old, door).await;
            if recovers {
                assert_eq!(lost.check().await, Err("VALUE_RETIRED".into()), "{door}");
                assert_eq!(old.with(told.unwrap()).check().await, Ok(3), "{door}");
                server.clock.advance(10 * SECOND);
                assert_eq!(rotate(&old, door).await, too_late(door, "VALUE_SUPERSEDED"), "{door}");
            } else {
                assert_eq!(told, too_late(door, "ROTATION_CONFLICT"), "{door}");
            }
            start += MINUTE;
        }
    }
}

#[tokio::test]
async fn r6_a_request_repeated_at_any_endpoint_gets_the_same_answer() {
    let server = Server::start().await;
    let key = || HeaderMap::from_iter([("idempotency-key".parse().unwrap(), "k".parse().unwrap())]);
    for door in DOORS {
        let old = token(&server, json!({})).await.client;
        let value = rotate_with(&old, door, key()).await.unwrap();
        for other in DOORS {
            assert_eq!(rotate_with(&old, other, key()).await.as_ref(), Ok(&value), "{door} {other}");
        }
        assert_eq!(old.with(&value).check().await, Ok(2), "{door}");
        assert_eq!(rotate_with(&old, door, key()).await, too_late(door, "VALUE_SUPERSEDED"), "{door}");
    }
}

#[tokio::test]
async fn r7_of_racers_at_all_endpoints_one_wins() {
    let server = Server::start().await;
    for _ in 0..2 {
        let old = token(&server, json!({})).await.client;
        let mut racers = JoinSet::new();
        for number in 0..40 {
            let (client, door) = (old.clone(), DOORS[number % DOORS.len()]);
            racers.spawn(async move { rotate(&client, door).await.map_err(|(_, code)| code) });
        }
        let (won, lost): (Vec<_>, Vec<_>) = racers.join_all().await.into_iter().partition(Result::is_ok);
        assert_eq!(won.len(), 1);
        assert!(lost.iter().all(|told| *told == Err("ROTATION_CONFLICT".to_owned())), "{lost:?}");
        assert_eq!(old.with(won[0].as_ref().unwrap()).check().await, Ok(2));
    }
}

#[tokio::test]
async fn r8_reuse_is_recorded_at_every_endpoint() {
    let server = Server::start().await;
    for door in DOORS {
        let created = token(&server, json!({ "overlapMinutes": 0 })).await;
        created.client.rotate().await.unwrap();
        for _ in 0..2 {
            assert_eq!(rotate(&created.client, door).await, refused("VALUE_RETIRED"), "{door}");
        }
        let events = server.admin.events(json!({ "tokenId": created.id, "actions": ["API_TOKEN_VALUE_REUSED"] })).await;
        assert_eq!(events.len(), 1, "{door}");
    }
}

#[tokio::test]
async fn r11_r12_every_endpoint_refuses_public_tokens_and_foreign_addresses() {
    let server = Server::start().await;
    let from = |name: &'static str, value: &'static str| {
        HeaderMap::from_iter([(name.parse().unwrap(), value.parse().unwrap())])
    };
    for door in DOORS {
        let public = token(&server, json!({ "kind": "PUBLIC" })).await.client;
        let status = if door.ends_with("graphql") { 200 } else { 403 };
        assert_eq!(rotate(&public, door).await, Err((status, "FORBIDDEN".into())), "{door}");

        let restrictions = json!({ "allowedCIDRBlocks": ["10.0.0.0/8"] });
        let old = token(&server, restrictions).await.client;
        let new = old.with(rotate_with(&old, door, from("x-forwarded-for", "10.0.0.1")).await.unwrap());
        for client in [&old, &new] {
            let told = rotate_with(client, door, from("x-forwarded-for", "11.0.0.1")).await;
            assert_eq!(told, Err((403, "ADDRESS_REFUSED".into())), "{door}");
        }
        let web = token(&server, json!({ "allowedOrigins": ["https://app.example.com"] })).await.client;
        let told = rotate_with(&web, door, from("origin", "https://evil.example.com")).await;
        assert_eq!(told, Err((403, "ORIGIN_REFUSED".into())), "{door}");
        assert!(rotate_with(&web, door, from("origin", "https://app.example.com")).await.is_ok(), "{door}");
    }
}
