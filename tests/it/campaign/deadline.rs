//! What a campaign does at its deadline.

use std::collections::BTreeMap;

use rotakey::domain::id::TokenId;
use rotakey::domain::timestamp::Timestamp;
use sea_orm::ConnectionTrait;
use serde_json::{Value, json};

use super::{cancel, create, create_tokens, end, input, progress, tokens};
use crate::support::client::Created;
use crate::support::clock::{MINUTE, START};
use crate::support::server::Server;

type Row = (String, String, Option<String>);

fn row(token: &Created, state: &str, refusal: Option<&str>) -> Row {
    (token.id.clone(), state.to_owned(), refusal.map(str::to_owned))
}

#[tokio::test]
async fn without_revocation_it_reports_who_is_left_and_nothing_else_happens() {
    let server = Server::start().await;
    let waiting = create_tokens(&server, 2, json!({})).await;
    let rotated = create_tokens(&server, 1, json!({ "overlapMinutes": 120 })).await.remove(0);
    let id = create(&server, &server.admin, input("NOTHING")).await;
    rotated.client.rotate().await.unwrap();
    server.clock.set(60 * MINUTE - 1);
    server.service().await.advance_campaigns().await.unwrap();
    assert_eq!(progress(&server, &id).await.0, "OPEN");
    server.clock.advance(1);
    let counts = json!({ "total": 3, "left": 3, "waiting": 2, "rotated": 1 });
    assert_eq!(end(&server, &id).await, ("DEADLINE_REACHED".to_owned(), counts.clone()));
    let left = json!(["WAITING", "ROTATED", "NEW_VALUE_IN_USE", "OLD_VALUE_SILENT"]);
    let expected =
        [row(&waiting[0], "WAITING", None), row(&waiting[1], "WAITING", None), row(&rotated, "ROTATED", None)];
    assert_eq!(tokens(&server, &id, left.clone()).await, expected);
    assert_eq!(waiting[0].client.check().await, Ok(1));
    assert_eq!(rotated.client.check().await, Ok(2));
    // What happens later is not in the report.
    server.admin.revoke(&waiting[0].id).await.unwrap();
    assert_eq!(progress(&server, &id).await.1, counts);
    assert_eq!(tokens(&server, &id, left).await, expected);
}

