//! `apiTokens`: the orders by expiry, by the end of the rotation period and by last use.

use std::collections::BTreeSet;

use rotakey::domain::listing::{Order, OrderField};
use rotakey::domain::timestamp::Timestamp;
use rotakey::service::{Caller, CreateRequest, PageRequest, cursor};
use serde_json::{Value, json};

use super::filters_and_pages::{LIST, walk};
use crate::support::clock::{MINUTE, SECOND, START};
use crate::support::database::TestDatabase;
use crate::support::replica::{Replica, named, start};
use crate::support::server::Server;

/// Walks in both directions, by pages of several sizes, and expects these names in the ascending order.
async fn check(server: &Server, field: &str, ascending: &[&str], when: &str) {
    let descending: Vec<&str> = ascending.iter().rev().copied().collect();
    for (direction, expected) in [("ASC", ascending), ("DESC", &descending)] {
        let order = json!({ "field": field, "direction": direction });
        for size in [1, 2, 3, 50] {
            for backwards in [false, true] {
                let walked = walk(server, size, &order, backwards).await;
                assert_eq!(walked, expected, "{order} {size} {backwards} {when}");
            }
        }
    }
}

#[tokio::test]
async fn deadlines_come_in_their_order_and_then_tokens_without_one_by_their_ids() {
    let server = Server::start().await;
    let at = |millis: i64| Timestamp::from_unix_millis(START + millis).to_string();
    for (name, expires_at, period) in [
        ("e3", Some(30 * MINUTE), None),
        ("p5", None, Some(5)),
        ("e1", Some(10 * MINUTE), Some(20)),
        ("e1 too", Some(10 * MINUTE), None),
        ("p1", None, Some(1)),
        ("p1 too", None, Some(1)),
    ] {
        server.clock.advance(1);
        let expires_at = expires_at.map(at);
        let input = json!({ "name": name, "expiresAt": expires_at, "rotationPeriodMinutes": period });
        server.admin.create(input).await.unwrap();
    }
    let expiry = ["e1", "e1 too", "e3", "admin", "p5", "p1", "p1 too"];
    let rotation = ["p1", "p1 too", "p5", "e1", "admin", "e3", "e1 too"];
    let check = async |when| {
        check(&server, "EXPIRES_AT", &expiry, when).await;
        check(&server, "ROTATE_BY", &rotation, when).await;
    };
    check("new").await;
    let service = server.service().await;
    service.sweep().await.unwrap();
    check("sorted").await;
    server.clock.set(MINUTE + SECOND);
    check("overdue").await;
    server.clock.set(3 * MINUTE);
    // Twice: the second time, there is nothing left to do.
    for _ in 0..2 {
        service.sweep().await.unwrap();
        check("overdue, and swept").await;
    }
    // New ones are merged with those that are sorted.
    server.admin.create(json!({ "name": "new", "rotationPeriodMinutes": 1 })).await.unwrap();
    server.admin.create(json!({ "name": "newest", "expiresAt": at(15 * MINUTE) })).await.unwrap();
    let expiry = ["e1", "e1 too", "newest", "e3", "admin", "p5", "p1", "p1 too", "new"];
    let rotation = ["p1", "p1 too", "new", "p5", "e1", "admin", "e3", "e1 too", "newest"];
    self::check(&server, "EXPIRES_AT", &expiry, "with new ones").await;
    self::check(&server, "ROTATE_BY", &rotation, "with new ones").await;
}

#[tokio::test]
async fn a_rotation_moves_a_token_in_the_order_of_the_next_rotation_at_once() {
    let server = Server::start().await;
    for name in ["a", "b", "c"] {
        server.clock.advance(1);
        let token = server.admin.create(json!({ "name": name, "rotationPeriodMinutes": 10 })).await.unwrap();
        if name == "b" {
            server.service().await.sweep().await.unwrap();
            server.clock.advance(MINUTE);
            token.client.rotate().await.unwrap();
            token.client.check().await.unwrap();
        }
    }
    check(&server, "ROTATE_BY", &["a", "b", "c", "admin"], "rotated").await;
    server.service().await.sweep().await.unwrap();
    check(&server, "ROTATE_BY", &["a", "b", "c", "admin"], "swept").await;
}

