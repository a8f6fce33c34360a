//! Pages of the audit log, forwards and backwards.

use serde_json::{Value, json};

use crate::support::client::Client;
use crate::support::clock::{MINUTE, SECOND};
use crate::support::server::Server;

const LIST: &str = "query($first: Int, $after: String, $last: Int, $before: String, $filter: AuditEventFilter) {
    auditEvents(first: $first, after: $after, last: $last, before: $before, filter: $filter) {
        edges { cursor node { id } } nodes { id } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }";

async fn list(admin: &Client, variables: Value) -> Value {
    let answer = admin.graphql(LIST, variables).await;
    assert_eq!(answer.code(), None, "{}", answer.body);
    answer.body["data"]["auditEvents"].clone()
}

fn ids(page: &Value) -> Vec<String> {
    let id = |node: &Value| node["id"].as_str().unwrap().to_owned();
    let ids: Vec<String> = page["edges"].as_array().unwrap().iter().map(|edge| id(&edge["node"])).collect();
    assert_eq!(page["nodes"].as_array().unwrap().iter().map(id).collect::<Vec<_>>(), ids);
    ids
}

/// Walks all pages of this size, forwards or backwards, and returns the ids in the order of the listing. Each page says rightly whether
/// there are events before it and after it.
async fn walk(admin: &Client, size: usize, filter: &Value, backwards: bool) -> Vec<String> {
    let mut all = Vec::new();
    let mut cursor = Value::Null;
    loop {
        let variables = if backwards {
            json!({ "last": size, "before": cursor, "filter": filter })
        } else {
            json!({ "first": size, "after": cursor, "filter": filter })
        };
        let page = list(admin, variables).await;
        let ids = ids(&page);
        let (ahead, behind, next) = if backwards {
            ("hasPreviousPage", "hasNextPage", "startCursor")
        } else {
            ("hasNextPage", "hasPreviousPage", "endCursor")
        };
        assert_eq!(page["pageInfo"][behind], json!(!all.is_empty()));
        let is_full = ids.len() == size;
        all = if backwards { [ids, all].concat() } else { [all, ids].concat() };
        if page["pageInfo"][ahead] == json!(false) {
            return all;
        }
        assert!(is_full, "a page that is not full was not the last");
        assert!(all.len() < 200, "the pages do not end");
        cursor = page["pageInfo"][next].clone();
    }
}

/// Events of several tokens, actors, actions and minutes, some of them in the same millisecond.
async fn filled() -> (Server, [String; 2]) {
    let server = Server::start().await;
    let deputy =
        json!({ "name": "deputy", "permissions": ["API_TOKEN_READ", "API_TOKEN_MODIFY"], "overlapMinutes": 0 });
    let deputy = server.admin.create(deputy).await.unwrap();
    let token = deputy.client.create(json!({ "name": "token" })).await.unwrap();
    for minute in 1..=4 {
        server.clock.set(minute * MINUTE);
        for name in ["one", "two"] {
            deputy.client.update(json!({ "id": token.id, "name": format!("{name} {minute}") })).await.unwrap();
            server.admin.create(json!({ "name": name })).await.unwrap();
        }
        server.clock.advance(SECOND);
        server.admin.update(json!({ "id": token.id, "owner": format!("{minute}") })).await.unwrap();
    }
    deputy.client.revoke(&token.id).await.unwrap();
    (server, [deputy.id, token.id])
}

#[tokio::test]
async fn the_log_is_the_same_forwards_and_backwards() {
    let (server, [deputy, token]) = filled().await;
    let period = json!({ "since": "2026-01-01T00:02:00Z", "until": "2026-01-01T00:04:00Z" });
    for (filter, count) in [
        (json!({}), None),
        (json!({ "actions": ["API_TOKEN_UPDATED", "API_TOKEN_REVOKED"] }), Some(13)),
        (json!({ "tokenId": token }), Some(14)),
        (json!({ "actorId": deputy }), Some(10)),
        (json!({ "tokenId": token, "actorId": deputy, "actions": ["API_TOKEN_UPDATED"] }), Some(8)),
        (period, Some(10)),
        (json!({ "actions": ["API_TOKEN_SUSPENDED"] }), Some(0)),
        (json!({ "actions": [], "tokenId": token }), Some(14)),
    ] {
        let expected = ids(&list(&server.admin, json!({ "first": 200, "filter": filter })).await);
        assert!(expected.is_sorted_by(|one, next| one > next), "newest first: {expected:?}");
        assert!(count.is_none_or(|count| count == expected.len()), "{filter}: {}", expected.len());
        for size in [1, 2, 3, expected.len().max(1), expected.len() + 1] {
            for backwards in [false, true] {
                assert_eq!(
                    walk(&server.admin, size, &filter, backwards).await,
                    expected,
                    "{filter} {size} {backwards}"
                );
            }
        }
    }
}

#[tokio::test]
async fn a_page_may_lie_between_two_cursors_and_be_cut_from_either_end() {
    let (server, _) = filled().await;
    let all = list(&server.admin, json!({ "first": 10 })).await;
    let cursor = |place: usize| all["edges"][place]["cursor"].clone();
    let ids_of_all = ids(&all);
    let flags =
        |page: &Value| [&page["pageInfo"]["hasPreviousPage"], &page["pageInfo"]["hasNextPage"]].map(Clone::clone);
    for (arguments, places, expected) in [
        (json!({}), 3..7, [true, false]),
        (json!({ "first": 2 }), 3..5, [true, true]),
        (json!({ "last": 2 }), 5..7, [true, true]),
        (json!({ "first": 4 }), 3..7, [true, false]),
        (json!({ "last": 4 }), 3..7, [false, true]),
    ] {
        let mut variables = json!({ "after": cursor(2), "before": cursor(7) });
        variables.as_object_mut().unwrap().extend(arguments.as_object().unwrap().clone());
        let page = list(&server.admin, variables).await;
        assert_eq!(ids(&page), ids_of_all[places], "{arguments}");
        assert_eq!(flags(&page), expected.map(Value::Bool), "{arguments}");
        assert_eq!(page["pageInfo"]["startCursor"], page["edges"][0]["cursor"]);
    }
    let none = list(&server.admin, json!({ "after": cursor(4), "before": cursor(5), "last": 3 })).await;
    assert_eq!(ids(&none), Vec::<String>::new());
    assert_eq!((&none["pageInfo"]["startCursor"], &none["pageInfo"]["endCursor"]), (&Value::Null, &Value::Null));
    for (arguments, field) in
        [("first: 1, last: 1", "last"), ("last: 0", "last"), ("last: 201", "last"), ("before: \"x\"", "before")]
    {
        let answer = server.admin.ask(&format!("{{ auditEvents({arguments}) {{ nodes {{ id }} }} }}")).await;
        assert_eq!((answer.code(), answer.field()), (Some("BAD_USER_INPUT"), Some(field)), "{arguments}");
    }
}