/// Each is cut off exactly once, although several replicas see to it. What must not be cut off is known from the beginning, and reported.
#[tokio::test]
async fn r11_with_revocation_no_old_value_works_and_what_must_not_be_revoked_is_reported() {
    let server = Server::start().await;
    let waiting = create_tokens(&server, 120, json!({})).await;
    let protected = create_tokens(&server, 1, json!({ "protected": true })).await.remove(0);
    let greater = create_tokens(&server, 1, json!({ "permissions": ["AUDIT_LOG_READ"] })).await.remove(0);
    let own = json!({ "permissions": ["API_TOKEN_READ", "API_TOKEN_MODIFY"] });
    let own = create_tokens(&server, 1, own).await.remove(0);
    let unused = create_tokens(&server, 1, json!({ "overlapMinutes": 120 })).await.remove(0);
    let used = create_tokens(&server, 1, json!({ "overlapMinutes": 120, "protected": true })).await.remove(0);
    let retired = create_tokens(&server, 1, json!({})).await.remove(0);
    let id = create(&server, &own.client, input("REVOKE")).await;
    let expected = |state: &str| {
        [
            row(&protected, "WAITING", Some("TOKEN_PROTECTED")),
            row(&greater, "WAITING", Some("FORBIDDEN")),
            row(&own, "WAITING", Some("FORBIDDEN")),
            row(&unused, state, None),
        ]
    };
    assert_eq!(tokens(&server, &id, Value::Null).await[120..124], expected("WAITING"));
    let counts = json!({ "total": 126, "left": 126, "waiting": 126, "notRevocable": 4 });
    assert_eq!(progress(&server, &id).await.1, counts, "one more is protected, but will be rotated");
    let rotated = |value: &str, token: &Created| token.client.with(value);
    let unused_new = rotated(&unused.client.rotate().await.unwrap(), &unused);
    let used_new = rotated(&used.client.rotate().await.unwrap(), &used);
    let retired_new = rotated(&retired.client.rotate().await.unwrap(), &retired);
    for new in [&used_new, &retired_new] {
        assert_eq!(new.check().await, Ok(2));
    }
    server.clock.advance(60 * MINUTE);
    let (one, two) = (server.service_with(1).await, server.service_with(2).await);
    let (first, second) = tokio::join!(one.advance_campaigns(), two.advance_campaigns());
    first.and(second).unwrap();
    let counts = json!({ "total": 126, "left": 3, "notRevocable": 3, "waiting": 3, "retired": 3, "revoked": 120 });
    assert_eq!(end(&server, &id).await, ("DEADLINE_REACHED".to_owned(), counts));
    let all = tokens(&server, &id, Value::Null).await;
    assert_eq!(all[..120], waiting.iter().map(|token| row(token, "REVOKED", None)).collect::<Vec<_>>());
    assert_eq!(all[120..124], expected("RETIRED"));
    for token in &waiting {
        assert_eq!(token.client.check().await, Err("TOKEN_REVOKED".into()));
    }
    for left in [&protected, &greater, &own] {
        assert_eq!(left.client.check().await, Ok(1));
    }
    for (new, old) in [(&unused_new, &unused), (&used_new, &used), (&retired_new, &retired)] {
        assert_eq!(new.check().await, Ok(2), "a token that was rotated keeps its new value");
        assert_eq!(old.client.check().await, Err("VALUE_RETIRED".into()));
    }
    // One event each, by who created the campaign, with its id and its reason.
    let query = "query($after: String) { auditEvents(first: 200, after: $after,
        filter: { actions: [API_TOKEN_REVOKED, API_TOKEN_OVERLAP_ENDED] }) { nodes { action tokenId reason actor { id } } } }";
    let nodes = server.admin.graphql(query, json!({})).await.body["data"]["auditEvents"]["nodes"].clone();
    let mut events: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for node in nodes.as_array().unwrap() {
        assert_eq!((&node["reason"], &node["actor"]["id"]), (&json!(format!("{id}: INC-7")), &json!(own.id)));
        let action = node["action"].as_str().unwrap().to_owned();
        events.entry(node["tokenId"].as_str().unwrap().to_owned()).or_default().push(action);
    }
    assert!(waiting.iter().all(|token| events[&token.id] == ["API_TOKEN_REVOKED"]));
    assert_eq!(events[&unused.id], ["API_TOKEN_OVERLAP_ENDED"]);
    assert_eq!(events.len(), 122);
}

#[tokio::test]
async fn what_could_not_be_revoked_is_shown_as_it_is_now() {
    let server = Server::start().await;
    let protected = create_tokens(&server, 1, json!({ "protected": true })).await.remove(0);
    let plain = create_tokens(&server, 1, json!({})).await.remove(0);
    let admin = json!({ "name": "a", "permissions": ["API_TOKEN_READ", "API_TOKEN_MODIFY"] });
    let creator = server.admin.create(admin).await.unwrap();
    let id = create(&server, &creator.client, input("REVOKE")).await;
    let rows = |refusals: [Option<&str>; 2]| {
        vec![row(&protected, "WAITING", refusals[0]), row(&plain, "WAITING", refusals[1])]
    };
    assert_eq!(tokens(&server, &id, Value::Null).await, rows([Some("TOKEN_PROTECTED"), None]));
    server.admin.update(json!({ "id": protected.id, "protected": false })).await.unwrap();
    server.admin.update(json!({ "id": plain.id, "protected": true })).await.unwrap();
    assert_eq!(tokens(&server, &id, Value::Null).await, rows([None, Some("TOKEN_PROTECTED")]));
    server.admin.suspend(&creator.id).await.unwrap();
    assert_eq!(tokens(&server, &id, Value::Null).await, rows([Some("FORBIDDEN"); 2]));
    assert_eq!(progress(&server, &id).await.1["notRevocable"], 2);
}

