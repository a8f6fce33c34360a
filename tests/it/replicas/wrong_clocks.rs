//! Replicas on hosts whose clocks are wrong, or are set while they run: they judge by the database's clock (R17), so nothing that
//! depends on time is any different. On SQLite all processes share the clock of one host, which may still be set.

use sea_orm::{ConnectionTrait, DbBackend, Statement};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::support::client::Client;
use crate::support::clock::{MINUTE, SECOND};
use crate::support::database::TestDatabase;
use crate::support::fleet::Fleet;

const HOUR: i64 = 60 * MINUTE;
const AHEAD: [i64; 7] = [0, 5 * SECOND, -5 * SECOND, 11 * SECOND, -11 * SECOND, HOUR, -HOUR];

/// Eight callers who hold one value rotate concurrently, each at another replica or nearly so: their outcomes.
async fn race(fleet: &Fleet, old: &Client) -> Vec<Result<String, String>> {
    let mut racers = JoinSet::new();
    for racer in fleet.everywhere(old).collect::<Vec<_>>().into_iter().cycle().take(8) {
        racers.spawn(async move { racer.rotate().await });
    }
    racers.join_all().await
}

/// One racer has won, the others have to wait, the value of the winner works everywhere, and none has been taken for a
/// thief, whatever the losers do next.
async fn one_has_won(fleet: &Fleet, old: &Client, outcomes: Vec<Result<String, String>>) {
    let won: Vec<&String> = outcomes.iter().filter_map(|outcome| outcome.as_ref().ok()).collect();
    let lost = outcomes.iter().filter(|outcome| outcome.as_ref().is_err_and(|code| code == "ROTATION_CONFLICT"));
    assert_eq!((won.len(), lost.count()), (1, 7), "{outcomes:?}");
    for client in fleet.everywhere(old) {
        assert_eq!(client.rotate().await, Err("ROTATION_CONFLICT".to_owned()), "within the guard");
    }
    for value in won {
        for client in fleet.everywhere(&old.with(value)) {
            assert_eq!(client.check().await, Ok(2));
        }
    }
    for client in fleet.everywhere(old) {
        // What it gets of the token may be a second old on SQLite, which does not say what another process changed.
        assert!(client.check().await.is_ok(), "the old value works on, and the token is not revoked");
    }
}

fn strict() -> Value {
    json!({ "name": "raced", "onReuse": "REVOKE" })
}

#[tokio::test(flavor = "multi_thread")]
async fn r5_of_eight_racers_on_hosts_whose_clocks_disagree_one_wins_and_none_counts_as_reuse() {
    let fleet = Fleet::start(&AHEAD).await;
    for _ in 0..5 {
        let old = fleet.admins[0].create(strict()).await.unwrap().client;
        let outcomes = race(&fleet, &old).await;
        one_has_won(&fleet, &old, outcomes).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn r5_of_eight_racers_one_wins_while_the_clocks_of_their_hosts_are_set() {
    let fleet = Fleet::start(&[0; 4]).await;
    for step in [5 * SECOND, -5 * SECOND, 11 * SECOND, -11 * SECOND, HOUR, -HOUR] {
        // On SQLite deadlines are moments of the very clock that is set, so the overlap must outlast every step.
        let draft = json!({ "name": "raced", "onReuse": "REVOKE", "overlapMinutes": 120 });
        let old = fleet.admins[0].create(draft).await.unwrap().client;
        let outcomes = race(&fleet, &old).await;
        fleet.clocks[1].step(step);
        one_has_won(&fleet, &old, outcomes).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn r6_a_repeated_request_gets_its_answer_again_from_a_replica_whose_clock_is_wrong() {
    let fleet = Fleet::start(&AHEAD).await;
    let old = fleet.admins[0].create(json!({ "name": "repeated" })).await.unwrap().client;
    let mut reported = Vec::new();
    for client in fleet.everywhere(&old) {
        reported.push(client.rotate_with(json!({ "idempotencyKey": "one" })).await.unwrap());
    }
    reported.dedup();
    assert_eq!(reported.len(), 1);
}

/// Lets what the database holds of a token's life lie further back by so many seconds.
async fn age(fleet: &Fleet, id: &str, seconds: i64) {
    let connection = fleet.database.connect().await;
    let millis = seconds * SECOND;
    let sql = format!(
        "UPDATE api_token_value SET created_at = created_at - {millis}, first_used_at = first_used_at - {millis}, \
         replaced_at = replaced_at - {millis}, retires_at = retires_at - {millis} WHERE token_id = '{id}'"
    );
    connection.execute_raw(Statement::from_string(connection.get_database_backend(), sql)).await.unwrap();
    connection.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn r3_and_r4_pass_at_the_same_moment_on_every_host() {
    let fleet = Fleet::start(&AHEAD).await;
    let admin = &fleet.admins[0];
    // The replica that issued a value has it cached, and would not see it grow old. So each value is presented to the others, and two
    // replicas issue one.
    for (seconds, alive) in [(59 * 60, true), (60 * 60, false)] {
        for (issuer, admin) in fleet.admins.iter().enumerate().take(2) {
            let token = admin.create(json!({ "name": "n", "rotationPeriodMinutes": 60 })).await.unwrap();
            age(&fleet, &token.id, seconds).await;
            for (_, client) in fleet.everywhere(&token.client).enumerate().filter(|(replica, _)| *replica != issuer) {
                let expected = if alive { Ok(1) } else { Err("ROTATION_OVERDUE".to_owned()) };
                assert_eq!(client.check().await, expected, "the period, after {seconds} s");
            }
        }
    }
    for (seconds, alive) in [(9 * 60, true), (10 * 60, false)] {
        let token = admin.create(json!({ "name": "n", "overlapMinutes": 10 })).await.unwrap();
        admin.rotate_id(&token.id).await.unwrap();
        age(&fleet, &token.id, seconds).await;
        for client in fleet.everywhere(&token.client) {
            let expected = if alive { Ok(2) } else { Err("VALUE_RETIRED".to_owned()) };
            assert_eq!(client.check().await, expected, "the overlap, after {seconds} s");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: run ./tests/with-postgres"]
async fn on_postgres_r17_every_time_that_is_stored_or_shown_is_the_databases() {
    let fleet = Fleet::start_on(TestDatabase::postgres().await, &AHEAD).await;
    let connection = fleet.database.connect().await;
    let now = async || {
        let sql = "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint";
        let row = connection.query_one_raw(Statement::from_string(DbBackend::Postgres, sql)).await.unwrap();
        row.unwrap().try_get_by_index::<i64>(0).unwrap()
    };
    for admin in &fleet.admins {
        let before = now().await;
        let id = admin.create(json!({ "name": "n" })).await.unwrap().id;
        let after = now().await;
        let query = "query($id: ID!) { apiToken(id: $id) { createdAt } }";
        let answer = admin.graphql(query, json!({ "id": id })).await;
        let created_at = answer.body["data"]["apiToken"]["createdAt"].as_str().unwrap().to_owned();
        let created_at = rotakey::domain::timestamp::Timestamp::parse(&created_at).unwrap().unix_millis();
        // A difference is measured to within the time that an answer takes.
        assert!(before - SECOND <= created_at && created_at <= after + SECOND, "{before} {created_at} {after}");
    }
}
