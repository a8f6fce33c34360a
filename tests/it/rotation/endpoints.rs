//! The promises at every endpoint by which a token can be rotated: the same rules, whichever is taken, and mixed.

use reqwest::header::HeaderMap;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::support::client::{Answer, Client, Created, ROTATE};
use crate::support::clock::{MINUTE, SECOND};
use crate::support::server::Server;

const ENDPOINTS: [&str; 5] =
    ["/graphql", "/public/graphql", "/api-tokens/self/rotate", "/rotatetoken", "/api/index/v1/rotatetoken"];

/// What an endpoint answered: the new value, or the status (of GraphQL, where a field fails, 200) and the code.
type Outcome = Result<String, (u16, String)>;

async fn rotate_with(client: &Client, endpoint: &str, headers: HeaderMap) -> Outcome {
    let body = if endpoint.ends_with("graphql") { json!({ "query": ROTATE }) } else { json!({}) };
    let answer = Answer::of(client.request("POST", endpoint).headers(headers).json(&body).send().await.unwrap()).await;
    assert_eq!(answer.header("Cache-Control"), Some("no-store"), "R9, {endpoint}");
    let places = ["/data/rotateAPIToken/token/value", "/value", "/rawSecret"];
    let value = places.into_iter().find_map(|place| answer.body.pointer(place).and_then(Value::as_str));
    let codes = ["/errors/0/extensions/code", "/code"];
    let code = codes.into_iter().find_map(|place| answer.body.pointer(place).and_then(Value::as_str));
    match (value, code) {
        (Some(value), None) => Ok(value.to_owned()),
        (None, Some(code)) => Err((answer.status, code.to_owned())),
        reported => panic!("{endpoint}: {reported:?}"),
    }
}

async fn rotate(client: &Client, endpoint: &str) -> Outcome {
    rotate_with(client, endpoint, HeaderMap::new()).await
}

async fn token(server: &Server, more: Value) -> Created {
    let mut input = json!({ "name": "n", "rotationPeriodMinutes": 1_000 });
    input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    server.admin.create(input).await.unwrap()
}

fn refused(code: &str) -> Outcome {
    Err((401, code.to_owned()))
}

/// The refusal of a rotation whose credential is good: a failed field in GraphQL, a 409 elsewhere.
fn too_late(endpoint: &str, code: &str) -> Outcome {
    Err((if endpoint.ends_with("graphql") { 200 } else { 409 }, code.to_owned()))
}

#[tokio::test]
async fn r1_r4_at_every_endpoint_the_old_value_works_until_the_next_rotation_retires_it() {
    let server = Server::start().await;
    for endpoint in ENDPOINTS {
        let first = token(&server, json!({})).await.client;
        let second = first.with(rotate(&first, endpoint).await.unwrap());
        assert_eq!((first.check().await, second.check().await), (Ok(2), Ok(2)), "{endpoint}");
        let third = second.with(rotate(&second, endpoint).await.unwrap());
        assert_eq!(first.check().await, Err("VALUE_RETIRED".into()), "{endpoint}");
        assert_eq!(rotate(&first, endpoint).await, refused("VALUE_RETIRED"), "{endpoint}");
        assert_eq!((second.check().await, third.check().await), (Ok(3), Ok(3)), "{endpoint}");
        server.clock.advance(10 * MINUTE);
        assert_eq!(rotate(&second, endpoint).await, refused("VALUE_RETIRED"), "{endpoint}");
    }
}

#[tokio::test]
async fn r2_r3_r10_at_no_endpoint_can_a_dead_token_be_rotated_back_to_life() {
    let server = Server::start().await;
    let mut start = 0;
    for endpoint in ENDPOINTS {
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
                let reported = rotate(&holder, endpoint).await;
                assert_eq!(reported.is_ok(), works, "{endpoint} {code} {offset}: {reported:?}");
                if !works {
                    assert_eq!(reported, refused(code), "{endpoint} {offset}");
                }
                start += 2 * MINUTE;
            }
        }
        let revoked = token(&server, json!({})).await;
        server.admin.revoke(&revoked.id).await.unwrap();
        assert_eq!(rotate(&revoked.client, endpoint).await, refused("TOKEN_REVOKED"), "{endpoint}");
    }
}

