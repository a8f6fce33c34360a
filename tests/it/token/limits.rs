//! The operator's limits: they bind every token that is created, and nothing that was there before.

use rotakey::domain::token::Limits;
use rotakey::service::Policy;
use serde_json::json;

use crate::support::server::Server;

async fn outcome(server: &Server, input: serde_json::Value) -> Result<i64, String> {
    let query = "mutation($input: CreateAPITokenInput!) { createAPIToken(input: $input) { token { overlapMinutes } } }";
    let answer = server.admin.graphql(query, json!({ "input": input })).await;
    match answer.field() {
        Some(field) => Err(field.to_owned()),
        None => Ok(answer.body["data"]["createAPIToken"]["token"]["overlapMinutes"].as_i64().unwrap()),
    }
}

#[tokio::test]
async fn a_life_is_limited_to_the_millisecond() {
    let limits = Limits { max_lifetime_minutes: Some(60), ..Limits::default() };
    let server = Server::start_with(Policy { limits, ..Policy::default() }).await;
    for (expires_at, expected) in [
        (json!("2026-01-01T00:59:59.999Z"), Ok(10)),
        (json!("2026-01-01T01:00:00.000Z"), Ok(10)),
        (json!("2026-01-01T01:00:00.001Z"), Err("expiresAt".to_owned())),
        (json!(null), Err("expiresAt".to_owned())),
    ] {
        assert_eq!(outcome(&server, json!({ "name": "n", "expiresAt": expires_at })).await, expected, "{expires_at}");
    }
}

#[tokio::test]
async fn an_expiry_may_be_required_and_overlaps_be_limited() {
    let limits = Limits { require_expiry: true, max_overlap_minutes: Some(5), ..Limits::default() };
    let server = Server::start_with(Policy { limits, ..Policy::default() }).await;
    let expires_at = "2030-01-01T00:00:00Z";
    assert_eq!(outcome(&server, json!({ "name": "n" })).await, Err("expiresAt".into()));
    for (overlap, expected) in [(json!(null), Ok(5)), (json!(5), Ok(5)), (json!(6), Err("overlapMinutes".to_owned()))] {
        let input = json!({ "name": "n", "expiresAt": expires_at, "overlapMinutes": overlap });
        assert_eq!(outcome(&server, input).await, expected, "{overlap}");
    }
}
