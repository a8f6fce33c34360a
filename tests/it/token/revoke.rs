//! `revokeAPIToken`.

use serde_json::json;

use crate::support::server::Server;

#[tokio::test]
async fn r10_from_the_answer_on_no_value_of_a_revoked_token_works() {
    let server = Server::start().await;
    let token = server.admin.create(json!({ "name": "leaked" })).await.unwrap();
    let rotated = token.client.with(token.client.rotate().await.unwrap());
    assert_eq!(server.admin.revoke(&token.id).await, Ok("REVOKED".into()));
    for client in [&token.client, &rotated] {
        assert_eq!(client.check().await, Err("TOKEN_REVOKED".into()));
        assert_eq!(client.rotate().await, Err("TOKEN_REVOKED".into()));
    }
    assert_eq!(server.admin.rotate_id(&token.id).await.err(), Some("TOKEN_REVOKED".into()));
}

#[tokio::test]
async fn revoking_twice_changes_nothing() {
    let server = Server::start().await;
    let token = server.admin.create(json!({ "name": "leaked" })).await.unwrap();
    let revoked_at = async || {
        let query = "query($id: ID!) { apiToken(id: $id) { revokedAt } }";
        let answer = server.admin.graphql(query, json!({ "id": token.id })).await;
        answer.body["data"]["apiToken"]["revokedAt"].as_str().unwrap().to_owned()
    };
    assert_eq!(server.admin.revoke(&token.id).await, Ok("REVOKED".into()));
    let first = revoked_at().await;
    server.clock.advance(1);
    assert_eq!(server.admin.revoke(&token.id).await, Ok("REVOKED".into()));
    assert_eq!(revoked_at().await, first);
}

#[tokio::test]
async fn anyone_may_revoke_themselves_and_only_modifiers_another() {
    let server = Server::start().await;
    let one = server.admin.create(json!({ "name": "one", "permissions": ["API_TOKEN_READ"] })).await.unwrap();
    let two = server.admin.create(json!({ "name": "two" })).await.unwrap();
    assert_eq!(one.client.revoke(&two.id).await, Err("FORBIDDEN".into()));
    assert_eq!(two.client.check().await, Ok(1));
    assert_eq!(one.client.revoke(&one.id).await, Ok("REVOKED".into()));
    assert_eq!(one.client.check().await, Err("TOKEN_REVOKED".into()));
}

#[tokio::test]
async fn a_caller_that_revokes_itself_can_do_nothing_more_in_the_same_document() {
    let server = Server::start().await;
    let caller = server.admin.create(json!({ "name": "caller", "permissions": ["API_TOKEN_MODIFY"] })).await.unwrap();
    let query = "mutation($id: ID!) {
        revokeAPIToken(input: { id: $id }) { token { status } }
        createAPIToken(input: { name: \"back door\" }) { token { value } } }";
    let answer = caller.client.graphql(query, json!({ "id": caller.id })).await;
    assert_eq!(answer.code(), Some("TOKEN_REVOKED"));
}
