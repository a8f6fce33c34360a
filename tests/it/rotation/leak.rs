//! A value that is reported to have leaked: what becomes of its token, and that the answer tells nothing.

use futures_util::FutureExt;
use futures_util::future::join_all;
use rotakey::domain::token::TokenKind;
use rotakey::domain::value_use::AddressPrecision;
use rotakey::service::Policy;
use serde_json::{Value, json};

use crate::support::client::{Answer, Client, Created};
use crate::support::clock::{MINUTE, SECOND};
use crate::support::server::Server;

/// The value of no token, with the right checksum.
const UNKNOWN: &str = "rk_00000000000000000000000000000000000000000002gL6Az";

async fn create(server: &Server, on_leak: &str) -> Created {
    server.admin.create(json!({ "name": "n", "onLeak": on_leak })).await.unwrap()
}

async fn report(client: &Client, body: Value) -> Answer {
    client.rest("POST", "/leaks/report", body).await
}

/// Reports the value in the hand of this client, as a stranger.
async fn leak(client: &Client) {
    let answer = report(&client.without_value(), json!({ "value": client.value })).await;
    assert_eq!((answer.status, answer.body), (202, json!("")));
}

/// What was recorded: the actions about this token that follow from leaks, and the generations. Sorted, because events of one moment have
/// no order.
async fn recorded(server: &Server, id: &str) -> Vec<(String, i64)> {
    let actions =
        ["API_TOKEN_LEAK_REPORTED", "API_TOKEN_VALUES_RETIRED", "API_TOKEN_OVERLAP_ENDED", "API_TOKEN_REVOKED"];
    let events = server.admin.events(json!({ "tokenId": id, "actions": actions })).await;
    let short = |action: &str| action.trim_start_matches("API_TOKEN_").to_owned();
    sorted(events.iter().map(|(action, _, generation)| (short(action), generation.as_i64().unwrap())).collect())
}

fn expected(events: &[(&str, i64)]) -> Vec<(String, i64)> {
    sorted(events.iter().map(|(action, generation)| ((*action).to_owned(), *generation)).collect())
}

fn sorted(mut events: Vec<(String, i64)>) -> Vec<(String, i64)> {
    events.sort();
    events
}

#[tokio::test]
async fn a_report_of_any_text_has_the_same_answer() {
    let server = Server::start().await;
    let anonymous = server.anonymous();
    let (live, revoked) = (create(&server, "ALERT").await, create(&server, "REVOKE").await);
    server.admin.revoke(&revoked.id).await.unwrap();
    let retired = create(&server, "RETIRE").await.client;
    retired.with(retired.rotate_with(json!({ "overlapMinutes": 0 })).await.unwrap());
    let known = [&live.client, &revoked.client, &retired].map(|client| client.value.clone().unwrap());
    let texts = known.iter().map(String::as_str).chain([UNKNOWN, "rk_1", "ghp_something", " two words "]);
    let mut answers = Vec::new();
    for text in texts {
        for _ in 0..2 {
            let Answer { status, mut headers, body } = report(&anonymous, json!({ "value": text })).await;
            let _ = ["date", "x-request-id"].map(|name| headers.remove(name));
            answers.push((status, headers, body));
        }
    }
    assert_eq!(answers[0].0, 202);
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    let twin = "mutation($input: ReportLeakedValueInput!) { reportLeakedValue(input: $input) { received } }";
    for text in [live.client.value.as_deref().unwrap(), UNKNOWN, "x"] {
        let answer = live.client.graphql(twin, json!({ "input": { "value": text } })).await;
        assert_eq!(answer.body, json!({ "data": { "reportLeakedValue": { "received": true } } }));
    }
}

#[tokio::test]
async fn a_report_is_recorded_once_a_minute_a_value_and_alert_leaves_the_token_alone() {
    let server = Server::start().await;
    let replica = server.replica().await;
    let token = create(&server, "ALERT").await;
    for (offset, times) in [(0, 1), (60 * SECOND - 1, 1), (60 * SECOND, 2), (60 * SECOND + 1, 2)] {
        server.clock.set(offset);
        leak(&token.client).await;
        leak(&token.client.at(&replica.url)).await;
        assert_eq!(recorded(&server, &token.id).await.len(), times, "{offset}");
    }
    assert_eq!(token.client.check().await, Ok(1));
    // Another value of the token is another leak.
    let new = token.client.with(token.client.rotate().await.unwrap());
    leak(&new).await;
    assert_eq!(recorded(&server, &token.id).await.last(), Some(&("LEAK_REPORTED".to_owned(), 2)));
    assert_eq!(new.check().await, Ok(2));
}

