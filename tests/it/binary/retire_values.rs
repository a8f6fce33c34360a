//! `rotakey retire-values`: after an older backup was restored, whatever was issued before that moment works no more.

use std::time::Duration;

use nix::sys::signal::Signal;
use rotakey::clock::{Clock, SystemClock};
use rotakey::domain::timestamp::Timestamp;
use serde_json::json;

use crate::support::client::Client;
use crate::support::clock::{MINUTE, SECOND, START};
use crate::support::database::TestDatabase;
use crate::support::process::{Process, command, find_value};
use crate::support::server::Server;

const RETIRED: &str = "VALUE_RETIRED";

fn at(offset_millis: i64) -> Timestamp {
    Timestamp::from_unix_millis(START + offset_millis)
}

async fn refused(client: &Client, code: &str) {
    assert_eq!(client.check().await, Err(code.to_owned()));
}

/// Waits until the change has reached the server, and it is refused.
async fn soon_refused(client: &Client) {
    let waiting = async { while client.check().await.is_ok() {} };
    tokio::time::timeout(Duration::from_secs(30), waiting).await.unwrap();
    refused(client, RETIRED).await;
}

#[tokio::test]
async fn what_was_issued_before_the_moment_works_nowhere_and_what_was_issued_later_works_on() {
    let server = Server::start().await;
    let replica = server.replica().await;
    let admin = &server.admin;
    let old = admin.create(json!({ "name": "old" })).await.unwrap();
    let overlapping = admin.create(json!({ "name": "overlapping", "overlapMinutes": 60 })).await.unwrap().client;
    let newer = overlapping.with(overlapping.rotate().await.unwrap());
    let between = admin.create(json!({ "name": "between", "overlapMinutes": 60 })).await.unwrap().client;
    let revoked = admin.create(json!({ "name": "revoked" })).await.unwrap();
    admin.revoke(&revoked.id).await.unwrap();
    server.clock.set(MINUTE);
    let later = between.with(between.rotate().await.unwrap());
    let young = admin.create(json!({ "name": "young" })).await.unwrap().client;
    // Remembered by the other replica as values that work.
    for client in [&old.client, &newer, &between, &young] {
        assert!(client.at(&replica.url).check().await.is_ok());
    }

    let service = server.service().await;
    server.clock.set(2 * MINUTE);
    let retired = service.retire_values(at(MINUTE)).await.unwrap();
    // Of the admin and `old` one value, of `overlapping` two, and the previous one of `between`.
    assert_eq!((retired.values, retired.tokens_without_value), (5, 3));
    for url in [&server.url, &replica.url] {
        for client in [admin, &old.client, &overlapping, &newer, &between] {
            let client = client.at(url);
            soon_refused(&client).await;
        }
        refused(&revoked.client.at(url), "TOKEN_REVOKED").await;
        assert_eq!(later.at(url).check().await, Ok(2));
        assert_eq!(young.at(url).check().await, Ok(1));
    }
    assert_eq!(service.retire_values(at(MINUTE)).await.unwrap(), Default::default(), "it was done");

    // At once, for nobody was told the value that is replaced by this.
    let admin = admin.with(service.bootstrap().await.unwrap().value.expose());
    let again = admin.rotate_id(&old.id).await.unwrap();
    assert_eq!(again.check().await, Ok(3));
    refused(&old.client, RETIRED).await;
    let events = admin.events(json!({ "tokenId": old.id, "actions": ["API_TOKEN_VALUES_RETIRED"] })).await;
    assert_eq!(events, [("API_TOKEN_VALUES_RETIRED".to_owned(), "OK".to_owned(), json!(2))]);
}

#[tokio::test]
async fn whoever_still_has_a_value_that_the_operator_retired_is_no_thief() {
    let server = Server::start().await;
    let strict = json!({ "name": "strict", "onReuse": "REVOKE", "overlapMinutes": 60 });
    let token = server.admin.create(strict).await.unwrap();
    let oldest = token.client.clone();
    let previous = oldest.with(oldest.rotate().await.unwrap());
    let current = oldest.with(previous.rotate().await.unwrap());
    let service = server.service().await;
    server.clock.set(MINUTE);
    service.retire_values(at(MINUTE)).await.unwrap();
    server.clock.set(2 * MINUTE);
    let admin = server.admin.with(service.bootstrap().await.unwrap().value.expose());
    for client in [&previous, &current] {
        soon_refused(client).await;
    }
    let again = admin.rotate_id(&token.id).await.unwrap();
    server.clock.set(3 * MINUTE);
    for client in [&previous, &current] {
        refused(client, RETIRED).await;
    }
    assert_eq!(again.check().await, Ok(5), "not revoked");
    let reuses = admin.events(json!({ "tokenId": token.id, "actions": ["API_TOKEN_VALUE_REUSED"] })).await;
    assert!(reuses.len() >= 2, "it is recorded all the same: {reuses:?}");

    // What had been rotated away before is another matter.
    refused(&oldest, RETIRED).await;
    refused(&again, "TOKEN_REVOKED").await;
}

