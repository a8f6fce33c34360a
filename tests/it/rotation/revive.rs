//! R3: a missed rotation period is final for the holder. Another caller may revive the token, for as long as the operator allows.

use rotakey::service::Policy;
use sea_orm::{ConnectionTrait, Statement};
use serde_json::{Value, json};

use crate::support::client::{Answer, Client, Created};
use crate::support::clock::{MINUTE, SECOND};
use crate::support::server::Server;

const PERIOD: i64 = 60 * MINUTE;
const WINDOW: i64 = 30 * MINUTE;

async fn start() -> Server {
    Server::start_with(Policy { revival_window_minutes: 30, ..Policy::default() }).await
}

async fn create(server: &Server, more: Value) -> Created {
    let mut input = json!({ "name": "n", "rotationPeriodMinutes": 60, "overlapMinutes": 10 });
    input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    server.admin.create(input).await.unwrap()
}

async fn ask(client: &Client, input: Value) -> Answer {
    let query = "mutation($input: ReviveAPITokenInput!) { reviveAPIToken(input: $input) { token {
        value status generation rotateBy expiresAt values { generation } } } }";
    client.graphql(query, json!({ "input": input })).await
}

async fn revive(client: &Client, id: &str) -> Result<String, String> {
    ask(client, json!({ "id": id, "reason": "forgotten" })).await.value_of("reviveAPIToken")
}

#[tokio::test]
async fn r3_a_revived_token_has_one_new_value_and_a_new_period_and_no_older_value_works() {
    let server = start().await;
    let expires_at = "2026-01-02T00:00:00.000Z";
    for starts in ["ROTATION", "FIRST_USE"] {
        server.clock.set(0);
        let token =
            create(&server, json!({ "expiresAt": expires_at, "overlapStarts": starts, "overlapMinutes": 60 })).await;
        let mut dead = vec![token.client.clone()];
        let mut newest = token.client.with(token.client.rotate().await.unwrap());
        // Twice: it can miss its period again.
        for round in 1..=2 {
            dead.push(newest.clone());
            server.clock.advance(PERIOD);
            for client in &dead {
                let refused = client.check().await;
                assert!(
                    ["ROTATION_OVERDUE", "VALUE_RETIRED"].contains(&refused.unwrap_err().as_str()),
                    "{starts} {round}"
                );
                assert!(client.rotate().await.is_err());
            }
            let answer = ask(&server.admin, json!({ "id": token.id, "reason": "forgotten" })).await;
            let revived = &answer.body["data"]["reviveAPIToken"]["token"];
            let generation = round + 2;
            assert_eq!(revived["status"], json!("ACTIVE"), "{}", answer.body);
            assert_eq!((&revived["generation"], &revived["expiresAt"]), (&json!(generation), &json!(expires_at)));
            assert_eq!(revived["rotateBy"], json!(format!("2026-01-01T0{}:00:00.000Z", round + 1)));
            assert_eq!(revived["values"], json!([{ "generation": generation }]));
            newest = token.client.with(revived["value"].as_str().unwrap().to_owned());
            assert_eq!(newest.check().await, Ok(generation));
            let elsewhere = server.replica().await;
            for client in &dead {
                for url in [&server.url, &elsewhere.url] {
                    assert_eq!(client.at(url).check().await, Err("VALUE_RETIRED".into()), "{starts} {round}");
                }
            }
        }
        // It is shown once.
        let shown = server.admin.rest("GET", &format!("/api-tokens/{}", token.id), Value::Null).await;
        assert!(shown.body.get("value").is_none());
        newest.rotate().await.unwrap();
    }
}

#[tokio::test]
async fn r3_a_token_is_revived_only_while_it_is_overdue_and_within_the_window() {
    let server = start().await;
    let token = create(&server, json!({})).await;
    for (offset, expected) in [
        (PERIOD - 1, Err("BAD_USER_INPUT")),
        (PERIOD + WINDOW, Err("ROTATION_OVERDUE")),
        (PERIOD + WINDOW - 1, Ok(())),
        (PERIOD + WINDOW - 1 + 9 * SECOND, Err("ROTATION_CONFLICT")),
        (PERIOD + WINDOW - 1 + 10 * SECOND, Err("BAD_USER_INPUT")),
    ] {
        server.clock.set(offset);
        let revived = revive(&server.admin, &token.id).await.map(drop);
        assert_eq!(revived, expected.map_err(str::to_owned), "{offset}");
    }
    let never = Server::start().await;
    let token = create(&never, json!({})).await;
    never.clock.set(PERIOD);
    assert_eq!(revive(&never.admin, &token.id).await, Err("ROTATION_OVERDUE".into()));
}

