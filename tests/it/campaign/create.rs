//! Which tokens belong to a campaign, and who may create, read and cancel one.

use rotakey::service::Policy;
use sea_orm::{ConnectionTrait, Statement};
use serde_json::{Value, json};

use super::{CREATE, SETTLED, at, begin, cancel, create, create_tokens, end, input, page, progress, tokens};
use crate::support::client::Client;
use crate::support::clock::MINUTE;
use crate::support::server::Server;

#[tokio::test]
async fn the_tokens_are_all_that_match_and_are_fixed() {
    let server = Server::start().await;
    let matching = create_tokens(&server, 230, json!({})).await;
    let revoked = create_tokens(&server, 1, json!({})).await.remove(0);
    server.admin.revoke(&revoked.id).await.unwrap();
    create_tokens(&server, 1, json!({ "owner": "other" })).await;
    let id = create(&server, &server.admin, input("NOTHING")).await;
    let expected = (("OPEN").to_owned(), json!({ "total": 230, "left": 230, "waiting": 230 }));
    assert_eq!(progress(&server, &id).await, expected);
    // What matches later does not belong to it, and what no longer matches does.
    create_tokens(&server, 1, json!({})).await;
    server.admin.update(json!({ "id": matching[0].id, "owner": "other" })).await.unwrap();
    assert_eq!(progress(&server, &id).await, expected);
    let listed: Vec<_> = tokens(&server, &id, Value::Null).await.into_iter().map(|(id, ..)| id).collect();
    let ids: Vec<_> = matching.iter().map(|token| token.id.clone()).collect();
    assert_eq!(listed, ids, "each once, oldest first");
    let (first, after) = page(&server, json!({ "id": id, "first": 7 })).await;
    let (second, _) = page(&server, json!({ "id": id, "first": 7, "after": after })).await;
    assert_eq!(
        first.iter().chain(&second).map(|(id, ..)| id).collect::<Vec<_>>(),
        ids[..14].iter().collect::<Vec<_>>()
    );
}

/// Such as one of an import of many: it has the time at which that began.
#[tokio::test]
async fn a_token_whose_creation_is_committed_after_the_campaign_began_belongs_to_it() {
    let server = Server::start().await;
    server.clock.set(MINUTE);
    let early = create_tokens(&server, 1, json!({})).await.remove(0);
    server.clock.set(2 * MINUTE);
    let id = begin(&server.admin, input("NOTHING")).await;
    assert_eq!(progress(&server, &id).await, ("PREPARING".to_owned(), json!({ "total": 1, "left": 1, "waiting": 1 })));
    server.clock.set(2 * MINUTE - 20_000);
    let late = create_tokens(&server, 1, json!({})).await.remove(0);
    server.clock.set(2 * MINUTE + 1);
    create_tokens(&server, 1, json!({})).await;
    let service = server.service().await;
    for (offset, status) in [(15_000, "PREPARING"), (30_000, "PREPARING"), (SETTLED, "OPEN")] {
        server.clock.set(2 * MINUTE + offset);
        service.advance_campaigns().await.unwrap();
        assert_eq!(progress(&server, &id).await.0, status, "{offset}");
    }
    let listed: Vec<_> = tokens(&server, &id, Value::Null).await.into_iter().map(|(id, ..)| id).collect();
    assert_eq!(listed, [early.id, late.id], "and what was created later does not");
}

#[tokio::test]
async fn a_campaign_says_what_it_was_created_for() {
    let server = Server::start().await;
    let mut input = input("NOTHING");
    input["evidenceURL"] = json!("https://example.com/7");
    input["filter"] = json!({ "owner": "acme", "metadata": [{ "key": "team", "value": "pay" }] });
    let answer = server.admin.graphql(CREATE, json!({ "input": input })).await;
    let campaign = answer.body["data"]["createRotationCampaign"]["campaign"].clone();
    assert_eq!((&campaign["reason"], &campaign["evidenceURL"]), (&json!("INC-7"), &json!("https://example.com/7")));
    let filter: Value = serde_json::from_str(campaign["filter"].as_str().unwrap()).unwrap();
    assert_eq!((&filter["owner"], &filter["metadata"]), (&json!("acme"), &json!({ "team": "pay" })));
    // One without tokens is complete as soon as that is certain.
    let id = campaign["id"].as_str().unwrap();
    server.clock.advance(SETTLED);
    assert_eq!(end(&server, id).await, ("COMPLETED".to_owned(), json!({})));
    let query = "{ auditEvents(filter: { actions: [ROTATION_CAMPAIGN_CREATED, ROTATION_CAMPAIGN_ENDED] }) {
        nodes { action reason evidenceURL tokenId actor { kind } } } }";
    let nodes = server.admin.ask(query).await.body["data"]["auditEvents"]["nodes"].clone();
    let event = |action: &str, kind: &str| {
        json!({ "action": action, "reason": format!("{id}: INC-7"), "evidenceURL": "https://example.com/7",
            "tokenId": null, "actor": { "kind": kind } })
    };
    assert_eq!(
        nodes,
        json!([event("ROTATION_CAMPAIGN_ENDED", "SYSTEM"), event("ROTATION_CAMPAIGN_CREATED", "API_TOKEN")])
    );
}

