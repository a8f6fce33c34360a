//! Several replicas on one database, whose clocks do not agree.

use serde_json::json;
use tokio::task::JoinSet;

use crate::support::clock::SECOND;
use crate::support::deadline::until;
use crate::support::server::Server;

#[tokio::test]
async fn r1_a_value_retired_immediately_is_retired_on_a_replica_whose_clock_is_behind() {
    let server = Server::start().await;
    server.clock.set(60 * SECOND);
    let behind = server.replica_behind(5 * SECOND).await;

    // By an overlap of 0.
    let leaked = server.admin.create(json!({ "name": "leaked", "overlapMinutes": 0 })).await.unwrap().client;
    let fresh = leaked.with(leaked.rotate().await.unwrap());
    assert_eq!(leaked.at(&behind.url).check().await, Err("VALUE_RETIRED".into()));
    assert_eq!(fresh.at(&behind.url).check().await, Ok(2));

    // By a second rotation.
    let first = server.admin.create(json!({ "name": "twice" })).await.unwrap().client;
    let second = first.with(first.rotate().await.unwrap());
    let third = first.with(second.rotate().await.unwrap());
    assert_eq!(first.at(&behind.url).check().await, Err("VALUE_RETIRED".into()));
    assert_eq!(second.at(&behind.url).check().await, Ok(3));
    assert_eq!(third.at(&behind.url).check().await, Ok(3));

    // By the end of an overlap.
    let token = server.admin.create(json!({ "name": "ended" })).await.unwrap();
    token.client.rotate().await.unwrap();
    server.admin.force_end_overlap(&token.id).await.unwrap();
    assert_eq!(token.client.at(&behind.url).check().await, Err("VALUE_RETIRED".into()));

    // By a recovery.
    let old = server.admin.create(json!({ "name": "lost" })).await.unwrap().client;
    let lost = old.with(old.rotate().await.unwrap());
    server.clock.advance(10 * SECOND);
    behind.clock.advance(10 * SECOND);
    let found = old.with(old.rotate().await.unwrap());
    assert_eq!(lost.at(&behind.url).check().await, Err("VALUE_RETIRED".into()));
    assert_eq!(old.at(&behind.url).check().await, Ok(3));
    assert_eq!(found.at(&behind.url).check().await, Ok(3));
}

#[tokio::test]
async fn r7_racing_rotations_by_id_have_one_winner_and_its_value_works() {
    let server = Server::start().await;
    let replica = server.replica().await;
    for overlap in [10, 0] {
        let token = server.admin.create(json!({ "name": "raced", "overlapMinutes": overlap })).await.unwrap();
        let mut racers = JoinSet::new();
        for number in 0..32 {
            let admin = if number % 2 == 0 { server.admin.clone() } else { server.admin.at(&replica.url) };
            let id = token.id.clone();
            racers.spawn(async move { admin.rotate_id(&id).await });
        }
        let (mut won, mut lost) = (Vec::new(), Vec::new());
        for outcome in racers.join_all().await {
            outcome.map_or_else(|code| lost.push(code), |client| won.push(client));
        }
        assert_eq!((won.len(), lost.len()), (1, 31), "{lost:?}");
        assert!(lost.iter().all(|code| code == "ROTATION_CONFLICT"));
        assert_eq!(won[0].check().await, Ok(2));
    }
}

#[tokio::test]
async fn r7_a_loser_whose_clock_is_behind_waits_no_longer_than_the_guard() {
    let server = Server::start().await;
    server.clock.set(60 * SECOND);
    let behind = server.replica_behind(5 * SECOND).await;
    server.admin.rotate().await.unwrap();
    let answer = server.admin.at(&behind.url).ask(crate::support::client::ROTATE).await;
    assert_eq!(answer.code(), Some("ROTATION_CONFLICT"));
    assert_eq!(answer.body["errors"][0]["extensions"]["retryAfterSeconds"], json!(10));
}

#[tokio::test]
async fn r10_a_revocation_reaches_every_replica() {
    let server = Server::start().await;
    let replica = server.replica().await;
    let token = server.admin.create(json!({ "name": "n" })).await.unwrap();
    let there = token.client.at(&replica.url);
    // Twice, so that it is cached there as one that works.
    for _ in 0..2 {
        assert_eq!(there.check().await, Ok(1));
    }
    server.admin.revoke(&token.id).await.unwrap();
    assert_eq!(token.client.check().await, Err("TOKEN_REVOKED".into()));
    let is_revoked = async || {
        let answer = there.check().await;
        assert!(answer == Ok(1) || answer == Err("TOKEN_REVOKED".into()), "{answer:?}");
        answer.is_err()
    };
    until("the revocation on the other replica", is_revoked).await;
}