#[tokio::test]
async fn whoever_still_has_a_previous_value_that_the_operator_retired_alone_is_no_thief_either() {
    let server = Server::start().await;
    let strict = json!({ "name": "strict", "onReuse": "REVOKE", "overlapMinutes": 60 });
    let previous = server.admin.create(strict).await.unwrap().client;
    server.clock.set(2 * MINUTE);
    let current = previous.with(previous.rotate().await.unwrap());
    assert_eq!(current.check().await, Ok(2));
    let service = server.service().await;
    server.clock.set(3 * MINUTE);
    service.retire_values(at(MINUTE)).await.unwrap();
    server.clock.set(4 * MINUTE);
    soon_refused(&previous).await;
    refused(&previous, RETIRED).await;
    assert_eq!(current.check().await, Ok(2), "not revoked");
}

#[tokio::test]
async fn a_moment_that_is_yet_to_come_is_refused() {
    let server = Server::start().await;
    let service = server.service().await;
    server.clock.set(10 * SECOND);
    let refused = service.retire_values(at(10 * SECOND + 1)).await.unwrap_err();
    assert!(refused.to_string().contains("2026-01-01T00:00:10.000Z"), "{refused}");
    assert_eq!(server.admin.check().await, Ok(1));
    service.retire_values(at(10 * SECOND)).await.unwrap();
}

#[tokio::test]
async fn more_tokens_than_fit_into_one_transaction_are_retired_all() {
    let server = Server::start().await;
    let mut clients = Vec::new();
    for number in 0..230 {
        clients.push(server.admin.create(json!({ "name": format!("n{number}") })).await.unwrap().client);
    }
    server.clock.set(MINUTE);
    let retired = server.service().await.retire_values(at(MINUTE)).await.unwrap();
    assert_eq!((retired.values, retired.tokens_without_value), (231, 231));
    for client in &clients {
        soon_refused(client).await;
    }
}

/// Runs a command to its end: what it printed.
fn run(database: &TestDatabase, url: &str, arguments: &[&str]) -> (bool, String, String) {
    let output = Process::output(command(&database.folder()).args(arguments).args(["--database-url", url]));
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.success(), text(output.stdout), text(output.stderr))
}

fn stop(server: Process) {
    server.signal(Signal::SIGTERM);
    assert!(server.ended().0.success());
}

/// The steps of `docs/backup.md`.
#[tokio::test(flavor = "multi_thread")]
async fn after_a_restore_the_values_that_live_again_are_retired_and_every_token_can_be_given_a_new_one() {
    let database = TestDatabase::new().await;
    let server = Process::serve(&database.folder(), &database.url);
    let admin = server.client().with(server.first_value());
    let token = admin.create(json!({ "name": "leaks", "onReuse": "REVOKE" })).await.unwrap();
    assert_eq!(token.client.check().await, Ok(1));
    stop(server);
    let backup = database.copy().await;

    let server = Process::serve(&database.folder(), &database.url);
    let leaked = token.client.at(&server.url);
    let rotated = leaked.with(leaked.rotate_with(json!({ "overlapMinutes": 0, "force": true })).await.unwrap());
    refused(&leaked, RETIRED).await;
    stop(server);

    let server = Process::serve(&database.folder(), &backup);
    let (leaked, rotated) = (leaked.at(&server.url), rotated.at(&server.url));
    assert_eq!(leaked.check().await, Ok(1), "time has gone back");
    refused(&rotated, "UNAUTHENTICATED").await;
    let (good, _, errors) = run(&database, &backup, &["retire-values", "--issued-before", "9999-01-01T00:00:00Z"]);
    assert!(!good && errors.contains("not be later than now"), "{errors}");
    let now = Timestamp::from_unix_millis(SystemClock.now_unix_millis()).to_string();
    let (good, told, errors) = run(&database, &backup, &["retire-values", "--issued-before", &now]);
    assert!(good, "{errors}");
    assert_eq!(
        told,
        "Retired 2 values. 2 tokens have no value that a client knows, until you rotate them by their id.\n"
    );
    soon_refused(&leaked).await;
    let (good, value, errors) = run(&database, &backup, &["bootstrap"]);
    assert!(good, "{errors}");
    let admin = leaked.with(find_value(&value).unwrap());
    let again = admin.rotate_id(&token.id).await.unwrap();
    assert_eq!(again.check().await, Ok(3));
    refused(&leaked, RETIRED).await;
    assert_eq!(again.check().await, Ok(3), "nobody was taken for a thief");
    stop(server);
}