#[tokio::test]
async fn r2_r10_a_revoked_expired_or_suspended_token_is_not_revived() {
    let server = start().await;
    let expired = create(&server, json!({ "expiresAt": "2026-01-01T01:00:00Z" })).await;
    let (revoked, suspended) = (create(&server, json!({})).await, create(&server, json!({})).await);
    server.admin.revoke(&revoked.id).await.unwrap();
    server.admin.suspend(&suspended.id).await.unwrap();
    server.clock.set(PERIOD);
    for (token, code) in [(&expired, "TOKEN_EXPIRED"), (&revoked, "TOKEN_REVOKED"), (&suspended, "TOKEN_SUSPENDED")] {
        assert_eq!(revive(&server.admin, &token.id).await, Err(code.into()));
        assert!(token.client.check().await.is_err());
    }
    assert_eq!(revive(&server.admin, "tok_nothing").await, Err("NOT_FOUND".into()));
}

#[tokio::test]
async fn r3_a_token_that_became_overdue_during_a_suspension_is_resumed_and_then_revived() {
    let server = start().await;
    let token = create(&server, json!({})).await;
    server.admin.suspend(&token.id).await.unwrap();
    server.clock.set(PERIOD);
    server.admin.resume(&token.id).await.unwrap();
    assert_eq!(token.client.check().await, Err("ROTATION_OVERDUE".into()), "to resume it revives nothing");
    assert_eq!(token.client.rotate().await, Err("ROTATION_OVERDUE".into()));
    assert_eq!(server.admin.resume(&token.id).await, Err("ROTATION_OVERDUE".into()), "it is not suspended any more");
    let value = revive(&server.admin, &token.id).await.unwrap();
    assert_eq!(token.client.with(value).check().await, Ok(2));
    assert_eq!(token.client.check().await, Err("VALUE_RETIRED".into()));
}

#[tokio::test]
async fn r11_who_revives_a_token_holds_all_that_it_holds() {
    let server = start().await;
    let token = create(&server, json!({ "permissions": ["AUDIT_LOG_READ"], "scopes": ["read"] })).await;
    let mut callers = Vec::new();
    for (permissions, scopes, allowed) in [
        (json!(["AUDIT_LOG_READ"]), json!(["read"]), false),
        (json!(["API_TOKEN_MODIFY"]), json!(["read"]), false),
        (json!(["API_TOKEN_MODIFY", "AUDIT_LOG_READ"]), json!(["write"]), false),
        (json!(["API_TOKEN_MODIFY", "AUDIT_LOG_READ"]), json!(["read"]), true),
    ] {
        let input = json!({ "name": "caller", "permissions": permissions, "scopes": scopes });
        callers.push((server.admin.create(input).await.unwrap().client, allowed));
    }
    server.clock.set(PERIOD);
    for (caller, allowed) in callers {
        let expected = if allowed { Ok(()) } else { Err("FORBIDDEN".to_owned()) };
        assert_eq!(revive(&caller, &token.id).await.map(drop), expected);
    }
}

#[tokio::test]
async fn a_revival_needs_a_reason_and_the_audit_log_keeps_it() {
    let server = start().await;
    let token = create(&server, json!({})).await;
    server.clock.set(PERIOD);
    let path = format!("/api-tokens/{}/revive", token.id);
    for (body, field) in [
        (json!({}), "reason"),
        (json!({ "reason": null }), "reason"),
        (json!({ "reason": "" }), "reason"),
        (json!({ "reason": "r", "evidenceURL": "x" }), "evidenceURL"),
        (json!({ "reason": "r", "idempotencyKey": "" }), "idempotencyKey"),
    ] {
        let answer = server.admin.rest("POST", &path, body.clone()).await;
        assert_eq!(answer.refusal(), (400, "BAD_USER_INPUT", Some(field)), "{body}");
    }
    let answer = ask(&server.admin, json!({ "id": token.id, "reason": "" })).await;
    assert_eq!((answer.code(), answer.field()), (Some("BAD_USER_INPUT"), Some("reason")));
    let reason = json!({ "reason": "the job was paused", "evidenceURL": "https://example.com/1" });
    let answer = server.admin.rest("POST", &path, reason.clone()).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(token.client.with(answer.body["value"].as_str().unwrap().to_owned()).check().await, Ok(2));
    let query = "query($id: ID!) { auditEvents(filter: { tokenId: $id, actions: [API_TOKEN_REVIVED] }) { edges { node {
        actor { id } generation reason evidenceURL } } } }";
    let events = server.admin.graphql(query, json!({ "id": token.id })).await;
    let event = json!({ "actor": { "id": server.admin.my_id().await }, "generation": 2, "reason": reason["reason"],
        "evidenceURL": reason["evidenceURL"] });
    assert_eq!(
        events.body["data"]["auditEvents"]["edges"],
        json!([{ "node": event }]),
        "and nothing of what was refused"
    );
}

