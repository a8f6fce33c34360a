//! `apiTokens`: the filters by what tokens may do, by who created them, by their deadlines, overlaps and metadata.

use rotakey::domain::timestamp::Timestamp;
use serde_json::{Value, json};

use super::filters_and_pages::{LIST, list, names};
use crate::support::clock::{MINUTE, SECOND, START};
use crate::support::server::Server;

/// Checks which tokens each filter finds, in every order, before and after housekeeping has come to the tokens.
pub async fn check(server: &Server, cases: &[(Value, &[&str])]) {
    for swept in [false, true] {
        if swept {
            server.service().await.sweep().await.unwrap();
        }
        for (filter, expected) in cases {
            for field in ["NAME", "CREATED_AT", "EXPIRES_AT", "ROTATE_BY", "LAST_USED_AT"] {
                let order = json!({ "field": field, "direction": "DESC" });
                let page = list(server, json!({ "filter": filter, "orderBy": order })).await;
                let mut names = names(&page);
                names.sort_unstable();
                assert_eq!(names, *expected, "{filter} {field} {swept}");
            }
        }
    }
}

#[tokio::test]
async fn tokens_are_found_by_exactly_the_scopes_and_permissions_that_they_have_now() {
    let server = Server::start().await;
    let admin = &server.admin;
    admin.create(json!({ "name": "none" })).await.unwrap();
    admin.create(json!({ "name": "prefix", "scopes": ["orders"] })).await.unwrap();
    admin.create(json!({ "name": "star", "scopes": ["*"] })).await.unwrap();
    admin.create(json!({ "name": "both", "scopes": ["orders:read", "a'b", "orders"] })).await.unwrap();
    admin.create(json!({ "name": "named as one", "scopes": ["API_TOKEN_READ"] })).await.unwrap();
    let holder =
        json!({ "name": "holder", "permissions": ["API_TOKEN_READ", "AUDIT_LOG_READ"], "scopes": ["orders:read"] });
    let holder = admin.create(holder).await.unwrap();
    check(
        &server,
        &[
            (json!({ "scope": "orders:read" }), &["both", "holder"]),
            (json!({ "scope": "orders" }), &["both", "prefix"]),
            (json!({ "scope": "a'b" }), &["both"]),
            (json!({ "scope": "ORDERS" }), &[]),
            (json!({ "scope": "*" }), &["admin", "star"]),
            (json!({ "permission": "API_TOKEN_READ" }), &["admin", "holder"]),
            (json!({ "permission": "AUDIT_LOG_READ", "scope": "orders:read" }), &["holder"]),
            (json!({ "permission": "AUDIT_LOG_READ", "scope": "orders" }), &[]),
            (json!({ "permission": null, "scope": "orders", "name": "pre" }), &["prefix"]),
            (json!({ "scope": "orders:read", "status": ["ACTIVE"], "kind": "PRIVATE" }), &["both", "holder"]),
            (json!({ "scope": "orders:read", "kind": "PUBLIC" }), &[]),
        ],
    )
    .await;
    let changed = json!({ "id": holder.id, "permissions": ["API_TOKEN_READ"], "scopes": ["orders"] });
    // Twice: what was there is removed each time.
    for _ in 0..2 {
        admin.update(changed.clone()).await.unwrap();
        check(
            &server,
            &[
                (json!({ "scope": "orders:read" }), &["both"]),
                (json!({ "scope": "orders" }), &["both", "holder", "prefix"]),
                (json!({ "permission": "API_TOKEN_READ" }), &["admin", "holder"]),
                (json!({ "permission": "AUDIT_LOG_READ" }), &["admin"]),
            ],
        )
        .await;
    }
}

#[tokio::test]
async fn tokens_are_found_by_the_token_that_created_them() {
    let server = Server::start().await;
    let maker = json!({ "name": "maker", "permissions": ["API_TOKEN_MODIFY"] });
    let maker = server.admin.create(maker).await.unwrap();
    maker.client.create(json!({ "name": "child" })).await.unwrap();
    let other = server.admin.create(json!({ "name": "other" })).await.unwrap();
    check(
        &server,
        &[
            (json!({ "createdBy": maker.id }), &["child"]),
            (json!({ "createdBy": server.admin.my_id().await }), &["maker", "other"]),
            (json!({ "createdBy": other.id }), &[]),
            (json!({ "createdBy": maker.id, "status": ["REVOKED"] }), &[]),
        ],
    )
    .await;
}

