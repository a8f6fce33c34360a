//! `apiTokens`: filters, orders and pages.

use sea_orm::{ConnectionTrait, Statement};
use serde_json::{Value, json};

use crate::support::clock::MINUTE;
use crate::support::server::Server;

pub const LIST: &str = "query($first: Int, $after: String, $last: Int, $before: String, $filter: APITokenFilter,
    $orderBy: APITokenOrder) {
    apiTokens(first: $first, after: $after, last: $last, before: $before, filter: $filter, orderBy: $orderBy) {
        edges { cursor node { name status } }
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }";

pub async fn list(server: &Server, variables: Value) -> Value {
    let answer = server.admin.graphql(LIST, variables).await;
    assert_eq!(answer.code(), None, "{}", answer.body);
    answer.body["data"]["apiTokens"].clone()
}

pub fn names(page: &Value) -> Vec<&str> {
    page["edges"].as_array().unwrap().iter().map(|edge| edge["node"]["name"].as_str().unwrap()).collect()
}

/// Walks all pages of this size, forwards or backwards, and returns the names in the order of the listing.
pub async fn walk(server: &Server, size: usize, order: &Value, backwards: bool) -> Vec<String> {
    let mut all = Vec::new();
    let mut cursor = Value::Null;
    loop {
        let variables = if backwards {
            json!({ "last": size, "before": cursor, "orderBy": order })
        } else {
            json!({ "first": size, "after": cursor, "orderBy": order })
        };
        let page = list(server, variables).await;
        let names = names(&page).into_iter().map(str::to_owned);
        let (more, next) = if backwards { ("hasPreviousPage", "startCursor") } else { ("hasNextPage", "endCursor") };
        all = if backwards { names.chain(all).collect() } else { all.into_iter().chain(names).collect() };
        if page["pageInfo"][more] == json!(false) {
            return all;
        }
        assert!(all.len() < 100, "the pages do not end");
        cursor = page["pageInfo"][next].clone();
    }
}

#[tokio::test]
async fn every_walk_meets_every_token_once_in_order() {
    let server = Server::start().await;
    let mut created = vec!["admin".to_owned()];
    // Names that tie, differ in case, and sort otherwise in most languages.
    for name in ["b", "a", "B", "a", "ä", "Z", "b%", "_"] {
        server.clock.advance(1);
        server.admin.create(json!({ "name": name })).await.unwrap();
        created.push(name.to_owned());
    }
    let mut by_name = created.clone();
    by_name.sort();
    let reversed = |names: &[String]| names.iter().rev().cloned().collect::<Vec<_>>();
    for (field, direction, expected) in [
        ("CREATED_AT", "ASC", created.clone()),
        ("CREATED_AT", "DESC", reversed(&created)),
        ("NAME", "ASC", by_name.clone()),
        ("NAME", "DESC", reversed(&by_name)),
    ] {
        let order = json!({ "field": field, "direction": direction });
        for size in [1, 2, 3, 8, 9, 10] {
            for backwards in [false, true] {
                assert_eq!(walk(&server, size, &order, backwards).await, expected, "{order} {size} {backwards}");
            }
        }
    }
}

#[tokio::test]
async fn a_page_says_whether_there_are_others_before_and_after() {
    let server = Server::start().await;
    for name in ["one", "two", "three"] {
        server.clock.advance(1);
        server.admin.create(json!({ "name": name })).await.unwrap();
    }
    let flags = |page: &Value| (page["pageInfo"]["hasPreviousPage"].clone(), page["pageInfo"]["hasNextPage"].clone());
    let first = list(&server, json!({ "first": 2 })).await;
    assert_eq!((names(&first), flags(&first)), (vec!["admin", "one"], (json!(false), json!(true))));
    let cursor = &first["pageInfo"]["endCursor"];
    let second = list(&server, json!({ "first": 2, "after": cursor })).await;
    assert_eq!((names(&second), flags(&second)), (vec!["two", "three"], (json!(true), json!(false))));
    let before = list(&server, json!({ "last": 1, "before": second["pageInfo"]["startCursor"] })).await;
    assert_eq!((names(&before), flags(&before)), (vec!["one"], (json!(true), json!(true))));
    let between = list(&server, json!({ "after": cursor, "before": second["pageInfo"]["endCursor"] })).await;
    assert_eq!(names(&between), ["two"]);
    let none = list(&server, json!({ "filter": { "name": "nothing" } })).await;
    assert_eq!(
        none["pageInfo"],
        json!({ "hasNextPage": false, "hasPreviousPage": false, "startCursor": null, "endCursor": null })
    );
}

#[tokio::test]
async fn filters_narrow_by_name_owner_kind_and_status() {
    let server = Server::start().await;
    let admin = &server.admin;
    admin.create(json!({ "name": "Web_App", "kind": "PUBLIC", "owner": "acme" })).await.unwrap();
    admin.create(json!({ "name": "webXapp", "owner": "Acme" })).await.unwrap();
    let revoked =
        admin.create(json!({ "name": "gone", "owner": "acme", "expiresAt": "2026-01-01T00:01:00Z" })).await.unwrap();
    admin.revoke(&revoked.id).await.unwrap();
    admin
        .create(json!({ "name": "old", "expiresAt": "2026-01-01T00:01:00Z", "rotationPeriodMinutes": 1 }))
        .await
        .unwrap();
    let paused = admin.create(json!({ "name": "paused" })).await.unwrap();
    admin.suspend(&paused.id).await.unwrap();
    admin.create(json!({ "name": "late", "rotationPeriodMinutes": 1 })).await.unwrap();
    let rotated = admin.create(json!({ "name": "kept", "rotationPeriodMinutes": 1 })).await.unwrap();
    server.clock.set(MINUTE / 2);
    rotated.client.rotate().await.unwrap();
    server.clock.set(MINUTE);
    for (filter, expected) in [
        (json!({}), vec!["Web_App", "admin", "gone", "kept", "late", "old", "paused", "webXapp"]),
        (json!({ "name": "web" }), vec!["Web_App", "webXapp"]),
        (json!({ "name": "b_a" }), vec!["Web_App"]),
        (json!({ "name": "%" }), vec![]),
        (json!({ "owner": "acme" }), vec!["Web_App", "gone"]),
        (json!({ "kind": "PUBLIC" }), vec!["Web_App"]),
        (json!({ "kind": "PRIVATE", "owner": "acme" }), vec!["gone"]),
        (json!({ "status": "ACTIVE" }), vec!["Web_App", "admin", "kept", "webXapp"]),
        (json!({ "status": ["REVOKED"] }), vec!["gone"]),
        (json!({ "status": ["EXPIRED"] }), vec!["old"]),
        (json!({ "status": ["SUSPENDED"] }), vec!["paused"]),
        (json!({ "status": ["SUSPENDED", "ACTIVE"], "kind": "PRIVATE" }), vec!["admin", "kept", "paused", "webXapp"]),
        (json!({ "status": ["ROTATION_OVERDUE"] }), vec!["late"]),
        (json!({ "status": ["EXPIRED", "REVOKED"], "name": "O" }), vec!["gone", "old"]),
        (json!({ "status": [], "owner": "acme" }), vec!["Web_App", "gone"]),
    ] {
        let page = list(&server, json!({ "filter": filter, "orderBy": { "field": "NAME", "direction": "ASC" } })).await;
        assert_eq!(names(&page), expected, "{filter}");
    }
}

#[tokio::test]
async fn the_filter_by_status_agrees_with_the_status_shown() {
    // Also where housekeeping never comes, comes from time to time, or always.
    check_statuses([false; 5], 9).await;
    check_statuses([false, true, false, true, false], 3).await;
    check_statuses([true; 5], 3).await;
}

/// Compares the two at every boundary, with housekeeping in these minutes, after which so many tokens are taken for active by it.
async fn check_statuses(sweeps: [bool; 5], active: i64) {
    let server = Server::start().await;
    // Every combination of the facts that a status is made of.
    for expires_at in [None, Some("2026-01-01T00:02:00Z")] {
        for period in [None, Some(1), Some(2), Some(3)] {
            for (suspend, revoke) in [(false, false), (true, false), (false, true), (true, true)] {
                // A token must be valid before it is overdue.
                let later = Some("2026-01-01T00:01:00Z").filter(|_| period != Some(1));
                for not_before in std::iter::once(None).chain(later.map(Some)) {
                    let name = format!("{not_before:?} {expires_at:?} {period:?} {suspend} {revoke}");
                    let mut input = json!({ "name": name, "expiresAt": expires_at, "rotationPeriodMinutes": period });
                    input["notBefore"] = json!(not_before);
                    let token = server.admin.create(input).await.unwrap();
                    if suspend {
                        server.admin.suspend(&token.id).await.unwrap();
                    }
                    if revoke {
                        server.admin.revoke(&token.id).await.unwrap();
                    }
                }
            }
        }
    }
    let service = server.service().await;
    for (minute, sweep) in (1..).zip(sweeps) {
        for offset in [-1, 0, 1] {
            server.clock.set(minute * MINUTE + offset);
            if sweep {
                service.sweep().await.unwrap();
            }
            let mut met = 0;
            for status in ["ACTIVE", "SUSPENDED", "NOT_YET_VALID", "EXPIRED", "ROTATION_OVERDUE", "REVOKED"] {
                let page = list(&server, json!({ "first": 200, "filter": { "status": [status] } })).await;
                for edge in page["edges"].as_array().unwrap() {
                    assert_eq!(edge["node"]["status"], json!(status), "{edge}");
                    met += 1;
                }
            }
            assert_eq!(met, 57, "every token has one status");
        }
    }
    let connection = server.database.connect().await;
    let sql = "SELECT count(*) AS tokens FROM api_token WHERE swept_status = 'ACTIVE'";
    let statement = Statement::from_string(connection.get_database_backend(), sql);
    let counted = connection.query_one_raw(statement).await.unwrap().unwrap();
    assert_eq!(counted.try_get::<i64>("", "tokens").unwrap(), active);
}

#[tokio::test]
async fn names_are_found_by_any_part_of_them_as_they_now_are() {
    let server = Server::start().await;
    let found = async |part: &str| {
        let variables = json!({ "filter": { "name": part }, "orderBy": { "field": "NAME", "direction": "ASC" } });
        let page = list(&server, variables).await;
        names(&page).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let quoted = r#"say "hi" OR 100%_\ * (NEAR)"#;
    let mut ids = Vec::new();
    for name in ["Überbau STRASSE", "überbau straße", quoted, "x"] {
        ids.push(server.admin.create(json!({ "name": name })).await.unwrap().id);
    }
    for (part, expected) in [
        ("berbau", vec!["Überbau STRASSE", "überbau straße"]),
        ("ÜBERBAU", vec!["Überbau STRASSE"]),
        ("überbau", vec!["überbau straße"]),
        ("strasse", vec!["Überbau STRASSE"]),
        ("STRA", vec!["Überbau STRASSE", "überbau straße"]),
        (r#""HI" or"#, vec![quoted]),
        (r"%_\", vec![quoted]),
        ("* (near)", vec![quoted]),
        ("%_%", vec![]),
        ("a%b", vec![]),
        ("say hi", vec![]),
        ("ß", vec!["überbau straße"]),
        ("au", vec!["Überbau STRASSE", "überbau straße"]),
        ("X", vec!["x"]),
        ("xyz", vec![]),
    ] {
        assert_eq!(found(part).await, expected, "{part}");
    }
    server.admin.update(json!({ "id": ids[0], "name": "Renamed" })).await.unwrap();
    server.admin.update(json!({ "id": ids[0], "name": "renamed twice" })).await.unwrap();
    server.admin.update(json!({ "id": ids[0], "description": "the name is as it was" })).await.unwrap();
    // SQLite then renumbers the rows of some tables.
    server.database.connect().await.execute_unprepared("VACUUM").await.unwrap();
    assert_eq!(found("STRASSE").await, Vec::<String>::new());
    assert_eq!(found("RENAMED").await, ["renamed twice"]);
    assert_eq!(found("straße").await, ["überbau straße"]);
}

#[tokio::test]
async fn listing_needs_the_permission_to_read() {
    let server = Server::start().await;
    let plain = server.admin.create(json!({ "name": "plain", "permissions": ["API_TOKEN_MODIFY"] })).await.unwrap();
    assert_eq!(plain.client.graphql(LIST, json!({})).await.code(), Some("FORBIDDEN"));
    assert_eq!(server.anonymous().graphql(LIST, json!({})).await.code(), Some("UNAUTHENTICATED"));
}

#[tokio::test]
async fn a_page_has_25_tokens_unless_asked_and_200_at_most() {
    let server = Server::start().await;
    let aliases: Vec<String> = (0..201)
        .map(|number| format!("t{number}: createAPIToken(input: {{ name: \"t{number}\" }}) {{ token {{ id }} }}"))
        .collect();
    for aliases in aliases.chunks(20) {
        assert_eq!(server.admin.ask(&format!("mutation {{ {} }}", aliases.join(" "))).await.code(), None);
    }
    for (variables, size) in
        [(json!({}), 25), (json!({ "first": 1 }), 1), (json!({ "first": 200 }), 200), (json!({ "last": 200 }), 200)]
    {
        assert_eq!(names(&list(&server, variables).await).len(), size);
    }
}
