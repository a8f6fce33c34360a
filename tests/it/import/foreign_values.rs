//! Foreign values: they are verified, and rotated into values of Rotakey.

use serde_json::{Value, json};
use sha2::{Digest, Sha512};

use rotakey::service::Policy;

use super::{VALUE, formats, hex, plain, sha256};
use crate::support::clock::{MINUTE, SECOND};
use crate::support::server::Server;

/// A server that caches.
async fn start() -> Server {
    let server = Server::start_importing(formats(), Policy::default()).await;
    server.admin.catch_up().await;
    server
}

async fn import(server: &Server, tokens: Value) -> Vec<String> {
    let answer = server.admin.rest("POST", "/api-tokens/import", json!({ "tokens": tokens })).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let imports = answer.body["imports"].as_array().unwrap();
    imports.iter().map(|import| import["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_value_of_each_format_is_verified_at_every_endpoint() {
    let server = start().await;
    let long = "0123456789abcdef".repeat(4);
    let long_bytes: Vec<u8> = (0..32).map(|at| u8::from_str_radix(&long[2 * at..2 * at + 2], 16).unwrap()).collect();
    let numbered = "abcdefghijklmnopqrstuvwx";
    import(
        &server,
        json!([
            plain(VALUE, "plain"),
            { "sha256": sha256(numbered), "format": "numbered", "name": "numbered" },
            { "sha512": hex(&Sha512::digest(long_bytes)), "format": "long", "name": "long" },
            // By `openssl dgst -sha256 -hmac pepper`.
            { "hmacSHA256": "fd3b81d2261d3c68537f5b11c8dc759bceb31187bb22e7e0a84bd59a5a40e358", "format": "peppered", "name": "peppered" },
        ]),
    )
    .await;
    for (value, name) in [
        (VALUE.to_owned(), "plain"),
        (format!("12|{numbered}"), "numbered"),
        (long, "long"),
        ("pp_abcdefghijklmnopqrstuvwx".to_owned(), "peppered"),
    ] {
        let query = "query($input: VerifyAPITokenInput!) { verifyAPIToken(input: $input) { code token { name values { format hint } } } }";
        // Twice: once from the database, and once from the cache.
        for _ in 0..2 {
            let answer = server.admin.graphql(query, json!({ "input": { "value": value } })).await;
            let expected =
                json!({ "code": "VALID", "token": { "name": name, "values": [{ "format": name, "hint": "" }] } });
            assert_eq!(answer.body["data"]["verifyAPIToken"], expected);
            for (header, text) in [
                ("X-API-Key", value.clone()),
                ("Authorization", format!("Bearer {value}")),
                ("Authorization", format!("Token {value}")),
            ] {
                let response = server.anonymous().request("GET", "/verify").header(header, &text).send().await.unwrap();
                assert_eq!(response.status(), 200, "{header} {name}");
            }
            let form = url::form_urlencoded::Serializer::new(String::new()).append_pair("token", &value).finish();
            let request = server.admin.request("POST", "/introspect").body(form);
            let response = request.header("Content-Type", "application/x-www-form-urlencoded").send().await.unwrap();
            let body: Value = response.json().await.unwrap();
            assert_eq!(body["active"], true, "{name}");
        }
        assert_eq!(server.anonymous().with(&value).check().await, Ok(1));
    }
}

#[tokio::test]
async fn a_foreign_value_is_rotated_into_one_of_ours_and_works_until_its_overlap_ends() {
    let server = start().await;
    import(&server, json!([plain(VALUE, "a")])).await;
    let holder = server.anonymous().with(VALUE);
    let new = holder.rotate().await.unwrap();
    assert!(new.starts_with("rk_"), "a value of ours");
    let new = holder.with(new);
    assert_eq!((holder.check().await, new.check().await), (Ok(2), Ok(2)));
    let answer = new.ask("{ currentAPIToken { values { generation format } } }").await;
    let values = json!([{ "generation": 2, "format": null }, { "generation": 1, "format": "plain" }]);
    assert_eq!(answer.body["data"]["currentAPIToken"]["values"], values);
    server.clock.set(10 * MINUTE);
    assert_eq!((holder.check().await, new.check().await), (Err("VALUE_RETIRED".to_owned()), Ok(2)));
    assert!(new.rotate().await.is_ok(), "twice");
}

#[tokio::test]
async fn a_lost_answer_to_the_first_rotation_is_repeated_by_its_key_and_another_is_issued_without() {
    let server = start().await;
    import(&server, json!([plain(VALUE, "a")])).await;
    let holder = server.anonymous().with(VALUE);
    let first = holder.rotate_with(json!({ "idempotencyKey": "k" })).await.unwrap();
    assert_eq!(holder.rotate_with(json!({ "idempotencyKey": "k" })).await.unwrap(), first);
    server.clock.set(11 * SECOND);
    let second = holder.rotate().await.unwrap();
    assert_ne!(first, second);
    assert!(holder.with(second).check().await.is_ok());
    assert_eq!(holder.rotate().await, Err("VALUE_SUPERSEDED".to_owned()));
}

#[tokio::test]
async fn the_clients_of_glean_rotate_a_foreign_value() {
    let server = start().await;
    import(&server, json!([{ "sha256": sha256(VALUE), "format": "plain", "name": "a", "rotationPeriodMinutes": 60 }]))
        .await;
    let request = server.anonymous().request("POST", "/api/index/v1/rotatetoken");
    let response = request.bearer_auth(VALUE).send().await.unwrap();
    assert_eq!(response.status(), 200);
    let body: Value = response.json().await.unwrap();
    assert!(server.anonymous().with(body["rawSecret"].as_str().unwrap()).check().await.is_ok());
}

#[tokio::test]
async fn the_rotation_period_runs_from_the_creation_elsewhere() {
    let server = start().await;
    let token = json!({ "sha256": sha256(VALUE), "format": "plain", "name": "a", "rotationPeriodMinutes": 60,
        "createdAt": "2025-12-31T23:30:00Z", "hint": "uvwx" });
    import(&server, json!([token])).await;
    let holder = server.anonymous().with(VALUE);
    let answer = holder.ask("{ currentAPIToken { createdAt rotateBy values { createdAt hint } } }").await;
    let expected = json!({ "createdAt": "2026-01-01T00:00:00.000Z", "rotateBy": "2026-01-01T00:30:00.000Z",
        "values": [{ "createdAt": "2025-12-31T23:30:00.000Z", "hint": "uvwx" }] });
    assert_eq!(answer.body["data"]["currentAPIToken"], expected);
    server.clock.set(30 * MINUTE);
    assert_eq!(holder.check().await, Err("ROTATION_OVERDUE".to_owned()));
    assert!(holder.rotate().await.is_err());
}

#[tokio::test]
async fn a_server_without_formats_refuses_a_foreign_value_and_accepts_the_one_it_was_rotated_into() {
    let server = start().await;
    import(&server, json!([plain(VALUE, "a")])).await;
    let holder = server.anonymous().with(VALUE);
    let new = holder.with(holder.rotate().await.unwrap());
    let other = server.replica_behind(0).await;
    assert_eq!(holder.at(&other.url).check().await, Err("UNAUTHENTICATED".to_owned()));
    assert_eq!(new.at(&other.url).check().await, Ok(2));
}

#[tokio::test]
async fn a_value_that_was_tried_before_its_import_works_at_once_here_and_within_ten_seconds_elsewhere() {
    let server = start().await;
    let replica = server.replica().await;
    let holder = server.anonymous().with(VALUE);
    for url in [&server.url, &replica.url] {
        assert_eq!(holder.at(url).check().await, Err("UNAUTHENTICATED".to_owned()));
    }
    import(&server, json!([plain(VALUE, "a")])).await;
    assert_eq!(holder.check().await, Ok(1));
    server.clock.set(10 * SECOND);
    assert_eq!(holder.at(&replica.url).check().await, Ok(1));
}

#[tokio::test]
async fn guesses_are_looked_for_at_a_limited_rate_and_known_values_work_meanwhile() {
    let server = start().await;
    import(&server, json!([plain(VALUE, "a")])).await;
    let holder = server.anonymous().with(VALUE);
    assert_eq!(holder.check().await, Ok(1));
    let guess = |number: usize| {
        let digit = |power: u32| char::from(b'a' + u8::try_from(number / 26_usize.pow(power) % 26).unwrap());
        format!("sk_live_{}{}{}{}", "x".repeat(21), digit(2), digit(1), digit(0))
    };
    for block in 0..10 {
        let inputs: Vec<Value> = (0..100).map(|number| json!({ "value": guess(100 * block + number) })).collect();
        let answer = server.admin.rest("POST", "/api-tokens/verify", json!({ "inputs": inputs })).await;
        assert_eq!(answer.body["verifications"][99]["code"], "UNAUTHENTICATED", "{block}");
    }
    let guesser = server.anonymous().with(guess(1_000));
    assert_eq!(guesser.check().await, Err("UNAVAILABLE".to_owned()));
    assert_eq!(
        server.anonymous().with(guess(0)).check().await,
        Err("UNAUTHENTICATED".to_owned()),
        "it is known to be unknown"
    );
    assert_eq!(holder.check().await, Ok(1));
    server.clock.set(SECOND);
    assert_eq!(guesser.check().await, Err("UNAUTHENTICATED".to_owned()));
}