#[tokio::test]
async fn r10_a_leak_revokes_the_token_if_its_settings_say_so_but_not_by_a_value_that_was_retired() {
    let server = Server::start().await;
    let token = create(&server, "REVOKE").await;
    let first = token.client.clone();
    let second = first.with(first.rotate_with(json!({ "overlapMinutes": 0 })).await.unwrap());
    leak(&first).await;
    assert_eq!(second.check().await, Ok(2), "an old value is found in old places");
    leak(&second).await;
    assert_eq!(second.check().await, Err("TOKEN_REVOKED".into()));
    // Nothing more is done about it.
    server.clock.advance(MINUTE);
    leak(&second).await;
    let all = [("LEAK_REPORTED", 1), ("LEAK_REPORTED", 2), ("REVOKED", 2), ("LEAK_REPORTED", 2)];
    assert_eq!(recorded(&server, &token.id).await, expected(&all));
}

#[tokio::test]
async fn a_leak_of_the_previous_value_retires_it_and_the_current_one_works_on() {
    let server = Server::start().await;
    let token = create(&server, "RETIRE").await;
    let new = token.client.with(token.client.rotate().await.unwrap());
    assert_eq!((token.client.check().await, new.check().await), (Ok(2), Ok(2)));
    leak(&token.client).await;
    assert_eq!(token.client.check().await, Err("VALUE_RETIRED".into()));
    assert_eq!(new.check().await, Ok(2));
    assert_eq!(recorded(&server, &token.id).await, expected(&[("LEAK_REPORTED", 1), ("VALUES_RETIRED", 2)]));
}

#[tokio::test]
async fn r1_after_a_leak_of_the_current_value_no_value_works_until_the_token_is_rotated_by_its_id() {
    let server = Server::start().await;
    let token = create(&server, "RETIRE").await;
    let new = token.client.with(token.client.rotate().await.unwrap());
    assert_eq!(new.check().await, Ok(2));
    // Cached at another replica, too.
    let replica = server.replica().await;
    assert_eq!(new.at(&replica.url).check().await, Ok(2));
    leak(&new).await;
    for retired in [&token.client, &new] {
        assert_eq!(retired.check().await, Err("VALUE_RETIRED".into()));
        assert_eq!(retired.rotate().await, Err("VALUE_RETIRED".into()));
    }
    assert_eq!(recorded(&server, &token.id).await, expected(&[("LEAK_REPORTED", 2), ("VALUES_RETIRED", 3)]));
    leak(&new).await;
    assert_eq!(recorded(&server, &token.id).await.len(), 2, "twice is once");
    // At once: nobody was told the value that this replaces.
    let fresh = server.admin.rotate_id(&token.id).await.unwrap();
    assert_eq!(fresh.check().await, Ok(4));
}

#[tokio::test]
async fn a_stricter_setting_takes_effect_at_the_next_report() {
    let server = Server::start().await;
    let token = create(&server, "ALERT").await;
    leak(&token.client).await;
    let update = "mutation($input: UpdateAPITokenInput!) { updateAPIToken(input: $input) { token { onLeak } } }";
    let input = json!({ "input": { "id": token.id, "onLeak": "REVOKE" } });
    let updated = server.admin.graphql(update, input).await;
    assert_eq!(updated.body["data"]["updateAPIToken"]["token"]["onLeak"], "REVOKE");
    leak(&token.client).await;
    assert_eq!(token.client.check().await, Err("TOKEN_REVOKED".into()));
    let all = [("LEAK_REPORTED", 1), ("LEAK_REPORTED", 1), ("REVOKED", 1)];
    assert_eq!(recorded(&server, &token.id).await, expected(&all), "what is done is announced, too");
}

#[tokio::test]
async fn r11_nobody_loosens_it_for_themselves_and_a_protected_token_only_alerts() {
    let server = Server::start().await;
    let input = json!({ "name": "n", "onLeak": "RETIRE", "permissions": ["API_TOKEN_MODIFY"] });
    let token = server.admin.create(input).await.unwrap();
    for (on_leak, allowed) in [("ALERT", false), ("RETIRE", true), ("REVOKE", true), ("RETIRE", false)] {
        let updated = token.client.update(json!({ "id": token.id, "onLeak": on_leak })).await;
        assert_eq!(updated.err(), (!allowed).then(|| "FORBIDDEN".to_owned()), "{on_leak}");
    }
    for on_leak in ["RETIRE", "REVOKE"] {
        let protected = json!({ "name": "n", "protected": true, "onLeak": on_leak });
        let answer = server.admin.rest("POST", "/api-tokens", protected).await;
        assert_eq!(answer.status, 400, "{}", answer.body);
        assert!(answer.body.to_string().contains("onLeak"), "{}", answer.body);
    }
}