/// The names in the order of their last use, by pages of one.
async fn by_last_use(replica: &Replica, admin: &Caller, descending: bool) -> Vec<String> {
    let order = Order { field: OrderField::LastUsedAt, descending };
    let (mut names, mut after) = (Vec::new(), None);
    loop {
        let request = PageRequest { first: Some(1), after, order, ..PageRequest::default() };
        let page = replica.service.list(admin, request).await.unwrap();
        names.extend(page.views.iter().map(|view| view.token.settings.name.to_string()));
        if !page.has_next_page {
            return names;
        }
        assert!(names.len() < 20, "the pages do not end");
        after = page.positions.last().map(|position| cursor(position, order));
    }
}

#[tokio::test]
async fn unused_tokens_come_before_all_others_and_these_by_their_last_use() {
    let database = TestDatabase::new().await;
    let (replica, value, _listener) = start(&database).await;
    let admin = replica.caller(&value).await;
    let mut tokens = Vec::new();
    for (second, name) in (1..).zip(["a", "b", "c"]) {
        replica.clock.set(second * SECOND);
        tokens.push(replica.used(&admin, named(name)).await);
    }
    let never = CreateRequest { draft: named("never"), ..CreateRequest::default() };
    replica.service.create(&admin, never).await.unwrap();
    let check = async |ascending: [&str; 5], when| {
        let mut names = ascending.map(str::to_owned).to_vec();
        assert_eq!(by_last_use(&replica, &admin, false).await, names, "{when}");
        names.reverse();
        assert_eq!(by_last_use(&replica, &admin, true).await, names, "{when}");
    };
    replica.service.write_uses().await.unwrap();
    check(["never", "admin", "a", "b", "c"], "before housekeeping").await;
    replica.service.sweep().await.unwrap();
    check(["never", "admin", "a", "b", "c"], "after housekeeping").await;
    replica.clock.set(11 * MINUTE);
    replica.verify(&tokens[1].value).await.unwrap();
    replica.service.write_uses().await.unwrap();
    check(["never", "admin", "a", "c", "b"], "used again").await;
    // Within ten minutes, the order stays.
    replica.clock.set(12 * MINUTE);
    replica.verify(&tokens[1].value).await.unwrap();
    replica.clock.set(13 * MINUTE);
    replica.verify(&tokens[0].value).await.unwrap();
    replica.service.write_uses().await.unwrap();
    check(["never", "admin", "c", "b", "a"], "and again").await;
}

#[tokio::test]
async fn a_cursor_of_another_order_is_refused() {
    let server = Server::start().await;
    let mut cursors = Vec::new();
    let orders: Vec<Value> = ["CREATED_AT", "NAME", "EXPIRES_AT", "ROTATE_BY", "LAST_USED_AT"]
        .iter()
        .flat_map(|field| ["ASC", "DESC"].map(|direction| json!({ "field": field, "direction": direction })))
        .collect();
    for order in &orders {
        let answer = server.admin.graphql(LIST, json!({ "orderBy": order })).await;
        cursors.push(answer.body["data"]["apiTokens"]["pageInfo"]["endCursor"].as_str().unwrap().to_owned());
    }
    assert_eq!(cursors.iter().collect::<BTreeSet<_>>().len(), orders.len());
    for (number, cursor) in cursors.iter().enumerate() {
        for (other, order) in orders.iter().enumerate() {
            for field in ["after", "before"] {
                let answer = server.admin.graphql(LIST, json!({ field: cursor, "orderBy": order })).await;
                let expected = (number != other).then_some("BAD_USER_INPUT");
                assert_eq!(answer.code(), expected, "{} {order}: {}", orders[number], answer.body);
                assert_eq!(answer.field(), expected.map(|_| field));
            }
        }
    }
}
