//! `currentAPIToken` and `apiToken`.

use rotakey::domain::timestamp::Timestamp;
use serde_json::json;

use crate::support::clock::{MINUTE, SECOND, START};
use crate::support::server::Server;

const BY_ID: &str = "query($id: ID!) { apiToken(id: $id) { id name status value } }";

#[tokio::test]
async fn anyone_reads_their_own_token_and_only_readers_read_another() {
    let server = Server::start().await;
    let plain = server.admin.create(json!({ "name": "plain" })).await.unwrap();
    let reader = server.admin.create(json!({ "name": "reader", "permissions": ["API_TOKEN_READ"] })).await.unwrap();
    let code = |answer: crate::support::client::Answer| answer.code().map(str::to_owned);
    assert_eq!(code(plain.client.graphql(BY_ID, json!({ "id": plain.id })).await), None);
    assert_eq!(code(plain.client.graphql(BY_ID, json!({ "id": reader.id })).await), Some("FORBIDDEN".into()));
    let read = reader.client.graphql(BY_ID, json!({ "id": plain.id })).await;
    let expected = json!({ "id": plain.id, "name": "plain", "status": "ACTIVE", "value": null });
    assert_eq!(read.body["data"]["apiToken"], expected);
}

#[tokio::test]
async fn without_the_permission_ids_cannot_be_probed() {
    let server = Server::start().await;
    let plain = server.admin.create(json!({ "name": "plain" })).await.unwrap();
    let admin_id = server.admin.my_id().await;
    for id in [admin_id.as_str(), "tok_00000000000000000000000000"] {
        let answer = plain.client.graphql(BY_ID, json!({ "id": id })).await;
        assert_eq!(answer.code(), Some("FORBIDDEN"), "{id}");
    }
}

#[tokio::test]
async fn the_last_use_is_at_most_a_minute_behind() {
    const HALF: i64 = MINUTE / 2;
    let server = Server::start().await;
    let token = server.admin.create(json!({ "name": "used" })).await.unwrap();
    // From the cache it may be half a minute behind, from the database it is exact.
    for offset in [SECOND, HALF + SECOND - 1, HALF + SECOND, MINUTE + SECOND] {
        server.clock.set(offset);
        let answer = token.client.ask("{ currentAPIToken { lastUsedAt } }").await;
        let last_used = answer.body["data"]["currentAPIToken"]["lastUsedAt"].as_str().unwrap().to_owned();
        let behind = START + offset - Timestamp::parse(&last_used).unwrap().unix_millis();
        assert!((0..HALF).contains(&behind), "{last_used} at {offset}");
    }
}
