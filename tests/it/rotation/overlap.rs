//! R4: how long the old value works, from when on, and how that is cut short.

use serde_json::json;

use crate::support::clock::{MINUTE, SECOND};
use crate::support::server::Server;

#[tokio::test]
async fn r4_overlaps_from_0_to_a_whole_period_end_to_the_millisecond() {
    let server = Server::start().await;
    let mut start = 0;
    for overlap in [0, 1, 30] {
        let input = json!({ "name": "n", "rotationPeriodMinutes": 30, "overlapMinutes": overlap });
        for _ in 0..2 {
            server.clock.set(start);
            let old = server.admin.create(input.clone()).await.unwrap().client;
            let new = old.with(old.rotate().await.unwrap());
            for (offset, works) in [(-1, true), (0, false), (1, false)] {
                let moment = start + overlap * MINUTE + offset;
                if moment < start {
                    continue;
                }
                server.clock.set(moment);
                // At the end of a whole period the token itself is overdue, unless it was rotated again.
                let dead = if overlap == 30 { "ROTATION_OVERDUE" } else { "VALUE_RETIRED" };
                let expected = if works { Ok(2) } else { Err(dead.to_owned()) };
                assert_eq!(old.check().await, expected, "{overlap} minutes, {offset} ms");
                if overlap < 30 {
                    assert_eq!(new.check().await, Ok(2));
                }
            }
            start += 60 * MINUTE;
        }
    }
}

#[tokio::test]
async fn r4_with_first_use_the_old_value_works_until_the_new_one_is_used_and_the_overlap_then_begins() {
    let server = Server::start().await;
    let input = json!({ "name": "patient", "overlapMinutes": 5, "overlapStarts": "FIRST_USE" });
    let old = server.admin.create(input).await.unwrap().client;
    let new = old.with(old.rotate().await.unwrap());
    server.clock.set(24 * 60 * MINUTE);
    let answer = old.ask("{ currentAPIToken { values { generation retiresAt } } }").await;
    let values = &answer.body["data"]["currentAPIToken"]["values"];
    assert_eq!(values[1], json!({ "generation": 1, "retiresAt": null }), "nothing has begun");
    assert_eq!(answer.header("Sunset"), None);
    assert!(answer.header("Deprecation").is_some());

    assert_eq!(new.check().await, Ok(2));
    for (offset, works) in [(5 * MINUTE - 1, true), (5 * MINUTE, false), (5 * MINUTE + 1, false)] {
        server.clock.set(24 * 60 * MINUTE + offset);
        let expected = if works { Ok(2) } else { Err("VALUE_RETIRED".to_owned()) };
        assert_eq!(old.check().await, expected, "{offset}");
    }
}

#[tokio::test]
async fn r4_with_first_use_and_no_overlap_the_old_value_ends_with_the_first_use() {
    let server = Server::start().await;
    let input = json!({ "name": "strict", "overlapMinutes": 0, "overlapStarts": "FIRST_USE" });
    let old = server.admin.create(input).await.unwrap().client;
    let new = old.with(old.rotate().await.unwrap());
    assert_eq!(old.check().await, Ok(2));
    assert_eq!(new.check().await, Ok(2));
    assert_eq!(old.check().await, Err("VALUE_RETIRED".into()));
}

#[tokio::test]
async fn r4_one_rotation_may_shorten_the_overlap_and_never_lengthen_it() {
    let server = Server::start().await;
    for (asked, lasts) in [(json!(null), 10), (json!(10), 10), (json!(1), 1), (json!(0), 0)] {
        server.clock.set(0);
        let old = server.admin.create(json!({ "name": "n" })).await.unwrap().client;
        let new = old.with(old.rotate_with(json!({ "overlapMinutes": asked })).await.unwrap());
        if lasts > 0 {
            server.clock.set(lasts * MINUTE - 1);
            assert_eq!(old.check().await, Ok(2), "{asked}");
        }
        server.clock.set(lasts * MINUTE);
        assert_eq!(old.check().await, Err("VALUE_RETIRED".into()), "{asked}");
        assert_eq!(new.check().await, Ok(2));
    }
    for asked in [-1, 11] {
        let query =
            "mutation($minutes: Int) { rotateAPIToken(input: { overlapMinutes: $minutes }) { token { value } } }";
        let answer = server.admin.graphql(query, json!({ "minutes": asked })).await;
        assert_eq!((answer.code(), answer.field()), (Some("BAD_USER_INPUT"), Some("overlapMinutes")), "{asked}");
    }
    assert_eq!(server.admin.check().await, Ok(1));
}

#[tokio::test]
async fn r4_an_overlap_of_0_ends_a_leaked_value_immediately_even_with_first_use() {
    let server = Server::start().await;
    let input = json!({ "name": "leaked", "overlapStarts": "FIRST_USE" });
    let old = server.admin.create(input).await.unwrap().client;
    let new = old.with(old.rotate_with(json!({ "overlapMinutes": 0 })).await.unwrap());
    assert_eq!(old.check().await, Err("VALUE_RETIRED".into()));
    assert_eq!(new.check().await, Ok(2));
}

