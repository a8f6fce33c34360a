//! R14: what replicas record of the use of values, how it reaches the database, and how long it stays there.

use nix::sys::signal::Signal;
use rotakey::domain::id::TokenId;
use rotakey::domain::restriction::Source;
use rotakey::domain::rule::verification::RequiredScopes;
use rotakey::domain::value_use::{AddressPrecision, Asked};
use rotakey::service::{Caller, Policy, RequestContext};
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement};
use serde_json::json;
use tokio::task::JoinSet;

use crate::support::clock::{MINUTE, SECOND, START};
use crate::support::database::TestDatabase;
use crate::support::process::Process;
use crate::support::replica::{Replica, Used, hide, named, start};

const DAY: i64 = 24 * 60 * MINUTE;

/// Presents a value as a client of this network, as the endpoints do: at once where that can be.
async fn present(replica: &Replica, value: &str, network: u8, user_agent: &str) {
    let source = Source { address: Some([203, 0, network, 9].into()), origin: None };
    let context = RequestContext { source, user_agent: Some(user_agent.as_bytes()), request_id: None };
    let none = RequiredScopes::default();
    if replica.service.try_verify(value, &none, &context).is_none() {
        assert!(replica.service.verify(value, &none, &context).await.unwrap().is_valid());
    }
}

/// The user agent, first and last use and count of each user of a value, by user agent, as this replica knows them.
async fn users(replica: &Replica, admin: &Caller, id: TokenId, generation: u32) -> Vec<(String, i64, i64, u64)> {
    let found = replica.service.value_uses(admin, &[(id, generation)], Asked::Users).await.unwrap();
    let offset = |at: rotakey::domain::timestamp::Timestamp| at.unix_millis() - START;
    let mut users: Vec<_> = found[&(id, generation)]
        .users()
        .filter_map(|(user, used)| {
            Some((user.user_agent.clone()?, offset(used.first_seen_at), offset(used.last_seen_at), used.count))
        })
        .collect();
    users.sort_unstable();
    users
}

/// The last use and the number of uses of a value, as this replica knows them.
async fn total(replica: &Replica, admin: &Caller, id: TokenId) -> (Option<i64>, u64) {
    let found = replica.service.value_uses(admin, &[(id, 1)], Asked::Totals).await.unwrap();
    let used = &found[&(id, 1)];
    (used.last_used_at.map(|at| at.unix_millis() - START), used.count)
}

async fn rows(connection: &DatabaseConnection, condition: &str) -> i64 {
    let sql = format!("SELECT count(*) FROM api_token_value_user WHERE {condition}");
    let statement = Statement::from_string(connection.get_database_backend(), sql);
    connection.query_one_raw(statement).await.unwrap().unwrap().try_get_by_index(0).unwrap()
}

#[tokio::test]
async fn r14_replicas_add_up_what_each_has_recorded() {
    let database = TestDatabase::new().await;
    let (here, value, _listener) = start(&database).await;
    let admin = here.caller(&value).await;
    let token = here.used(&admin, named("n")).await;
    let there = Replica::on(&database, 2).await;
    for (replica, second, network, user_agent) in
        [(&here, 1, 1, "a/1"), (&there, 2, 1, "a/2"), (&here, 3, 1, "a/1"), (&there, 4, 2, "b/1"), (&here, 5, 3, "c/1")]
    {
        replica.clock.set(second * SECOND);
        present(replica, &token.value, network, user_agent).await;
    }
    let c = ("c".to_owned(), 5 * SECOND, 5 * SECOND, 1);
    let own = [("a".to_owned(), SECOND, 3 * SECOND, 2), c.clone()];
    assert_eq!(users(&here, &admin, token.id, 1).await, own, "what it has recorded itself, at once");
    // In whichever order they write, and however often.
    for replica in [&there, &here, &there] {
        replica.service.write_uses().await.unwrap();
    }
    let all = [("a".to_owned(), SECOND, 3 * SECOND, 3), ("b".to_owned(), 4 * SECOND, 4 * SECOND, 1), c];
    for replica in [&here, &there] {
        let admin = replica.caller(&value).await;
        assert_eq!(users(replica, &admin, token.id, 1).await, all);
        // With the first use, which had no user agent.
        assert_eq!(total(replica, &admin, token.id).await, (Some(5 * SECOND), 6));
    }
    assert_eq!(here.last_use(token.id).await, Some(5 * SECOND), "the token itself as well");
}