#[tokio::test]
async fn r5_at_every_endpoint_a_lost_answer_is_recovered_after_ten_seconds_and_not_after_the_first_use() {
    let server = Server::start().await;
    let mut start = 0;
    for endpoint in ENDPOINTS {
        for (offset, recovers) in [(-1, false), (0, true), (1, true)] {
            server.clock.set(start);
            let old = token(&server, json!({})).await.client;
            let lost = old.with(rotate(&old, endpoint).await.unwrap());
            server.clock.set(start + 10 * SECOND + offset);
            let reported = rotate(&old, endpoint).await;
            if recovers {
                assert_eq!(lost.check().await, Err("VALUE_RETIRED".into()), "{endpoint}");
                assert_eq!(old.with(reported.unwrap()).check().await, Ok(3), "{endpoint}");
                server.clock.advance(10 * SECOND);
                assert_eq!(rotate(&old, endpoint).await, too_late(endpoint, "VALUE_SUPERSEDED"), "{endpoint}");
            } else {
                assert_eq!(reported, too_late(endpoint, "ROTATION_CONFLICT"), "{endpoint}");
            }
            start += MINUTE;
        }
    }
}

#[tokio::test]
async fn r6_a_request_repeated_at_any_endpoint_gets_the_same_answer() {
    let server = Server::start().await;
    let key = || HeaderMap::from_iter([("idempotency-key".parse().unwrap(), "k".parse().unwrap())]);
    for endpoint in ENDPOINTS {
        let old = token(&server, json!({})).await.client;
        let value = rotate_with(&old, endpoint, key()).await.unwrap();
        for other in ENDPOINTS {
            assert_eq!(rotate_with(&old, other, key()).await.as_ref(), Ok(&value), "{endpoint} {other}");
        }
        assert_eq!(old.with(&value).check().await, Ok(2), "{endpoint}");
        assert_eq!(rotate_with(&old, endpoint, key()).await, too_late(endpoint, "VALUE_SUPERSEDED"), "{endpoint}");
    }
}

#[tokio::test]
async fn r7_of_racers_at_all_endpoints_one_wins() {
    let server = Server::start().await;
    for _ in 0..2 {
        let old = token(&server, json!({})).await.client;
        let mut racers = JoinSet::new();
        for number in 0..40 {
            let (client, endpoint) = (old.clone(), ENDPOINTS[number % ENDPOINTS.len()]);
            racers.spawn(async move { rotate(&client, endpoint).await.map_err(|(_, code)| code) });
        }
        let (won, lost): (Vec<_>, Vec<_>) = racers.join_all().await.into_iter().partition(Result::is_ok);
        assert_eq!(won.len(), 1);
        assert!(lost.iter().all(|reported| *reported == Err("ROTATION_CONFLICT".to_owned())), "{lost:?}");
        assert_eq!(old.with(won[0].as_ref().unwrap()).check().await, Ok(2));
    }
}

#[tokio::test]
async fn r8_reuse_is_recorded_at_every_endpoint() {
    let server = Server::start().await;
    for endpoint in ENDPOINTS {
        let created = token(&server, json!({ "overlapMinutes": 0 })).await;
        created.client.rotate().await.unwrap();
        for _ in 0..2 {
            assert_eq!(rotate(&created.client, endpoint).await, refused("VALUE_RETIRED"), "{endpoint}");
        }
        let events = server.admin.events(json!({ "tokenId": created.id, "actions": ["API_TOKEN_VALUE_REUSED"] })).await;
        assert_eq!(events.len(), 1, "{endpoint}");
    }
}

#[tokio::test]
async fn r11_r12_every_endpoint_refuses_public_tokens_and_foreign_addresses() {
    let server = Server::start().await;
    let from = |name: &'static str, value: &'static str| {
        HeaderMap::from_iter([(name.parse().unwrap(), value.parse().unwrap())])
    };
    for endpoint in ENDPOINTS {
        let public = token(&server, json!({ "kind": "PUBLIC" })).await.client;
        let status = if endpoint.ends_with("graphql") { 200 } else { 403 };
        assert_eq!(rotate(&public, endpoint).await, Err((status, "FORBIDDEN".into())), "{endpoint}");

        let restrictions = json!({ "allowedCIDRBlocks": ["10.0.0.0/8"] });
        let old = token(&server, restrictions).await.client;
        let new = old.with(rotate_with(&old, endpoint, from("x-forwarded-for", "10.0.0.1")).await.unwrap());
        for client in [&old, &new] {
            let reported = rotate_with(client, endpoint, from("x-forwarded-for", "11.0.0.1")).await;
            assert_eq!(reported, Err((403, "ADDRESS_REFUSED".into())), "{endpoint}");
        }
        let web = token(&server, json!({ "allowedOrigins": ["https://app.example.com"] })).await.client;
        let reported = rotate_with(&web, endpoint, from("origin", "https://evil.example.com")).await;
        assert_eq!(reported, Err((403, "ORIGIN_REFUSED".into())), "{endpoint}");
        assert!(rotate_with(&web, endpoint, from("origin", "https://app.example.com")).await.is_ok(), "{endpoint}");
    }
}