#[tokio::test]
async fn tokens_are_found_by_their_deadlines_up_to_the_millisecond() {
    let server = Server::start().await;
    let admin = &server.admin;
    let at = |millis: i64| Timestamp::from_unix_millis(START + millis).to_string();
    for (name, expires_at) in [("first", 2 * MINUTE), ("second", 2 * MINUTE + 1), ("third", 60 * MINUTE)] {
        admin.create(json!({ "name": name, "expiresAt": at(expires_at) })).await.unwrap();
    }
    for (name, period) in [("missed", 1), ("soon", 10)] {
        admin.create(json!({ "name": name, "rotationPeriodMinutes": period })).await.unwrap();
    }
    let rotated = admin.create(json!({ "name": "rotated", "rotationPeriodMinutes": 2 })).await.unwrap();
    server.clock.set(MINUTE);
    rotated.client.rotate().await.unwrap();
    let cases: [(Value, &[&str]); 10] = [
        (json!({ "expiresAfter": at(2 * MINUTE) }), &["first", "second", "third"]),
        (json!({ "expiresAfter": at(2 * MINUTE + 1) }), &["second", "third"]),
        (json!({ "expiresBefore": at(2 * MINUTE + 1) }), &["first"]),
        (json!({ "expiresBefore": at(2 * MINUTE) }), &[]),
        (json!({ "expiresAfter": at(2 * MINUTE + 1), "expiresBefore": at(2 * MINUTE + 2) }), &["second"]),
        (json!({ "rotateByBefore": at(MINUTE) }), &[]),
        (json!({ "rotateByBefore": at(MINUTE + 1) }), &["missed"]),
        (json!({ "rotateByBefore": at(3 * MINUTE) }), &["missed"]),
        (json!({ "rotateByBefore": at(3 * MINUTE + 1) }), &["missed", "rotated"]),
        (json!({ "rotateByBefore": at(60 * MINUTE), "status": ["ACTIVE"] }), &["rotated", "soon"]),
    ];
    check(&server, &cases).await;
    // Housekeeping has seen by then that the period of one has ended.
    server.clock.set(2 * MINUTE + 30 * SECOND);
    check(&server, &cases).await;
    check(&server, &[(json!({ "expiresBefore": at(2 * MINUTE + 2), "status": ["ACTIVE"] }), &[])]).await;
}

#[tokio::test]
async fn an_overlap_is_running_until_it_ends() {
    let server = Server::start().await;
    let admin = &server.admin;
    for (name, settings) in [
        ("plain", json!({})),
        ("ends", json!({ "overlapMinutes": 1 })),
        ("lasts", json!({ "overlapMinutes": 5 })),
        ("waits", json!({ "overlapMinutes": 5, "overlapStarts": "FIRST_USE" })),
        ("ended", json!({ "overlapMinutes": 5 })),
        ("at once", json!({ "overlapMinutes": 0 })),
        ("twice", json!({ "overlapMinutes": 5 })),
    ] {
        let mut input = settings;
        input["name"] = json!(name);
        let token = admin.create(input).await.unwrap();
        if name != "plain" {
            admin.rotate_id(&token.id).await.unwrap();
        }
        if name == "twice" {
            server.clock.advance(20 * SECOND);
            admin.rotate_id(&token.id).await.unwrap();
        }
        if name == "ended" {
            admin.end_overlap(&token.id).await.unwrap();
        }
    }
    let cases = |running: &'static [&'static str], others: &'static [&'static str]| {
        [
            (json!({ "overlapRunning": true }), running),
            (json!({ "overlapRunning": false }), others),
            (json!({ "overlapRunning": null, "name": "lasts" }), &["lasts"]),
            (json!({ "overlapRunning": true, "name": "lasts" }), &["lasts"]),
        ]
    };
    server.clock.set(MINUTE - 1);
    check(&server, &cases(&["ends", "lasts", "twice", "waits"], &["admin", "at once", "ended", "plain"])).await;
    server.clock.set(MINUTE);
    check(&server, &cases(&["lasts", "twice", "waits"], &["admin", "at once", "ended", "ends", "plain"])).await;
}