#[tokio::test]
async fn r14_the_last_use_of_a_value_is_known_from_the_database_and_the_buffer() {
    let database = TestDatabase::new().await;
    let (here, admin, _listener) = start(&database).await;
    let admin = here.caller(&admin).await;
    let token = here.used(&admin, named("n")).await;
    let there = Replica::on(&database, 2).await;
    let last_use = async |replica: &Replica| {
        let transaction = replica.store.begin().await.unwrap();
        let last = replica.service.last_use_of_value(&transaction, (token.id, 1)).await.unwrap();
        transaction.commit().await.unwrap();
        last.map(|at| at.unix_millis() - START)
    };
    assert_eq!(last_use(&there).await, Some(0), "the first use is durable at once");
    here.clock.set(7 * SECOND);
    present(&here, &token.value, 1, "a/1").await;
    assert_eq!((last_use(&here).await, last_use(&there).await), (Some(7 * SECOND), Some(0)));
    here.service.write_uses().await.unwrap();
    assert_eq!((last_use(&here).await, last_use(&there).await), (Some(7 * SECOND), Some(7 * SECOND)));
}

#[tokio::test]
async fn r14_a_failed_write_loses_nothing_and_a_stop_writes_all() {
    let database = TestDatabase::new().await;
    let (here, value, _listener) = start(&database).await;
    let admin = here.caller(&value).await;
    let mut tokens: Vec<Used> = Vec::new();
    // More than one transaction writes.
    for number in 0..30 {
        tokens.push(here.used(&admin, named(&number.to_string())).await);
    }
    for network in 0..20 {
        for token in &tokens {
            present(&here, &token.value, network, "a/1").await;
        }
    }
    hide(&database, true).await;
    here.service.write_uses().await.unwrap_err();
    hide(&database, false).await;
    present(&here, &tokens[0].value, 1, "a/1").await;
    here.service.close().await.unwrap();
    let after = Replica::on(&database, 2).await;
    let admin = after.caller(&value).await;
    for (token, more) in tokens.iter().zip([1].into_iter().chain(std::iter::repeat(0))) {
        assert_eq!(total(&after, &admin, token.id).await.1, 21 + more);
        assert_eq!(users(&after, &admin, token.id, 1).await.len(), 20);
    }
}

/// Makes the database refuse to write users of values of this token.
async fn refuse_users(database: &TestDatabase, id: TokenId) {
    let connection = database.connect().await;
    let sql = match connection.get_database_backend() {
        DbBackend::Sqlite => format!(
            "CREATE TRIGGER refused BEFORE INSERT ON api_token_value_user WHEN NEW.token_id = '{id}'
             BEGIN SELECT RAISE(ABORT, 'refused'); END"
        ),
        _ => format!("ALTER TABLE api_token_value_user ADD CONSTRAINT refused CHECK (token_id <> '{id}') NOT VALID"),
    };
    connection.execute_unprepared(&sql).await.unwrap();
    connection.close().await.unwrap();
}

#[tokio::test]
async fn r14_a_use_that_cannot_be_written_does_not_keep_others_from_being_written() {
    let database = TestDatabase::new().await;
    let (here, value, _listener) = start(&database).await;
    let admin = here.caller(&value).await;
    let mut tokens: Vec<Used> = Vec::new();
    for number in 0..3 {
        tokens.push(here.used(&admin, named(&number.to_string())).await);
    }
    here.service.write_uses().await.unwrap();
    refuse_users(&database, tokens[1].id).await;
    here.clock.set(SECOND);
    for token in &tokens {
        present(&here, &token.value, 1, "a/1").await;
    }
    here.service.write_uses().await.unwrap();
    for (token, written) in tokens.iter().zip([SECOND, 0, SECOND]) {
        assert_eq!(here.last_use(token.id).await, Some(written));
        assert_eq!(total(&here, &admin, token.id).await, (Some(SECOND), 2), "the refused one stays in the buffer");
    }
}

