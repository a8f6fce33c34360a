//! A process that ends in the middle of the steps of a campaign.

use std::collections::BTreeMap;
use std::pin::pin;
use std::task::Poll;

use serde_json::{Value, json};

use super::{create, create_tokens, end, input, tokens};
use crate::support::clock::MINUTE;
use crate::support::server::Server;

/// R13: what was begun and not committed is begun again, and what was committed is not repeated. The steps are dropped after every number
/// of turns, so at every instruction that waits.
#[tokio::test]
async fn r13_a_campaign_that_is_interrupted_anywhere_goes_on_and_does_everything_once() {
    let server = Server::start().await;
    let holders = create_tokens(&server, 260, json!({})).await;
    for holder in holders.iter().step_by(2) {
        holder.client.rotate().await.unwrap();
    }
    let id = create(&server, &server.admin, input("REVOKE")).await;
    server.clock.advance(1);
    for holder in holders.iter().skip(1).step_by(4) {
        holder.client.rotate().await.unwrap();
    }
    server.clock.advance(60 * MINUTE);
    let mut interrupted = 0;
    for turns in 1_u32.. {
        // Its random bytes are those of the service before, so the ids of its events must differ by their time.
        server.clock.advance(1);
        let service = server.service().await;
        let mut steps = pin!(service.advance_campaigns());
        let mut left = turns;
        let ended = std::future::poll_fn(|context| match steps.as_mut().poll(context) {
            Poll::Ready(outcome) => Poll::Ready(Some(outcome)),
            Poll::Pending if left == 0 => Poll::Ready(None),
            Poll::Pending => {
                left -= 1;
                Poll::Pending
            }
        });
        match ended.await {
            Some(outcome) => {
                outcome.unwrap();
                break;
            }
            None => interrupted += 1,
        }
    }
    assert!(interrupted > 10, "{interrupted}");
    let (status, counts) = end(&server, &id).await;
    assert_eq!((status.as_str(), &counts["total"], &counts["left"]), ("DEADLINE_REACHED", &json!(260), &Value::Null));
    let revoked: Vec<_> = tokens(&server, &id, json!(["REVOKED"])).await.into_iter().map(|(id, ..)| id).collect();
    assert_eq!((revoked.len(), &counts["revoked"], &counts["retired"]), (195, &json!(195), &json!(65)));
    let mut events: BTreeMap<String, u32> = BTreeMap::new();
    let mut after = Value::Null;
    loop {
        let query =
            "query($after: String) { auditEvents(first: 200, after: $after, filter: { actions: [API_TOKEN_REVOKED,
            ROTATION_CAMPAIGN_ENDED] }) { nodes { tokenId } pageInfo { hasNextPage endCursor } } }";
        let page = server.admin.graphql(query, json!({ "after": after })).await.body["data"]["auditEvents"].clone();
        for node in page["nodes"].as_array().unwrap() {
            *events.entry(node["tokenId"].as_str().unwrap_or("the campaign").to_owned()).or_default() += 1;
        }
        if page["pageInfo"]["hasNextPage"] == false {
            break;
        }
        after = page["pageInfo"]["endCursor"].clone();
    }
    assert!(events.values().all(|count| *count == 1), "{events:?}");
    assert_eq!(events.len(), revoked.len() + 1);
}
