//! Revoking all tokens that match a filter, over GraphQL and over REST.

use serde_json::{Value, json};

use crate::support::client::{Answer, Client, Created};
use crate::support::clock::MINUTE;
use crate::support::deadline::until;
use crate::support::server::Server;

const REVOKE_MANY: &str = "mutation($input: RevokeAPITokensInput!) { revokeAPITokens(input: $input) {
    revocations { refusal message token { id status } } pageInfo { hasNextPage endCursor } } }";

async fn ask(caller: &Client, input: Value) -> Answer {
    caller.graphql(REVOKE_MANY, json!({ "input": input })).await
}

/// The id, the status and the refusal of each token.
fn revocations(answer: &Answer) -> Vec<(String, String, Option<String>)> {
    let found = answer.body["data"]["revokeAPITokens"]["revocations"].as_array().unwrap();
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let row = |it: &Value| {
        assert_eq!(it["refusal"].is_null(), it["message"].is_null());
        (text(&it["token"]["id"]).unwrap(), text(&it["token"]["status"]).unwrap(), text(&it["refusal"]))
    };
    found.iter().map(row).collect()
}

async fn create(server: &Server, count: usize, more: Value) -> Vec<Created> {
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

#[tokio::test]
async fn all_that_match_are_revoked_and_no_other() {
    let server = Server::start().await;
    let matching = create(&server, 30, json!({})).await;
    let other = create(&server, 1, json!({ "owner": "other" })).await;
    let mut after = Value::Null;
    let mut found = Vec::new();
    loop {
        let input = json!({ "filter": { "owner": "acme" }, "dryRun": false, "first": 12, "after": after });
        let answer = ask(&server.admin, input).await;
        let page = revocations(&answer);
        assert!(page.len() <= 12);
        found.extend(page);
        let info = &answer.body["data"]["revokeAPITokens"]["pageInfo"];
        if info["hasNextPage"] == false {
            break;
        }
        after = info["endCursor"].clone();
    }
    let expected: Vec<_> = matching.iter().map(|token| (token.id.clone(), "REVOKED".to_owned(), None)).collect();
    assert_eq!(found, expected);
    for token in &matching {
        assert_eq!(token.client.check().await, Err("TOKEN_REVOKED".into()));
    }
    assert_eq!(other[0].client.check().await, Ok(1));
    // Those that are revoked match no more.
    let again = ask(&server.admin, json!({ "filter": { "owner": "acme" }, "dryRun": false })).await;
    assert_eq!(revocations(&again), []);
}

#[tokio::test]
async fn each_has_an_event_with_the_reason() {
    let server = Server::start().await;
    let tokens = create(&server, 3, json!({})).await;
    let input = json!({ "filter": { "owner": "acme" }, "dryRun": false, "reason": "INC-7",
        "evidenceURL": "https://example.com/7" });
    ask(&server.admin, input).await;
    let query = "{ auditEvents(first: 200) { nodes { action tokenId reason evidenceURL } } }";
    let events = server.admin.graphql(query, json!({})).await.body["data"]["auditEvents"]["nodes"].clone();
    for Created { id, .. } in tokens {
        let event = json!({ "action": "API_TOKEN_REVOKED", "tokenId": id, "reason": "INC-7",
            "evidenceURL": "https://example.com/7" });
        assert!(events.as_array().unwrap().contains(&event), "{events}");
    }
}

/// Protected ones, those with permissions that the caller lacks, and the caller's own are named with the reason. A dry run says the
/// same of each, and changes nothing.
#[tokio::test]
async fn what_may_not_be_revoked_is_named_and_a_dry_run_says_the_same() {
    let server = Server::start().await;
    let plain = create(&server, 2, json!({})).await;
    let protected = create(&server, 1, json!({ "protected": true })).await;
    let greater = create(&server, 1, json!({ "permissions": ["AUDIT_LOG_READ"] })).await;
    let own = create(&server, 1, json!({ "permissions": ["API_TOKEN_READ", "API_TOKEN_MODIFY"] })).await.remove(0);
    let last = create(&server, 1, json!({})).await;
    let expected = |done: &str| {
        let row = |token: &Created, status: &str, refusal: Option<&str>| {
            (token.id.clone(), status.to_owned(), refusal.map(str::to_owned))
        };
        vec![
            row(&plain[0], done, None),
            row(&plain[1], done, None),
            row(&protected[0], "ACTIVE", Some("TOKEN_PROTECTED")),
            row(&greater[0], "ACTIVE", Some("FORBIDDEN")),
            row(&own, "ACTIVE", Some("FORBIDDEN")),
            row(&last[0], done, None),
        ]
    };
    let input = |dry_run: bool| json!({ "filter": { "owner": "acme" }, "dryRun": dry_run });
    assert_eq!(revocations(&ask(&own.client, input(true)).await), expected("ACTIVE"));
    assert_eq!(plain[0].client.check().await, Ok(1), "a dry run changes nothing");
    assert_eq!(revocations(&ask(&own.client, input(false)).await), expected("REVOKED"));
    let remaining = revocations(&ask(&own.client, input(true)).await);
    assert_eq!(
        remaining,
        expected("REVOKED").into_iter().filter(|(.., refusal)| refusal.is_some()).collect::<Vec<_>>()
    );
}

/// Otherwise each token that is left would be said to have expired, although it works.
#[tokio::test]
async fn r10_what_ends_the_token_of_the_caller_meanwhile_is_not_said_of_the_others() {
    let server = Server::start().await;
    let victims = create(&server, 120, json!({})).await;
    let caller = server.admin.create(json!({ "name": "c", "permissions": ["API_TOKEN_READ", "API_TOKEN_MODIFY"],
        "expiresAt": "2026-01-01T01:00:00Z" }));
    let caller = caller.await.unwrap().client;
    let expire = async {
        until("the first revocation", async || victims[0].client.check().await == Err("TOKEN_REVOKED".into())).await;
        server.clock.advance(60 * MINUTE);
    };
    let input = json!({ "filter": { "owner": "acme" }, "dryRun": false, "first": 200 });
    let (answer, ()) = tokio::join!(ask(&caller, input), expire);
    // It may also have been quicker.
    if answer.code() != Some("TOKEN_EXPIRED") {
        assert!(revocations(&answer).iter().all(|(_, _, refusal)| refusal.is_none()), "{}", answer.body);
    }
}

#[tokio::test]
async fn it_needs_a_condition_and_the_permissions_to_read_and_to_modify() {
    let server = Server::start().await;
    let victim = create(&server, 1, json!({})).await.remove(0);
    let refused = async |caller: &Client, input: Value| {
        let answer = ask(caller, input).await;
        let error = &answer.body["errors"][0]["extensions"];
        (error["code"].as_str().unwrap().to_owned(), error["field"].as_str().map(str::to_owned))
    };
    let field = |code: &str, field: &str| (code.to_owned(), Some(field.to_owned()));
    let with = |more: Value| {
        let mut input = json!({ "filter": { "owner": "acme" }, "dryRun": false });
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        input
    };
    for (more, expected) in [
        (json!({ "filter": {} }), field("BAD_USER_INPUT", "filter")),
        (json!({ "filter": { "owner": null } }), field("BAD_USER_INPUT", "filter")),
        (json!({ "filter": { "status": ["REVOKED"] } }), field("BAD_USER_INPUT", "status")),
        (json!({ "filter": { "status": [] } }), field("BAD_USER_INPUT", "filter")),
        (json!({ "filter": { "metadata": [], "status": [] } }), field("BAD_USER_INPUT", "filter")),
        // Every token meets these, as the empty variable of a script makes them.
        (json!({ "filter": { "name": "" } }), field("BAD_USER_INPUT", "name")),
        (json!({ "filter": { "owner": "acme", "text": "" } }), field("BAD_USER_INPUT", "text")),
        (json!({ "first": 0 }), field("BAD_USER_INPUT", "first")),
        (json!({ "first": 201 }), field("BAD_USER_INPUT", "first")),
        (json!({ "after": "x" }), field("BAD_USER_INPUT", "after")),
        (json!({ "reason": "" }), field("BAD_USER_INPUT", "reason")),
        (json!({ "dryRun": true, "reason": "" }), field("BAD_USER_INPUT", "reason")),
    ] {
        assert_eq!(refused(&server.admin, with(more.clone())).await, expected, "{more}");
    }
    for permission in ["API_TOKEN_READ", "API_TOKEN_MODIFY"] {
        let caller = server.admin.create(json!({ "name": "c", "permissions": [permission] })).await.unwrap().client;
        for dry_run in [true, false] {
            let code = refused(&caller, with(json!({ "dryRun": dry_run }))).await.0;
            assert_eq!(code, "FORBIDDEN", "{permission}");
        }
    }
    let missing = server.admin.graphql(REVOKE_MANY, json!({ "input": { "filter": { "owner": "acme" } } })).await;
    assert_eq!(missing.code(), Some("BAD_USER_INPUT"), "dryRun is required");
    assert_eq!(victim.client.check().await, Ok(1));
}

/// The same request over REST: the answer, as GraphQL would give it.
async fn ask_rest(caller: &Client, query: &str) -> Vec<(String, String, Option<String>)> {
    let answer = caller.rest("DELETE", &format!("/api-tokens?{query}"), Value::Null).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let page = json!({ "revocations": answer.body["data"], "pageInfo": answer.body["pageInfo"] });
    revocations(&Answer { body: json!({ "data": { "revokeAPITokens": page } }), ..answer })
}

#[tokio::test]
async fn over_rest_it_is_a_delete_with_conditions() {
    let server = Server::start().await;
    let plain = create(&server, 2, json!({ "metadata": [{ "key": "team", "value": "a" }] })).await;
    let protected = create(&server, 1, json!({ "protected": true })).await.remove(0);
    let other = create(&server, 1, json!({ "owner": "other" })).await.remove(0);
    let row = |token: &Created, status: &str, refusal: Option<&str>| {
        (token.id.clone(), status.to_owned(), refusal.map(str::to_owned))
    };
    let rows = |status: &str| {
        vec![
            row(&plain[0], status, None),
            row(&plain[1], status, None),
            row(&protected, "ACTIVE", Some("TOKEN_PROTECTED")),
        ]
    };
    let revoke = async |query: &str| ask_rest(&server.admin, query).await;
    assert_eq!(revoke("owner=acme&dryRun=true").await, rows("ACTIVE"));
    assert_eq!(revoke("owner=acme&first=1&metadata=team=a&dryRun=true").await, rows("ACTIVE")[..1]);
    assert_eq!(revoke("owner=acme&dryRun=false&reason=INC-7").await, rows("REVOKED"));
    assert_eq!(revoke("owner=acme&dryRun=false").await, rows("REVOKED")[2..]);
    for (query, field) in [
        ("owner=other", "dryRun"),
        ("owner=other&dryRun=yes", "dryRun"),
        ("dryRun=false", "filter"),
        ("", "dryRun"),
        ("owner=other&dryRun=false&orderBy=name", "orderBy"),
        ("owner=other&dryRun=false&last=1", "last"),
        ("owner=other&dryRun=false&status=REVOKED", "status"),
        ("owner=other&dryRun=false&reason=", "reason"),
        ("text=&dryRun=false", "text"),
    ] {
        let answer = server.admin.rest("DELETE", &format!("/api-tokens?{query}"), Value::Null).await;
        assert_eq!((answer.status, &answer.body["field"]), (400, &json!(field)), "{query}: {}", answer.body);
    }
    assert_eq!(other.client.check().await, Ok(1));
}