#[tokio::test]
async fn tokens_are_found_by_the_pairs_of_metadata_that_they_have_now() {
    let server = Server::start().await;
    let admin = &server.admin;
    let pair = |key: &str, value: &str| json!({ "key": key, "value": value });
    let (payments, eu) = (pair("team", "payments"), pair("region", "eu"));
    let many: Vec<Value> = (0..16).map(|number| pair(&format!("k{number}"), "v")).collect();
    for (name, metadata) in [
        ("none", json!([])),
        ("both", json!([eu, payments])),
        ("team", json!([payments])),
        ("other case", json!([pair("team", "Payments"), pair("Region", "eu")])),
        ("longer", json!([pair("team", "payments2"), pair("region", "")])),
        ("other key", json!([pair("owner", "payments"), pair("q", "a'b\\\"=%_,ü\u{1F511}")])),
        ("many", json!(many)),
    ] {
        server.clock.advance(1);
        admin.create(json!({ "name": name, "metadata": metadata })).await.unwrap();
    }
    let moved = admin.create(json!({ "name": "moved", "metadata": [payments] })).await.unwrap();
    admin.update(json!({ "id": moved.id, "metadata": [eu] })).await.unwrap();
    check(
        &server,
        &[
            (json!({ "metadata": payments }), &["both", "team"]),
            (json!({ "metadata": [eu] }), &["both", "moved"]),
            (json!({ "metadata": [payments, eu] }), &["both"]),
            (json!({ "metadata": [payments, pair("region", "us")] }), &[]),
            (json!({ "metadata": pair("region", "") }), &["longer"]),
            (json!({ "metadata": pair("q", "a'b\\\"=%_,ü\u{1F511}") }), &["other key"]),
            (json!({ "metadata": pair("team", "%") }), &[]),
            (json!({ "metadata": many }), &["many"]),
            (json!({ "metadata": payments, "name": "BO" }), &["both"]),
            (
                json!({ "metadata": payments, "status": ["ACTIVE"], "kind": "PRIVATE", "scope": null }),
                &["both", "team"],
            ),
            (json!({ "metadata": payments, "kind": "PUBLIC" }), &[]),
            (json!({ "metadata": payments, "permission": "API_TOKEN_READ" }), &[]),
            (json!({ "metadata": [], "name": "ot" }), &["both", "other case", "other key"]),
            (json!({ "metadata": null, "name": "none" }), &["none"]),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_condition_that_nothing_can_meet_is_refused_with_its_field() {
    let server = Server::start().await;
    for (filter, code, field) in [
        (json!({ "scope": "two words" }), "BAD_USER_INPUT", "scope"),
        (json!({ "scope": "" }), "BAD_USER_INPUT", "scope"),
        (json!({ "previousValueUsedWithinMinutes": 0 }), "BAD_USER_INPUT", "previousValueUsedWithinMinutes"),
        (json!({ "previousValueUsedWithinMinutes": -1 }), "BAD_USER_INPUT", "previousValueUsedWithinMinutes"),
        (
            json!({ "expiresAfter": "2030-01-01T00:00:00Z", "expiresBefore": "2030-01-01T00:00:00Z" }),
            "BAD_USER_INPUT",
            "expiresBefore",
        ),
        (json!({ "createdBy": "nobody" }), "NOT_FOUND", "createdBy"),
        (json!({ "metadata": { "key": "two words", "value": "" } }), "BAD_USER_INPUT", "metadata"),
        (
            json!({ "metadata": [{ "key": "a", "value": "1" }, { "key": "a", "value": "2" }] }),
            "BAD_USER_INPUT",
            "metadata",
        ),
        (json!({ "metadata": { "key": "a", "value": "\u{0}" } }), "BAD_USER_INPUT", "metadata"),
    ] {
        let answer = server.admin.graphql(LIST, json!({ "filter": filter })).await;
        assert_eq!((answer.code(), answer.field()), (Some(code), Some(field)), "{filter}: {}", answer.body);
    }
}