#[tokio::test]
async fn r14_what_was_written_survives_a_process_that_is_killed() {
    let database = TestDatabase::new().await;
    let (here, value, _listener) = start(&database).await;
    let admin = here.caller(&value).await;
    let token = here.used(&admin, named("n")).await;
    present(&here, &token.value, 1, "a/1").await;
    here.service.write_uses().await.unwrap();
    present(&here, &token.value, 1, "a/1").await;
    drop(here);
    let after = Replica::on(&database, 2).await;
    let admin = after.caller(&value).await;
    assert_eq!(total(&after, &admin, token.id).await.1, 2, "the use after that is lost");
}

#[tokio::test(flavor = "multi_thread")]
async fn r14_a_server_that_is_stopped_writes_who_used_a_value() {
    let database = TestDatabase::new().await;
    let server = Process::serve(&database.folder(), &database.url);
    let admin = server.client().with(server.first_value());
    let token = admin.create(json!({ "name": "n" })).await.unwrap();
    for _ in 0..3 {
        let request = token.client.request("GET", "/verify").header("User-Agent", "orders/1.0");
        assert_eq!(request.send().await.unwrap().status(), 200);
    }
    server.signal(Signal::SIGTERM);
    assert!(server.ended().0.success());
    let after = Process::serve(&database.folder(), &database.url);
    let query = "query($id: ID!) { apiToken(id: $id) { values { useCount users { address userAgent count } } } }";
    let answer = admin.at(&after.url).graphql(query, json!({ "id": token.id })).await;
    let users = json!([{ "address": "127.0.0.0/24", "userAgent": "orders", "count": 3 }]);
    assert_eq!(answer.body["data"]["apiToken"]["values"], json!([{ "useCount": 3, "users": users }]));
}

/// Each writes the same rows, in batches that overlap.
#[tokio::test(flavor = "multi_thread")]
async fn r14_replicas_that_write_at_the_same_time_wait_for_each_other_and_lose_nothing() {
    let database = TestDatabase::new().await;
    let (here, value, _listener) = start(&database).await;
    let admin = here.caller(&value).await;
    let mut tokens: Vec<Used> = Vec::new();
    for number in 0..40 {
        tokens.push(here.used(&admin, named(&number.to_string())).await);
    }
    here.service.write_uses().await.unwrap();
    let mut replicas = Vec::new();
    for seed in 2..5 {
        replicas.push(Replica::on(&database, seed).await);
    }
    for round in 0..3_u8 {
        for replica in &replicas {
            for (number, token) in (0..).zip(&tokens) {
                for network in 0..15 {
                    present(replica, &token.value, (network + number + round) % 40, "a/1").await;
                }
            }
        }
        let mut writing = JoinSet::new();
        for replica in &replicas {
            let service = replica.service.clone();
            writing.spawn(async move { service.write_uses().await });
        }
        while let Some(written) = writing.join_next().await {
            written.unwrap().unwrap();
        }
    }
    for token in &tokens {
        assert_eq!(total(&here, &admin, token.id).await.1, 1 + 3 * 3 * 15);
        let users = users(&here, &admin, token.id, 1).await;
        assert_eq!(users.iter().map(|(.., count)| count).sum::<u64>(), 3 * 3 * 15);
    }
}

