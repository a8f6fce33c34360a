//! Rotation campaigns: which tokens belong to one, what becomes of each, and how it ends.

mod create;
mod deadline;
mod failing;
mod interrupted;
mod progress;
mod rest;
mod restored;
mod states;

use serde_json::{Value, json};

use crate::support::client::{Answer, Client, Created};
use crate::support::clock::START;
use crate::support::server::Server;

pub const CREATE: &str = "mutation($input: CreateRotationCampaignInput!) { createRotationCampaign(input: $input) {
    campaign { id status filter reason evidenceURL preparedAt endedAt progress { total } } } }";

const PROGRESS: &str = "query($id: ID!) { rotationCampaign(id: $id) { status endedAt progress {
    total left notRevocable waiting rotated newValueInUse oldValueSilent retired revoked expired rotationOverdue gone } } }";

const TOKENS: &str = "query($id: ID!, $first: Int, $after: String, $states: [RotationCampaignTokenState!]) {
    rotationCampaignTokens(id: $id, first: $first, after: $after, states: $states) {
    nodes { tokenId state oldGeneration refusal token { id status } } pageInfo { hasNextPage hasPreviousPage endCursor } } }";

const CANCEL: &str =
    "mutation($id: ID!, $reason: String) { cancelRotationCampaign(input: { id: $id, reason: $reason }) {
    campaign { id status cancelled } } }";

/// After so many milliseconds, the tokens of a campaign are complete.
pub const SETTLED: i64 = 30_001;

/// The time so many milliseconds after the start of the clock.
pub fn at(offset_millis: i64) -> String {
    rotakey::domain::timestamp::Timestamp::from_unix_millis(START + offset_millis).to_string()
}

/// Creates so many tokens of the owner `acme`.
pub async fn create_tokens(server: &Server, count: usize, more: Value) -> Vec<Created> {
    let mut tokens = Vec::new();
    for _ in 0..count {
        // Ids sort by time.
        server.clock.advance(1);
        let mut input = json!({ "name": "n", "owner": "acme" });
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        tokens.push(server.admin.create(input).await.unwrap());
    }
    tokens
}

/// The input for a campaign of `acme`, which ends an hour after the start of the clock.
pub fn input(at_deadline: &str) -> Value {
    json!({ "filter": { "owner": "acme" }, "deadline": at(3_600_000), "atDeadline": at_deadline, "reason": "INC-7" })
}

/// Creates a campaign and waits until its tokens are complete; returns its id.
pub async fn create(server: &Server, caller: &Client, input: Value) -> String {
    let id = begin(caller, input).await;
    server.clock.advance(SETTLED);
    // The failure of another campaign is no concern of this one.
    let _ = server.service().await.advance_campaigns().await;
    id
}

/// Creates a campaign, of which only old tokens are collected yet; returns its id.
pub async fn begin(caller: &Client, input: Value) -> String {
    let answer = caller.graphql(CREATE, json!({ "input": input })).await;
    let campaign = &answer.body["data"]["createRotationCampaign"]["campaign"];
    campaign["id"].as_str().unwrap_or_else(|| panic!("{}", answer.body)).to_owned()
}

pub async fn cancel(caller: &Client, id: &str, reason: Value) -> Answer {
    caller.graphql(CANCEL, json!({ "id": id, "reason": reason })).await
}

/// The status of a campaign, and the counts that are not zero.
pub async fn progress(server: &Server, id: &str) -> (String, Value) {
    let answer = server.admin.graphql(PROGRESS, json!({ "id": id })).await;
    let campaign = &answer.body["data"]["rotationCampaign"];
    let mut counts = campaign["progress"].as_object().unwrap_or_else(|| panic!("{}", answer.body)).clone();
    let states = [
        "waiting",
        "rotated",
        "newValueInUse",
        "oldValueSilent",
        "retired",
        "revoked",
        "expired",
        "rotationOverdue",
        "gone",
    ];
    let sum: i64 = states.iter().map(|state| counts[*state].as_i64().unwrap()).sum();
    assert_eq!(counts["total"], sum, "the total is the sum: {counts:?}");
    counts.retain(|_, count| *count != 0);
    (campaign["status"].as_str().unwrap().to_owned(), Value::Object(counts))
}

/// A page of the tokens of a campaign: id, state and refusal of each; and where the next page begins, if there is one.
pub async fn page(server: &Server, variables: Value) -> (Vec<(String, String, Option<String>)>, Option<String>) {
    let answer = server.admin.graphql(TOKENS, variables).await;
    let page = &answer.body["data"]["rotationCampaignTokens"];
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let nodes = page["nodes"].as_array().unwrap_or_else(|| panic!("{}", answer.body));
    let row = |node: &Value| {
        assert_eq!(node["tokenId"], node["token"]["id"]);
        (text(&node["tokenId"]).unwrap(), text(&node["state"]).unwrap(), text(&node["refusal"]))
    };
    let next = text(&page["pageInfo"]["endCursor"]).filter(|_| page["pageInfo"]["hasNextPage"] == true);
    (nodes.iter().map(row).collect(), next)
}

/// All tokens of a campaign with one of these states, or all.
pub async fn tokens(server: &Server, id: &str, states: Value) -> Vec<(String, String, Option<String>)> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let (found, next) = page(server, json!({ "id": id, "first": 100, "after": after, "states": states })).await;
        all.extend(found);
        if next.is_none() {
            return all;
        }
        after = next;
    }
}

/// Takes steps until the campaign has ended.
pub async fn end(server: &Server, id: &str) -> (String, Value) {
    let service = server.service().await;
    for _ in 0..100 {
        // Its random bytes are those of the service before, so the ids of its events must differ by their time.
        server.clock.advance(1);
        service.advance_campaigns().await.unwrap();
        let (status, counts) = progress(server, id).await;
        if !["PREPARING", "OPEN", "ENDING"].contains(&status.as_str()) {
            return (status, counts);
        }
    }
    panic!("the campaign does not end: {:?}", progress(server, id).await);
}