/// A mistake may be seen by the first revocations.
#[tokio::test]
async fn a_campaign_that_is_cancelled_while_it_revokes_revokes_nothing_more() {
    let server = Server::start().await;
    let first = create_tokens(&server, 3, json!({})).await;
    server.clock.advance(1_000);
    let last = create_tokens(&server, 3, json!({})).await;
    let id = create(&server, &server.admin, input("REVOKE")).await;
    // As many tokens that are gone, between the two, as the steps of one turn report.
    let gone = (0..2_500_u16).map(|number| {
        let [high, low] = number.to_be_bytes();
        let token = TokenId::new(Timestamp::from_unix_millis(START + 500), [high, low, 0, 0, 0, 0, 0, 0, 0, 0]);
        format!("('{id}', '{token}', 1)")
    });
    let sql = "INSERT INTO rotation_campaign_token (campaign_id, token_id, generation) VALUES ";
    let sql = sql.to_owned() + &gone.collect::<Vec<_>>().join(", ");
    server.database.connect().await.execute_unprepared(&sql).await.unwrap();
    server.clock.advance(60 * MINUTE);
    assert!(server.service().await.advance_campaigns().await.unwrap(), "there is more to do");
    assert_eq!(first[0].client.check().await, Err("TOKEN_REVOKED".into()));
    assert_eq!(progress(&server, &id).await.0, "ENDING");
    let answer = cancel(&server.admin, &id, json!("a mistake")).await;
    assert_eq!(answer.body["data"]["cancelRotationCampaign"]["campaign"]["cancelled"], true, "{}", answer.body);
    let counts = json!({ "total": 2_506, "gone": 2_500, "revoked": 3, "left": 3, "waiting": 3 });
    assert_eq!(end(&server, &id).await, ("CANCELLED".to_owned(), counts));
    for token in &last {
        assert_eq!(token.client.check().await, Ok(1));
    }
}

/// R11: the right is judged again at the deadline.
#[tokio::test]
async fn r11_a_creator_that_has_lost_the_right_revokes_nothing() {
    for ended in ["revoked", "suspended", "changed"] {
        let server = Server::start().await;
        let waiting = create_tokens(&server, 3, json!({})).await;
        let admin = json!({ "name": "a", "permissions": ["API_TOKEN_READ", "API_TOKEN_MODIFY"] });
        let creator = server.admin.create(admin).await.unwrap();
        let id = create(&server, &creator.client, input("REVOKE")).await;
        assert_eq!(progress(&server, &id).await.1, json!({ "total": 3, "left": 3, "waiting": 3 }));
        match ended {
            "revoked" => drop(server.admin.revoke(&creator.id).await.unwrap()),
            "suspended" => drop(server.admin.suspend(&creator.id).await.unwrap()),
            _ => {
                drop(server.admin.update(json!({ "id": creator.id, "permissions": ["API_TOKEN_READ"] })).await.unwrap())
            }
        }
        server.clock.advance(60 * MINUTE);
        let counts = json!({ "total": 3, "left": 3, "notRevocable": 3, "waiting": 3 });
        assert_eq!(end(&server, &id).await, ("DEADLINE_REACHED".to_owned(), counts), "{ended}");
        let expected: Vec<_> = waiting.iter().map(|token| row(token, "WAITING", Some("FORBIDDEN"))).collect();
        assert_eq!(tokens(&server, &id, Value::Null).await, expected);
        assert_eq!(waiting[0].client.check().await, Ok(1));
    }
}

/// R7: whichever comes first, a token that was told a new value keeps it.
#[tokio::test]
async fn r7_a_rotation_beside_the_deadline_is_either_refused_or_kept() {
    let server = Server::start().await;
    let holders = create_tokens(&server, 150, json!({})).await;
    let id = create(&server, &server.admin, input("REVOKE")).await;
    server.clock.advance(60 * MINUTE);
    let service = server.service().await;
    let rotations = async {
        let mut outcomes = Vec::new();
        // From both ends, so that some come before their revocation and some after it.
        for place in (0..75).flat_map(|place| [149 - place, place]) {
            outcomes.push((place, holders[place].client.rotate().await));
        }
        outcomes
    };
    let (outcomes, advanced) = tokio::join!(rotations, service.advance_campaigns());
    advanced.unwrap();
    let (status, counts) = end(&server, &id).await;
    assert_eq!((status.as_str(), &counts["total"], &counts["left"]), ("DEADLINE_REACHED", &json!(150), &Value::Null));
    let states: BTreeMap<_, _> = tokens(&server, &id, Value::Null).await.into_iter().map(|it| (it.0, it.1)).collect();
    for (place, outcome) in outcomes {
        let holder = &holders[place];
        match outcome {
            Ok(value) => {
                assert_eq!(states[&holder.id], "RETIRED");
                assert_eq!(holder.client.with(value).check().await, Ok(2));
                assert_eq!(holder.client.check().await, Err("VALUE_RETIRED".into()));
            }
            Err(code) => {
                assert_eq!(code, "TOKEN_REVOKED");
                assert_eq!(states[&holder.id], "REVOKED");
            }
        }
    }
}
