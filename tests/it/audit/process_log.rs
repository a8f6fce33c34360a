//! What the log says of changes and refusals: a line each, with ids and outcomes, and no text of a client's.

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::support::client::Client;
use crate::support::database::TestDatabase;
use crate::support::process::Process;

/// A token is created, rotated, refused a rotation that comes too soon and the end of its overlap, changed and revoked: its id.
async fn live(admin: &Client) -> String {
    let token = admin.create(json!({ "name": "a name of a client's", "owner": "an owner" })).await.unwrap();
    let second = token.client.with(token.client.rotate().await.unwrap());
    assert_eq!(token.client.rotate().await, Err("ROTATION_CONFLICT".into()));
    admin.update(json!({ "id": token.id, "name": "another name of a client's" })).await.unwrap();
    assert_eq!(second.end_overlap(&token.id).await, Err("STILL_IN_USE".into()));
    assert_eq!(second.force_end_overlap(&token.id).await, Ok(1));
    assert_eq!(token.client.check().await, Err("VALUE_RETIRED".into()));
    admin.revoke(&token.id).await.unwrap();
    token.id
}

const LINES: [(&str, i64, &str); 8] = [
    ("created API token", 1, "OK"),
    ("rotated API token", 2, "OK"),
    ("refused rotation", 1, "ROTATION_CONFLICT"),
    ("updated API token", 2, "OK"),
    ("refused to end overlap", 2, "STILL_IN_USE"),
    ("ended overlap", 2, "OK"),
    ("refused retired value", 1, "OK"),
    ("revoked API token", 2, "OK"),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_change_and_every_refusal_worth_knowing_is_a_line_of_its_own() {
    let database = TestDatabase::new().await;
    let server = Process::serve(&database.folder(), &database.url);
    let id = live(&server.client().with(server.first_value())).await;
    server.signal(Signal::SIGTERM);
    let (_, _, log) = server.ended();
    let lines: Vec<&str> =
        log.lines().filter(|line| line.contains(" INFO ") && line.contains(&format!("token_id={id}"))).collect();
    assert_eq!(lines.len(), LINES.len(), "{lines:#?}");
    for (line, (did, generation, result)) in lines.iter().zip(LINES) {
        assert!(line.contains(did) && line.contains(&format!("generation={generation}")), "{line}");
        assert!(line.contains(result) && line.contains("request_id=req_"), "{line}");
    }
    assert!(!log.contains("of a client's") && !log.contains("an owner"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_as_json_is_one_object_a_line() {
    let database = TestDatabase::new().await;
    let server = Process::serve_by(&["serve", "--log-format", "json"], &database.folder(), &database.url);
    let id = live(&server.client().with(server.first_value())).await;
    server.signal(Signal::SIGTERM);
    let (_, _, log) = server.ended();
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let about: Vec<_> =
        lines.iter().filter(|line| line["level"] == "INFO" && line["token_id"] == id.as_str()).collect();
    assert_eq!(about.len(), LINES.len());
    for (line, (did, generation, result)) in about.iter().zip(LINES) {
        assert_eq!((&line["generation"], &line["result"]), (&json!(generation), &json!(result)), "{line}");
        assert!(line["message"].as_str().unwrap().starts_with(did) && line["event"] == "audit_event", "{line}");
        assert!(line["request_id"].as_str().unwrap().starts_with("req_"), "{line}");
    }
}