#[tokio::test]
async fn r4_a_running_overlap_can_be_ended_and_ending_it_twice_changes_nothing() {
    let server = Server::start().await;
    let token = server.admin.create(json!({ "name": "n" })).await.unwrap();
    assert_eq!(token.client.end_overlap(&token.id).await, Ok(1), "nothing to end");
    let new = token.client.with(token.client.rotate().await.unwrap());
    assert_eq!(token.client.check().await, Ok(2));
    server.clock.advance(5 * MINUTE);
    for _ in 0..2 {
        assert_eq!(new.end_overlap(&token.id).await, Ok(1));
        assert_eq!(token.client.check().await, Err("VALUE_RETIRED".into()));
        assert_eq!(new.check().await, Ok(2));
    }
    let newer = new.with(new.rotate().await.unwrap());
    server.clock.advance(5 * MINUTE);
    assert_eq!(server.admin.end_overlap(&token.id).await, Ok(1), "by another caller");
    assert_eq!(new.check().await, Err("VALUE_RETIRED".into()));
    assert_eq!(newer.check().await, Ok(3));
}

#[tokio::test]
async fn r4_the_holder_of_a_public_token_cannot_cut_off_the_others() {
    let server = Server::start().await;
    let token = server.admin.create(json!({ "name": "web", "kind": "PUBLIC" })).await.unwrap();
    let new = server.admin.rotate_id(&token.id).await.unwrap();
    assert_eq!(new.end_overlap(&token.id).await, Err("FORBIDDEN".into()));
    assert_eq!(token.client.check().await, Ok(2));
    let stranger = server.admin.create(json!({ "name": "stranger" })).await.unwrap();
    assert_eq!(stranger.client.end_overlap(&token.id).await, Err("FORBIDDEN".into()));
    assert_eq!(server.admin.force_end_overlap(&token.id).await, Ok(1));
}

#[tokio::test]
async fn r5_with_first_use_a_client_recovers_however_late() {
    let server = Server::start().await;
    let input = json!({ "name": "slow", "overlapStarts": "FIRST_USE" });
    let old = server.admin.create(input).await.unwrap().client;
    let mut lost = old.clone();
    for day in 1..=2 {
        server.clock.set(day * 24 * 60 * MINUTE);
        lost = lost.with(old.rotate().await.unwrap());
    }
    server.clock.advance(10 * SECOND);
    let found = old.with(old.rotate().await.unwrap());
    assert_eq!(lost.check().await, Err("VALUE_RETIRED".into()));
    assert_eq!(found.check().await, Ok(4));
}

#[tokio::test]
async fn r5_a_lost_answer_to_a_rotation_by_id_cuts_no_client_off() {
    let server = Server::start().await;
    for starts in ["ROTATION", "FIRST_USE"] {
        for kind in ["PRIVATE", "PUBLIC"] {
            let input = json!({ "name": "deployed", "kind": kind, "overlapStarts": starts });
            let token = server.admin.create(input).await.unwrap();
            let lost = server.admin.rotate_id(&token.id).await.unwrap();
            server.clock.advance(10 * SECOND);
            let found = server.admin.rotate_id(&token.id).await.unwrap();
            assert_eq!(token.client.check().await, Ok(3), "{starts} {kind}: the value in use works on");
            assert_eq!(lost.check().await, Err("VALUE_RETIRED".into()));
            assert_eq!(found.check().await, Ok(3));
            // Once the new value is in use, a rotation by id is an ordinary one.
            let next = server.admin.rotate_id(&token.id).await.unwrap();
            assert_eq!(token.client.check().await, Err("VALUE_RETIRED".into()));
            assert_eq!(found.check().await, Ok(4));
            assert_eq!(next.check().await, Ok(4));
        }
    }
}

#[tokio::test]
async fn r4_a_recovery_does_not_lengthen_an_overlap_that_was_shortened() {
    let server = Server::start().await;
    let old = server.admin.create(json!({ "name": "n", "overlapMinutes": 1_000 })).await.unwrap().client;
    old.rotate_with(json!({ "overlapMinutes": 1 })).await.unwrap();
    server.clock.set(10 * SECOND);
    old.rotate().await.unwrap();
    server.clock.set(MINUTE + 10 * SECOND - 1);
    assert_eq!(old.check().await, Ok(3));
    server.clock.set(MINUTE + 10 * SECOND);
    assert_eq!(old.check().await, Err("VALUE_RETIRED".into()));
}

#[tokio::test]
async fn r3_no_value_outlives_its_period_by_never_using_the_next() {
    let server = Server::start().await;
    let input = json!({ "name": "n", "rotationPeriodMinutes": 1, "overlapMinutes": 1 });
    let old = server.admin.create(input).await.unwrap().client;
    for second in [20, 40, 60] {
        server.clock.set(second * SECOND);
        old.rotate().await.ok();
    }
    // It was replaced at second 20; a period later it is done, however often it has recovered.
    server.clock.set(80 * SECOND - 1);
    assert!(old.check().await.is_ok());
    server.clock.set(80 * SECOND);
    assert_eq!(old.check().await, Err("VALUE_RETIRED".into()));
}