/// The code and the field of the refusal.
async fn refused(caller: &Client, input: &Value) -> (String, Option<String>) {
    let answer = caller.graphql(CREATE, json!({ "input": input })).await;
    let error = &answer.body["errors"][0]["extensions"];
    let code = error["code"].as_str().unwrap_or_else(|| panic!("{}", answer.body));
    (code.to_owned(), error["field"].as_str().map(str::to_owned))
}

#[tokio::test]
async fn bad_input_is_refused_with_its_field() {
    let server = Server::start().await;
    server.clock.advance(10);
    for (field, value) in [
        ("filter", json!({})),
        ("filter", json!({ "status": [], "owner": null })),
        ("deadline", json!(at(10))),
        ("deadline", json!(at(9))),
        ("reason", json!("")),
        ("name", json!("a\nb")),
        ("evidenceURL", json!("ftp://example.com")),
    ] {
        let mut input = input("REVOKE");
        input[field] = value;
        assert_eq!(
            refused(&server.admin, &input).await,
            ("BAD_USER_INPUT".to_owned(), Some(field.to_owned())),
            "{input}"
        );
    }
    for (condition, value) in [("name", json!("")), ("text", json!("")), ("status", json!(["REVOKED", "EXPIRED"]))] {
        let mut input = input("REVOKE");
        input["filter"] = json!({ "owner": "acme", condition: value });
        let expected = ("BAD_USER_INPUT".to_owned(), Some(condition.to_owned()));
        assert_eq!(refused(&server.admin, &input).await, expected, "{input}");
    }
    // R9: a filter is kept and shown, so a value that is pasted into it is refused.
    let value = server.admin.create(json!({ "name": "leaked" })).await.unwrap().client.value.unwrap();
    let pasted = format!("x{value}");
    let pair = json!([{ "key": "team", "value": pasted }]);
    for (condition, value) in
        ["name", "text", "owner", "scope"].map(|it| (it, json!(pasted))).into_iter().chain([("metadata", pair)])
    {
        let mut input = input("REVOKE");
        input["filter"] = json!({ condition: value });
        let expected = ("BAD_USER_INPUT".to_owned(), Some(condition.to_owned()));
        assert_eq!(refused(&server.admin, &input).await, expected, "{condition}");
    }
    let mut input = input("NOTHING");
    input["deadline"] = json!(at(11));
    create(&server, &server.admin, input).await;
    let listed = server.admin.ask("{ rotationCampaigns { edges { node { id } } } }").await;
    assert_eq!(
        listed.body["data"]["rotationCampaigns"]["edges"].as_array().unwrap().len(),
        1,
        "nothing else was created"
    );
}

#[tokio::test]
async fn r11_each_operation_needs_its_permission() {
    let server = Server::start().await;
    let id = create(&server, &server.admin, input("NOTHING")).await;
    let with = async |permissions: &[&str]| {
        server.admin.create(json!({ "name": "c", "permissions": permissions })).await.unwrap().client
    };
    let (read, modify) = (with(&["API_TOKEN_READ"]).await, with(&["API_TOKEN_MODIFY"]).await);
    for caller in [&read, &modify] {
        assert_eq!(refused(caller, &input("NOTHING")).await.0, "FORBIDDEN");
    }
    let queries = [
        format!("{{ rotationCampaign(id: \"{id}\") {{ id }} }}"),
        "{ rotationCampaigns { edges { node { id } } } }".to_owned(),
        format!("{{ rotationCampaignTokens(id: \"{id}\") {{ nodes {{ tokenId }} }} }}"),
    ];
    for query in &queries {
        assert_eq!(modify.ask(query).await.code(), Some("FORBIDDEN"), "{query}");
        assert_eq!(read.ask(query).await.code(), None, "{query}");
    }
    for other in ["cmp_01KDVDNA000W3GE1R70W3GE1R7", "x", "tok_01KDVDNA000W3GE1R70W3GE1R7"] {
        for query in [&queries[0], &queries[2]] {
            assert_eq!(server.admin.ask(&query.replace(&id, other)).await.code(), Some("NOT_FOUND"), "{other}");
        }
        assert_eq!(cancel(&server.admin, other, Value::Null).await.code(), Some("NOT_FOUND"), "{other}");
    }
    // The campaign of a token with more permissions is not for others to cancel.
    assert_eq!(cancel(&read, &id, Value::Null).await.code(), Some("FORBIDDEN"));
    assert_eq!(cancel(&modify, &id, Value::Null).await.code(), Some("FORBIDDEN"));
    assert_ne!(progress(&server, &id).await.0, "CANCELLED");
}

