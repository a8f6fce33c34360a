//! Listings that take long: they time out, and until then no authentication waits for them.

use sea_orm::ConnectionTrait;
use serde_json::json;
use tokio::task::JoinSet;

use crate::support::database::TestDatabase;
use crate::support::deadline::{DEADLINE, within};
use crate::support::server::Server;

const EVENTS: &str = "{ auditEvents { edges { node { id } } } }";

/// Makes reading the audit log take for ever, or undoes that.
async fn make_endless(database: &TestDatabase, endless: bool) {
    let view = if database.is_sqlite() {
        "CREATE VIEW audit_event AS WITH RECURSIVE numbers(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM numbers)
         SELECT kept.* FROM numbers CROSS JOIN kept WHERE numbers.i < 0"
    } else {
        "CREATE VIEW audit_event AS SELECT kept.* FROM kept CROSS JOIN (SELECT pg_sleep(600) OFFSET 0) AS asleep"
    };
    let connection = database.connect().await;
    let steps = if endless {
        ["ALTER TABLE audit_event RENAME TO kept", view]
    } else {
        ["DROP VIEW audit_event", "ALTER TABLE kept RENAME TO audit_event"]
    };
    for sql in steps {
        connection.execute_unprepared(sql).await.unwrap();
    }
    connection.close().await.unwrap();
}

#[tokio::test]
async fn values_and_tokens_are_looked_up_while_more_listings_are_asked_for_than_there_are_connections() {
    let server = Server::start().await;
    let admin = &server.admin;
    // Never presented before, so that none of their values is cached.
    let mut fresh = Vec::new();
    for number in 0..5 {
        fresh.push(admin.create(json!({ "name": number.to_string() })).await.unwrap());
    }
    let id = fresh[0].id.clone();
    make_endless(&server.database, true).await;

    let mut listings = JoinSet::new();
    for _ in 0..20 {
        let admin = admin.clone();
        listings.spawn(async move { admin.ask(EVENTS).await });
    }
    let (mut fresh, mut rounds) = (fresh.into_iter(), 0);
    let looking_up = async {
        loop {
            if let Some(ended) = listings.try_join_next() {
                break ended.unwrap();
            }
            if let Some(token) = fresh.next() {
                assert_eq!(token.client.check().await, Ok(1));
            }
            let answer = admin.graphql("query($id: ID!) { apiToken(id: $id) { name } }", json!({ "id": id })).await;
            assert_eq!(answer.code(), None, "{}", answer.body);
            rounds += 1;
        }
    };
    let first = within(DEADLINE, "the end of the first listing", looking_up).await;
    assert!(rounds > 5, "the listings ended after {rounds} look-ups");

    let mut answers = listings.join_all().await;
    answers.push(first);
    for answer in &answers {
        assert_eq!(answer.code(), Some("UNAVAILABLE"), "{}", answer.body);
        let retry_after = &answer.body["errors"][0]["extensions"]["retryAfterSeconds"];
        assert!(retry_after.as_u64().is_some_and(|seconds| seconds > 0), "{}", answer.body);
    }
    let message = |text: &str| answers.iter().filter(|answer| answer.body.to_string().contains(text)).count();
    assert!(message("This listing took too long") > 0, "{:?}", answers[0].body);
    assert!(message("Too many listings are running") > 0, "{:?}", answers[0].body);
    assert_eq!(message("cannot use its database"), 0, "the database can be reached");

    make_endless(&server.database, false).await;
    assert_eq!(admin.ask(EVENTS).await.code(), None, "its connections work again");
}