#[tokio::test]
async fn the_audit_log_says_where_it_was_found_and_who_said_so() {
    for (precision, address) in [
        (AddressPrecision::Full, json!("203.0.113.9")),
        (AddressPrecision::Block, json!("203.0.113.0")),
        (AddressPrecision::None, Value::Null),
    ] {
        let server = Server::start_with(Policy { recorded_addresses: precision, ..Policy::default() }).await;
        let token = create(&server, "ALERT").await;
        let input = json!({ "value": token.client.value, "url": "https://example.com/public/repository" });
        let request = server.anonymous().request("POST", "/leaks/report").header("X-Forwarded-For", "203.0.113.9");
        assert_eq!(request.json(&input).send().await.unwrap().status(), 202);
        let query = "{ auditEvents(first: 1, filter: { actions: [API_TOKEN_LEAK_REPORTED] }) { nodes {
            actor { kind } tokenId generation evidenceURL reason address } } }";
        let expected = json!({ "actor": null, "tokenId": token.id, "generation": 1, "reason": null,
            "evidenceURL": "https://example.com/public/repository", "address": address });
        assert_eq!(server.admin.ask(query).await.body["data"]["auditEvents"]["nodes"], json!([expected]));
        // A caller is named.
        server.clock.advance(MINUTE);
        assert_eq!(report(&server.admin, input).await.status, 202);
        let nodes = server.admin.ask(query).await.body["data"]["auditEvents"]["nodes"].clone();
        assert_eq!(nodes[0]["actor"], json!({ "kind": "API_TOKEN" }));
    }
}

#[tokio::test]
async fn a_report_that_cannot_be_read_is_refused_with_its_field() {
    let server = Server::start().await;
    let anonymous = server.anonymous();
    let value = create(&server, "ALERT").await.client.value.unwrap();
    for (body, field) in [
        (json!({}), "value"),
        (json!({ "value": "" }), "value"),
        (json!({ "value": " \n" }), "value"),
        (json!({ "value": "x".repeat(4_097) }), "value"),
        (json!({ "value": 1 }), "value"),
        (json!({ "value": value, "url": "not a url" }), "url"),
        (json!({ "value": value, "url": format!("https://example.com/?q={value}") }), "url"),
        (json!({ "value": value, "url": format!("https://example.com/?q=rk%5F{}", &value[3..]) }), "url"),
        (json!({ "value": "of another system", "url": "https://example.com/of%20another system" }), "url"),
        (json!({ "value": value, "place": "x" }), "place"),
    ] {
        let answer = report(&anonymous, body.clone()).await;
        assert_eq!(answer.status, 400, "{body}");
        let text = answer.body.to_string();
        assert!(text.contains(field) && !text.contains(&value), "{text}");
    }
    let long = report(&anonymous, json!({ "value": "x".repeat(20_000) })).await;
    assert_eq!(long.status, 413, "a stranger sends little");
    let form = anonymous.request("POST", "/leaks/report").header("Content-Type", "text/plain").body("{}");
    assert_eq!(form.send().await.unwrap().status(), 415, "a page of the web cannot make a browser send it");
    let refused = report(&anonymous.with(UNKNOWN), json!({ "value": value })).await;
    assert_eq!(refused.status, 401, "a bad credential is never anonymous");
    assert_eq!(anonymous.rest("GET", "/leaks/report", Value::Null).await.status, 405);
}

#[tokio::test]
async fn r14_a_report_is_no_use_of_the_value() {
    let server = Server::start().await;
    let token = create(&server, "ALERT").await;
    leak(&token.client).await;
    let query = "query($id: ID!) { apiToken(id: $id) { lastUsedAt values { firstUsedAt useCount } } }";
    let shown = server.admin.graphql(query, json!({ "id": token.id })).await;
    let unused = json!({ "lastUsedAt": null, "values": [{ "firstUsedAt": null, "useCount": 0 }] });
    assert_eq!(shown.body["data"]["apiToken"], unused);
}