#[tokio::test]
async fn r6_a_repeated_revival_gets_the_same_value_until_its_first_use_or_for_as_long_as_an_overlap() {
    let server = start().await;
    let salts = async || {
        let connection = server.database.connect().await;
        let sql = "SELECT count(*) FROM api_token_value WHERE salt IS NOT NULL";
        let statement = Statement::from_string(connection.get_database_backend(), sql);
        let salts: i64 = connection.query_one_raw(statement).await.unwrap().unwrap().try_get_by_index(0).unwrap();
        connection.close().await.unwrap();
        salts
    };
    let sweep = async || server.service().await.sweep().await.unwrap();
    let (used, unused) = (create(&server, json!({})).await, create(&server, json!({})).await);
    server.clock.set(PERIOD);
    let keyed = async |id: &str, key: &str| {
        ask(&server.admin, json!({ "id": id, "reason": "r", "idempotencyKey": key })).await.value_of("reviveAPIToken")
    };
    let [first, second] = [keyed(&used.id, "k").await.unwrap(), keyed(&unused.id, "k").await.unwrap()];
    assert_ne!(first, second);
    for offset in [0, 10 * MINUTE - 1] {
        server.clock.set(PERIOD + offset);
        sweep().await;
        assert_eq!((keyed(&used.id, "k").await, keyed(&unused.id, "k").await), (Ok(first.clone()), Ok(second.clone())));
        // By the header as well.
        let path = format!("/api-tokens/{}/revive", unused.id);
        let request =
            server.admin.request("POST", &path).header("Idempotency-Key", "k").json(&json!({ "reason": "r" }));
        let answer = Answer::of(request.send().await.unwrap()).await;
        assert_eq!(answer.body["value"], json!(second), "{}", answer.body);
    }
    let other = keyed(&unused.id, "other").await;
    assert_eq!(other, Err("BAD_USER_INPUT".into()), "it works already");
    assert_eq!(used.client.with(first).check().await, Ok(2));
    assert_eq!(keyed(&used.id, "k").await, Err("BAD_USER_INPUT".into()));
    assert_eq!(salts().await, 1);
    server.clock.set(PERIOD + 10 * MINUTE);
    assert_eq!(keyed(&unused.id, "k").await, Err("BAD_USER_INPUT".into()));
    sweep().await;
    assert_eq!(salts().await, 0);
    assert_eq!(unused.client.with(second).check().await, Ok(2), "the value itself works");
}

#[tokio::test]
async fn r7_of_racing_revivals_one_wins_and_a_revocation_wins_over_all() {
    let server = start().await;
    let replica = server.replica().await;
    for round in 0..8 {
        server.clock.set(0);
        let token = create(&server, json!({})).await;
        server.clock.set(PERIOD);
        let revokes = round % 2 == 1;
        let revival = |number: usize| {
            let client = server.admin.at(if number.is_multiple_of(2) { &server.url } else { &replica.url });
            let id = token.id.clone();
            async move { revive(&client, &id).await }
        };
        let revivals = futures_util::future::join_all((0..6).map(revival));
        let revocation = async { if revokes { server.admin.revoke(&token.id).await.map(drop) } else { Ok(()) } };
        let (revived, revoked) = tokio::join!(revivals, revocation);
        revoked.unwrap();
        let (won, lost): (Vec<_>, Vec<_>) = revived.into_iter().partition(Result::is_ok);
        let expected = |code: &str| code == "ROTATION_CONFLICT" || (revokes && code == "TOKEN_REVOKED");
        assert!(lost.iter().all(|code| expected(code.as_ref().unwrap_err())), "{lost:?}");
        assert!(if revokes { won.len() <= 1 } else { won.len() == 1 }, "{won:?}");
        for value in won {
            let expected = if revokes { Err("TOKEN_REVOKED".into()) } else { Ok(2) };
            assert_eq!(token.client.with(value.unwrap()).check().await, expected);
        }
    }
}

#[tokio::test]
async fn a_revived_token_is_listed_as_what_it_is() {
    let server = start().await;
    let token = create(&server, json!({})).await;
    let listed = async |conditions: &str| {
        let path = format!("/api-tokens?name=n&{conditions}");
        let page = server.admin.rest("GET", &path, Value::Null).await;
        let data = page.body["data"].as_array().unwrap().clone();
        data.iter().any(|found| found["id"] == json!(token.id))
    };
    server.clock.set(PERIOD + 2 * MINUTE);
    server.service().await.sweep().await.unwrap();
    assert!(listed("status=ROTATION_OVERDUE").await);
    revive(&server.admin, &token.id).await.unwrap();
    for swept in [false, true] {
        if swept {
            server.service().await.sweep().await.unwrap();
        }
        assert!(listed("status=ACTIVE").await && !listed("status=ROTATION_OVERDUE").await, "{swept}");
        assert!(listed("rotateByBefore=2026-01-01T02:02:00.001Z&orderBy=rotateBy").await, "{swept}");
        assert!(!listed("rotateByBefore=2026-01-01T02:02:00Z&orderBy=rotateBy").await, "{swept}");
    }
}
