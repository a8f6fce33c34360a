//! `apiTokens`: every filter in every order, by pages from both ends.

use serde_json::{Value, json};

use crate::support::server::Server;

#[tokio::test]
async fn every_filter_is_walked_in_every_order_both_ways_without_gap_or_repetition() {
    let server = Server::start().await;
    for number in 0..9 {
        server.clock.advance(number % 2);
        let expires_at = (number % 3 == 0).then(|| format!("2030-01-0{}T00:00:00Z", 1 + number / 6));
        let input = json!({ "name": format!("n{}", number % 4), "owner": (number % 2 == 0).then_some("acme"),
            "description": "any", "scopes": ["read"], "expiresAt": expires_at, "metadata": { "key": "k", "value": "v" },
            "rotationPeriodMinutes": (number % 4 == 1).then_some(60 * number) });
        let created = server.admin.create(input).await.unwrap();
        if number % 2 == 1 {
            created.client.rotate().await.unwrap();
        }
    }
    server.service().await.write_uses().await.unwrap();
    for sweep in [false, true] {
        if sweep {
            server.service().await.sweep().await.unwrap();
        }
        for filter in [
            json!({}),
            json!({ "status": ["ACTIVE", "EXPIRED"], "kind": "PRIVATE" }),
            json!({ "owner": "acme" }),
            json!({ "name": "n" }),
            json!({ "text": "any" }),
            json!({ "scope": "read" }),
            json!({ "metadata": { "key": "k", "value": "v" } }),
            json!({ "createdBy": server.admin.my_id().await }),
            json!({ "expiresAfter": "2029-01-01T00:00:00Z", "expiresBefore": "2031-01-01T00:00:00Z" }),
            json!({ "rotateByBefore": "2031-01-01T00:00:00Z" }),
            json!({ "unusedSince": "2031-01-01T00:00:00Z" }),
            json!({ "overlapRunning": true }),
            json!({ "overlapRunning": false }),
        ] {
            let mut sets = Vec::new();
            for field in ["CREATED_AT", "NAME", "EXPIRES_AT", "ROTATE_BY", "LAST_USED_AT"] {
                let walk = async |direction: &str, end: &str| {
                    let order = json!({ "field": field, "direction": direction });
                    walk_ids(&server, &filter, &order, end).await
                };
                let ascending = walk("ASC", "first").await;
                assert_eq!(walk("ASC", "last").await, ascending, "{filter} {field} {sweep}");
                let reversed: Vec<_> = ascending.iter().rev().cloned().collect();
                assert_eq!(walk("DESC", "first").await, reversed, "{filter} {field} {sweep}");
                assert_eq!(walk("DESC", "last").await, reversed, "{filter} {field} {sweep}");
                let mut set = ascending;
                set.sort();
                sets.push(set);
            }
            assert!(sets[0].len() > 1 && sets[0].windows(2).all(|pair| pair[0] != pair[1]), "{filter} {sweep}");
            assert!(sets.iter().all(|set| *set == sets[0]), "{filter} {sweep}");
        }
    }
}

/// The ids of all tokens of this filter, by pages of two from this end, in the order of the listing.
async fn walk_ids(server: &Server, filter: &Value, order: &Value, end: &str) -> Vec<String> {
    const IDS: &str = "query($first: Int, $after: String, $last: Int, $before: String, $filter: APITokenFilter,
        $orderBy: APITokenOrder) {
        apiTokens(first: $first, after: $after, last: $last, before: $before, filter: $filter, orderBy: $orderBy) {
            nodes { id } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }";
    let backwards = end == "last";
    let (from, more, next) =
        if backwards { ("before", "hasPreviousPage", "startCursor") } else { ("after", "hasNextPage", "endCursor") };
    let (mut all, mut cursor) = (Vec::new(), Value::Null);
    loop {
        let variables = json!({ end: 2, from: cursor, "filter": filter, "orderBy": order });
        let answer = server.admin.graphql(IDS, variables).await;
        assert_eq!(answer.code(), None, "{}", answer.body);
        let page = &answer.body["data"]["apiTokens"];
        let ids = page["nodes"].as_array().unwrap().iter().map(|node| node["id"].as_str().unwrap().to_owned());
        all = if backwards { ids.chain(all).collect() } else { all.into_iter().chain(ids).collect() };
        if page["pageInfo"][more] == json!(false) {
            return all;
        }
        assert!(all.len() < 100, "the pages do not end");
        cursor = page["pageInfo"][next].clone();
    }
}
