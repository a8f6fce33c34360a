//! Verification: every outcome at every endpoint where one may ask, and what asking does. The promises are those of presenting
//! the value oneself.

use rotakey::domain::rule::verification::VerificationCode;
use rotakey::service::ErrorCode;
use serde_json::{Value, json};

use crate::support::client::{Client, Created};
use crate::support::clock::MINUTE;
use crate::support::server::Server;
use crate::support::verification::Question;

async fn token(server: &Server, more: Value) -> Created {
    let mut input = json!({ "name": "n", "owner": "acme" });
    input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    server.admin.create(input).await.unwrap()
}

#[test]
fn a_verification_says_the_same_words_as_the_errors() {
    let errors: Vec<&str> = ErrorCode::ALL.iter().map(|code| code.as_str()).collect();
    for code in VerificationCode::ALL {
        let own = matches!(code, VerificationCode::Valid | VerificationCode::ScopeMissing);
        assert_eq!(errors.contains(&code.as_str()), !own, "{code:?}");
    }
}

#[tokio::test]
async fn r2_r3_a_token_is_good_until_its_end_to_the_millisecond() {
    let server = Server::start().await;
    let mut start = 0;
    for (more, code) in
        [(json!({ "expiresAt": true }), "TOKEN_EXPIRED"), (json!({ "rotationPeriodMinutes": 1 }), "ROTATION_OVERDUE")]
    {
        for (offset, good) in [(-1, true), (0, false), (1, false)] {
            server.clock.set(start);
            let end = crate::support::clock::START + start + MINUTE;
            let end = rotakey::domain::timestamp::Timestamp::from_unix_millis(end).to_string();
            let more = if more["expiresAt"] == json!(true) { json!({ "expiresAt": end }) } else { more.clone() };
            let holder = token(&server, more).await.client;
            server.clock.set(start + MINUTE + offset);
            Question::of(&holder).expect(&server, if good { "VALID" } else { code }).await;
            start += 2 * MINUTE;
        }
    }
}

#[tokio::test]
async fn r1_r4_both_values_of_an_overlap_are_good_and_the_old_one_to_the_millisecond() {
    let server = Server::start().await;
    let old = token(&server, json!({ "overlapMinutes": 5 })).await.client;
    let new = old.with(old.rotate().await.unwrap());
    for (offset, code) in [(-1, "VALID"), (0, "VALUE_RETIRED"), (1, "VALUE_RETIRED")] {
        server.clock.set(5 * MINUTE + offset);
        Question::of(&old).expect(&server, code).await;
        Question::of(&new).expect(&server, "VALID").await;
    }
    server.clock.set(0);
    let reported = Question::of(&old).details(&server).await;
    assert_eq!((&reported["generation"], &reported["retiresAt"]), (&json!(1), &json!("2026-01-01T00:05:00.000Z")));
    let reported = Question::of(&new).details(&server).await;
    assert_eq!((&reported["generation"], &reported["retiresAt"]), (&json!(2), &Value::Null));
    let third = new.with(new.rotate().await.unwrap());
    Question::of(&old).expect(&server, "VALUE_RETIRED").await;
    Question::of(&new).expect(&server, "VALID").await;
    Question::of(&third).expect(&server, "VALID").await;
}

#[tokio::test]
async fn r10_a_revoked_token_is_good_for_nothing_from_the_answer_on() {
    let server = Server::start().await;
    let revoked = token(&server, json!({})).await;
    let new = revoked.client.with(revoked.client.rotate().await.unwrap());
    for _ in 0..2 {
        server.admin.revoke(&revoked.id).await.unwrap();
        Question::of(&revoked.client).expect(&server, "TOKEN_REVOKED").await;
        Question::of(&new).expect(&server, "TOKEN_REVOKED").await;
    }
}

#[tokio::test]
async fn what_is_no_value_or_no_tokens_value_is_unauthenticated() {
    let server = Server::start().await;
    let known = server.admin.value.clone().unwrap();
    let foreign = rotakey::domain::value::Value::from_entropy(rotakey::domain::token::TokenKind::Private, &[7; 32]);
    for value in ["hello", &known[..known.len() - 1], foreign.expose()] {
        Question::about(value).expect(&server, "UNAUTHENTICATED").await;
        let reported = Question::about(value).details(&server).await;
        let nothing = (&Value::Null, &Value::Null, &Value::Null);
        assert_eq!((&reported["token"], &reported["generation"], &reported["retiresAt"]), nothing, "{value}");
    }
}

#[tokio::test]
async fn scopes_are_covered_by_themselves_and_by_the_star() {
    let server = Server::start().await;
    for (held, required, missing) in [
        (vec![], vec![], vec![]),
        (vec![], vec!["read"], vec!["read"]),
        (vec!["read"], vec!["read"], vec![]),
        (vec!["read"], vec!["write", "read"], vec!["write"]),
        (vec!["read", "write"], vec!["read", "write"], vec![]),
        (vec!["read"], vec!["READ", "rea"], vec!["READ", "rea"]),
        (vec!["*"], vec!["read", "write"], vec![]),
        (vec!["read"], vec!["*"], vec!["*"]),
    ] {
        let holder = token(&server, json!({ "scopes": held })).await.client;
        let question = Question { scopes: &required, ..Question::of(&holder) };
        question.expect(&server, if missing.is_empty() { "VALID" } else { "SCOPE_MISSING" }).await;
        let reported = question.details(&server).await;
        assert_eq!(reported["missingScopes"], json!(missing), "{held:?} {required:?}");
        assert_eq!(reported["generation"], json!(1), "a value that lacks a scope is good all the same");
    }
}

#[tokio::test]
async fn a_dead_value_has_no_missing_scopes_and_a_dead_token_no_source() {
    let server = Server::start().await;
    let more = json!({ "scopes": ["read"], "overlapMinutes": 0, "allowedCIDRBlocks": ["127.0.0.0/8"] });
    let old = token(&server, more).await;
    old.client.rotate().await.unwrap();
    let question = Question { scopes: &["write"], address: Some("192.0.2.1"), ..Question::of(&old.client) };
    question.expect(&server, "VALUE_RETIRED").await;
    assert_eq!(question.details(&server).await["missingScopes"], json!([]));
    server.admin.revoke(&old.id).await.unwrap();
    question.expect(&server, "TOKEN_REVOKED").await;
}

#[tokio::test]
async fn every_outcome_shows_the_token_and_never_the_value() {
    let server = Server::start().await;
    let old = token(&server, json!({ "overlapMinutes": 0 })).await;
    let check = async |client: &Client, code: &str, status: &str| {
        let reported = Question::of(client).details(&server).await;
        let token = &reported["token"];
        assert_eq!((&reported["code"], &token["status"]), (&json!(code), &json!(status)));
        assert_eq!((&token["id"], &token["owner"], &token["value"]), (&json!(old.id), &json!("acme"), &Value::Null));
    };
    check(&old.client, "VALID", "ACTIVE").await;
    old.client.rotate().await.unwrap();
    check(&old.client, "VALUE_RETIRED", "ACTIVE").await;
    server.admin.revoke(&old.id).await.unwrap();
    check(&old.client, "TOKEN_REVOKED", "REVOKED").await;
}