#[tokio::test]
async fn r14_users_are_deleted_a_day_after_they_were_seen_and_with_their_value() {
    let database = TestDatabase::new().await;
    let (here, value, _listener) = start(&database).await;
    let admin = here.caller(&value).await;
    let connection = database.connect().await;
    let token = here.used(&admin, named("n")).await;
    here.service.write_uses().await.unwrap();
    connection.execute_unprepared("DELETE FROM api_token_value_user").await.unwrap();
    for (offset, user_agent) in [(0, "a/1"), (MINUTE, "b/1"), (90 * MINUTE, "c/1")] {
        here.clock.set(offset);
        present(&here, &token.value, 1, user_agent).await;
        here.service.write_uses().await.unwrap();
    }
    for (offset, left) in [
        (DAY - 1, 3),
        (DAY, 2),
        (DAY + MINUTE - 1, 2),
        (DAY + MINUTE, 1),
        (DAY + 90 * MINUTE - 1, 1),
        (DAY + 90 * MINUTE, 0),
    ] {
        here.clock.set(offset);
        assert_eq!(
            users(&here, &here.caller(&value).await, token.id, 1).await.len(),
            left,
            "before housekeeping: {offset}"
        );
        here.service.sweep().await.unwrap();
        assert_eq!(rows(&connection, "user_agent <> ''").await, i64::try_from(left).unwrap(), "{offset}");
    }

    // Of a value that is deleted, nothing stays, even if it was used a moment ago.
    let policy = Policy { retired_values_minutes: 1, cached_values: 0, ..Policy::DEFAULT };
    let there = Replica::with(&database, 2, policy).await;
    let start = 10 * DAY;
    there.clock.set(start);
    let admin = there.caller(&value).await;
    let token = there.used(&admin, named("rotated")).await;
    present(&there, &token.value, 1, "d/1").await;
    there.service.write_uses().await.unwrap();
    let holder = there.caller(&token.value).await;
    let request = rotakey::service::RotateRequest { overlap_minutes: Some(0), force: true, ..Default::default() };
    there.service.rotate(&holder, &request).await.unwrap();
    for (offset, left) in [(MINUTE - 1, 1), (MINUTE, 0)] {
        there.clock.set(start + offset);
        there.service.sweep().await.unwrap();
        assert_eq!(rows(&connection, "user_agent = 'd'").await, left, "{offset}");
    }
    // What was buffered of it meanwhile harms nothing.
    there.service.write_uses().await.unwrap();
}

#[tokio::test]
async fn r14_a_value_keeps_the_hundred_users_that_were_seen_last() {
    let database = TestDatabase::new().await;
    let (here, value, _listener) = start(&database).await;
    let admin = here.caller(&value).await;
    let token = here.used(&admin, named("n")).await;
    here.service.write_uses().await.unwrap();
    for round in 0..3_u8 {
        for number in 0..60 {
            here.clock.set(i64::from(round) * MINUTE + i64::from(number));
            present(&here, &token.value, round * 60 + number, "a/1").await;
        }
        here.service.write_uses().await.unwrap();
    }
    let kept = users(&here, &admin, token.id, 1).await;
    let oldest = kept.iter().map(|(_, _, last, _)| *last).min();
    assert_eq!((kept.len(), oldest), (100, Some(MINUTE + 20)));
    assert_eq!(total(&here, &admin, token.id).await.1, 181, "all uses count");
}

#[tokio::test]
async fn r14_no_more_of_an_address_is_stored_than_the_operator_allows_and_nothing_of_a_value() {
    for (recorded_addresses, stored) in [
        (AddressPrecision::Full, [true, true]),
        (AddressPrecision::Block, [true, false]),
        (AddressPrecision::None, [false, false]),
    ] {
        let database = TestDatabase::new().await;
        let policy = Policy { recorded_addresses, ..Policy::DEFAULT };
        let here = Replica::with(&database, 1, policy).await;
        let value = here.service.bootstrap().await.unwrap().value.expose().to_owned();
        let admin = here.caller(&value).await;
        let token = here.used(&admin, named("n")).await;
        present(&here, &token.value, 113, &format!("{value}/1.0")).await;
        present(&here, &token.value, 113, &format!("x-{}", token.value)).await;
        here.service.close().await.unwrap();
        let contents = database.contents().await;
        let holds = |text: &str| contents.windows(text.len()).any(|window| window == text.as_bytes());
        assert_eq!(["203.0.113.", "203.0.113.9"].map(holds), stored, "{recorded_addresses:?}");
        assert!(holds("rk_…") && !holds(value.rsplit('_').next().unwrap()) && !holds(&token.value[3..]));
    }
}