#[tokio::test]
async fn a_value_is_found_in_the_text_around_it() {
    let server = Server::start().await;
    let tokens = [create(&server, "REVOKE").await, create(&server, "REVOKE").await];
    let [first, second] = tokens.each_ref().map(|token| token.client.value.as_deref().unwrap());
    let text = format!("{first} {first} {first} export KEY=\"{first}\"; curl -H 'X-API-Key: {second}' # {UNKNOWN}");
    assert_eq!(report(&server.anonymous(), json!({ "value": text })).await.status, 202);
    for token in &tokens {
        assert_eq!(token.client.check().await, Err("TOKEN_REVOKED".into()));
    }
}

#[tokio::test]
async fn reports_of_many_old_values_of_a_token_are_recorded_ten_times_a_minute_and_do_not_hide_one_that_works() {
    let server = Server::start().await;
    let token = create(&server, "ALERT").await;
    let mut old = Vec::new();
    let mut holder = token.client.clone();
    for _ in 0..12 {
        let next = holder.with(holder.rotate_with(json!({ "overlapMinutes": 0 })).await.unwrap());
        old.push(std::mem::replace(&mut holder, next));
    }
    for value in &old {
        leak(value).await;
    }
    assert_eq!(recorded(&server, &token.id).await.len(), 10);
    leak(&holder).await;
    leak(&holder).await;
    assert_eq!(recorded(&server, &token.id).await.last(), Some(&("LEAK_REPORTED".to_owned(), 13)));
    server.clock.advance(MINUTE);
    leak(&old[11]).await;
    assert_eq!(recorded(&server, &token.id).await.len(), 12);
}

#[tokio::test]
async fn the_value_of_a_public_token_is_no_secret() {
    let server = Server::start().await;
    let public = server.admin.create(json!({ "name": "n", "kind": "PUBLIC" })).await.unwrap();
    leak(&public.client).await;
    assert_eq!(recorded(&server, &public.id).await, []);
    let answer =
        server.admin.rest("POST", "/api-tokens", json!({ "name": "n", "kind": "PUBLIC", "onLeak": "REVOKE" })).await;
    assert_eq!((answer.status, &answer.body["field"]), (400, &json!("onLeak")), "{}", answer.body);
}

#[tokio::test]
async fn r17_a_leak_is_recorded_also_after_the_clock_was_ahead() {
    let server = Server::start().await;
    let token = create(&server, "ALERT").await;
    server.clock.set(60 * MINUTE);
    leak(&token.client).await;
    server.clock.set(0);
    leak(&token.client).await;
    assert_eq!(recorded(&server, &token.id).await.len(), 2);
}

#[tokio::test]
async fn a_value_that_a_report_retired_is_not_reused_by_a_client_that_does_not_know_yet() {
    let server = Server::start().await;
    let input = json!({ "name": "n", "onLeak": "RETIRE", "onReuse": "REVOKE" });
    let token = server.admin.create(input).await.unwrap();
    leak(&token.client).await;
    server.clock.advance(11 * SECOND);
    assert_eq!(token.client.check().await, Err("VALUE_RETIRED".into()));
    let fresh = server.admin.rotate_id(&token.id).await.unwrap();
    assert_eq!(token.client.check().await, Err("VALUE_RETIRED".into()));
    assert_eq!(fresh.check().await, Ok(3));
}

#[tokio::test]
async fn strangers_who_report_invented_values_do_not_crowd_out_callers() {
    let server = Server::start().await;
    let token = create(&server, "REVOKE").await;
    let invented = |number: u16| {
        let mut entropy = [7; 32];
        entropy[..2].copy_from_slice(&number.to_be_bytes());
        rotakey::domain::value::Value::from_entropy(TokenKind::Private, &entropy).expose().to_owned()
    };
    let texts = (0..100).map(|text| (0..10).map(|value| invented(10 * text + value)).collect::<Vec<_>>().join(" "));
    let stranger = server.anonymous();
    let reports = texts.map(|text| report(&stranger, json!({ "value": text })).map(|answer| answer.status));
    assert_eq!(join_all(reports).await, [202; 100]);
    let body = json!({ "value": token.client.value });
    let refused = report(&stranger, body.clone()).await;
    assert_eq!((refused.status, &refused.body["code"]), (503, &json!("UNAVAILABLE")));
    assert_eq!(report(&server.admin, body).await.status, 202);
    assert_eq!(token.client.check().await, Err("TOKEN_REVOKED".into()));
}