#[tokio::test]
async fn a_cancelled_campaign_revokes_nothing_and_reports() {
    let server = Server::start().await;
    let waiting = create_tokens(&server, 3, json!({})).await;
    let id = create(&server, &server.admin, input("REVOKE")).await;
    // Twice: the second changes nothing.
    for _ in 0..2 {
        let answer = cancel(&server.admin, &id, json!("a mistake")).await;
        assert_eq!(answer.body["data"]["cancelRotationCampaign"]["campaign"]["cancelled"], true, "{}", answer.body);
    }
    let expected = ("CANCELLED".to_owned(), json!({ "total": 3, "left": 3, "waiting": 3 }));
    assert_eq!(end(&server, &id).await, expected);
    server.clock.advance(2 * 3_600_000);
    server.service().await.advance_campaigns().await.unwrap();
    // The report stays as it was.
    server.admin.rotate_id(&waiting[0].id).await.unwrap();
    assert_eq!(progress(&server, &id).await, expected);
    assert_eq!(waiting[1].client.check().await, Ok(1));
    let query = "{ auditEvents(filter: { actions: [ROTATION_CAMPAIGN_CANCELLED, ROTATION_CAMPAIGN_ENDED] }) {
        nodes { action reason } } }";
    let nodes = server.admin.ask(query).await.body["data"]["auditEvents"]["nodes"].clone();
    let event = json!({ "action": "ROTATION_CAMPAIGN_CANCELLED", "reason": format!("{id}: a mistake") });
    assert_eq!(nodes, json!([event]));
    let ended = create(
        &server,
        &server.admin,
        json!({ "filter": { "owner": "nobody" }, "deadline": at(30 * 3_600_000),
        "atDeadline": "REVOKE", "reason": "r" }),
    );
    let ended = ended.await;
    assert_eq!(end(&server, &ended).await.0, "COMPLETED");
    assert_eq!(cancel(&server.admin, &ended, Value::Null).await.code(), Some("BAD_USER_INPUT"));
}

#[tokio::test]
async fn an_ended_campaign_is_kept_with_its_report_as_long_as_the_audit_log() {
    let server = Server::start_with(Policy { audit_retention_minutes: Some(60), ..Policy::default() }).await;
    // More tokens than one transaction deletes.
    create_tokens(&server, 510, json!({})).await;
    let open = create(
        &server,
        &server.admin,
        json!({ "filter": { "owner": "acme" }, "deadline": at(1_000 * MINUTE),
        "atDeadline": "NOTHING", "reason": "r" }),
    );
    let open = open.await;
    let ended = create(&server, &server.admin, input("NOTHING")).await;
    server.clock.set(10 * MINUTE);
    cancel(&server.admin, &ended, Value::Null).await;
    assert_eq!(progress(&server, &ended).await.0, "CANCELLED");
    let service = server.service().await;
    let connection = server.database.connect().await;
    let left = async || {
        let sql = format!("SELECT count(*) FROM rotation_campaign_token WHERE campaign_id = '{ended}'");
        let row =
            connection.query_one_raw(Statement::from_string(connection.get_database_backend(), sql)).await.unwrap();
        row.unwrap().try_get_by_index::<i64>(0).unwrap()
    };
    for (minute, kept) in [(69, 510), (70, 510), (71, 0)] {
        server.clock.set(minute * MINUTE);
        service.sweep().await.unwrap();
        let code = server.admin.ask(&format!("{{ rotationCampaign(id: \"{ended}\") {{ id }} }}")).await;
        assert_eq!((left().await, code.code()), (kept, (kept == 0).then_some("NOT_FOUND")), "{minute}");
    }
    assert_eq!(progress(&server, &open).await.1["total"], 510);
}
