//! R5 and R13 of first uses: a value counts as used before anything is answered to who presents it, whatever that is; and where
//! what is asked for is a change, the two are one durable transaction.

use rotakey::domain::id::TokenId;
use rotakey::domain::reason::ReasonDraft;
use rotakey::domain::token::{OverlapStart, SettingsDraft, Token};
use rotakey::service::{Caller, CreateRequest, ErrorCode, Issued, RequestContext, RotateRequest};
use sea_orm::ConnectionTrait;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::support::client::{Client, ROTATE};
use crate::support::clock::SECOND;
use crate::support::database::TestDatabase;
use crate::support::deadline::soon;
use crate::support::replica::{Replica, named};
use crate::support::server::Server;

/// Requests that come to nothing, each refused at another place or asking for nothing, and one that works.
fn requests(client: &Client) -> Vec<(&'static str, reqwest::RequestBuilder)> {
    let post = |path: &str| client.request("POST", path);
    let ask = |query: &str| post("/graphql").json(&json!({ "query": query }));
    let text = |body: &str| post("/graphql").header("Content-Type", "application/json").body(body.to_owned());
    let long = r#"mutation { rotateAPIToken(input: { overlapMinutes: 99999 }) { token { id } } }"#;
    let none = r#"mutation { rotateAPIToken(input: { id: "tok_none" }) { token { id } } }"#;
    vec![
        ("asks for nothing", ask("{ __typename }")),
        ("is no document", ask("{")),
        ("asks for what is not there", ask("{ nothing }")),
        ("has no query", post("/graphql").json(&json!({}))),
        ("lacks a variable", ask("query($id: ID!) { apiToken(id: $id) { id } }")),
        ("rotates twice", ask("mutation { a: rotateAPIToken { token { id } } b: rotateAPIToken { token { id } } }")),
        ("rotates too softly", ask(long)),
        ("rotates nothing", ask(none)),
        ("has a bad key", ask(ROTATE).header("Idempotency-Key", "")),
        ("has two keys", ask(ROTATE).header("Idempotency-Key", "a").header("Idempotency-Key", "b")),
        ("may not create", ask(r#"mutation { createAPIToken(input: { name: "x" }) { token { id } } }"#)),
        ("may not list", ask("{ apiTokens { edges { node { id } } } }")),
        ("subscribes in vain", ask("subscription { auditEvents { id } }")),
        ("accepts nothing", ask("{ __typename }").header("Accept", "text/css")),
        ("is no JSON", text("{")),
        ("is cut short", text(r#"{"query":"{ __typename"#)),
        ("is no media type", post("/graphql").header("Content-Type", "text/plain").body("{}")),
        ("is too large", text(&" ".repeat(2 * 1024 * 1024))),
        ("is a batch", post("/graphql").json(&json!([{ "query": "{ __typename }" }, { "query": "{" }]))),
        ("wants events", ask("{ __typename }").header("Accept", "text/event-stream")),
        ("reads itself", ask("{ currentAPIToken { id } }")),
        ("by GET", client.request("GET", "/graphql?query=%7B__typename%7D")),
        ("REST: may not list", client.request("GET", "/api-tokens")),
        ("REST: reads itself", client.request("GET", "/api-tokens/self")),
        ("REST: reads nothing", client.request("GET", "/api-tokens/none")),
        ("REST: creates badly", post("/api-tokens").json(&json!({ "nothing": 1 }))),
        ("REST: rotates badly", post("/api-tokens/self/rotate").json(&json!({ "overlapMinutes": 99999 }))),
        ("REST: no such method", client.request("PUT", "/rotatetoken")),
        ("has no rotation period", post("/rotatetoken")),
        ("has no form", post("/introspect")),
    ]
}

#[tokio::test]
async fn r5_after_any_answer_at_all_the_value_has_been_used_and_the_one_before_cannot_cancel_it() {
    let server = Server::start().await;
    let store = rotakey::store::Store::connect(&server.database.url).await.unwrap();
    for number in 0..requests(&server.admin).len() {
        let created = server.admin.create(json!({ "name": "n" })).await.unwrap();
        let old = created.client;
        let new = old.with(old.rotate().await.unwrap());
        let (what, request) = requests(&new).remove(number);
        let status = request.send().await.unwrap().status();
        let token = store.find_token(TokenId::parse(&created.id).unwrap()).await.unwrap().unwrap();
        // A path that answers anyone, and has no route that knows callers, uses no value.
        if status == 405 {
            continue;
        }
        assert!(token.current.first_used_at.is_some(), "{what}: {status}");
        assert_eq!(token.last_used_at, token.current.first_used_at, "{what}");
        server.clock.advance(11 * SECOND);
        assert_eq!(old.rotate().await, Err("VALUE_SUPERSEDED".into()), "{what}");
        assert!(new.rotate().await.is_ok(), "{what}");
    }
}

/// One replica, and a token that was rotated once, so that the new value is unused and the old one could cancel it.
struct Case {
    database: TestDatabase,
    here: Replica,
    admin: Caller,
    id: TokenId,
    old: Caller,
    new: Issued,
}

impl Case {
    async fn of(draft: SettingsDraft) -> Self {
        let database = TestDatabase::new().await;
        let here = Replica::on(&database, 1).await;
        let admin = here.caller(here.service.bootstrap().await.unwrap().value.expose()).await;
        let request = CreateRequest { draft, ..CreateRequest::default() };
        let created = here.service.create(&admin, request).await.unwrap();
        let old = here.caller(created.value.expose()).await;
        let new = here.service.rotate(&old, &RotateRequest::default()).await.unwrap();
        here.clock.advance(11 * SECOND);
        Self { id: created.view.token.id, database, here, admin, old, new }
    }

    async fn recognise(&self, issued: &Issued) -> Caller {
        self.here
            .service
            .authenticate_deferring_first_use(issued.value.expose(), RequestContext::default())
            .await
            .unwrap()
    }

    async fn rotate(&self, caller: &Caller, request: &RotateRequest) -> Result<Issued, ErrorCode> {
        self.here.service.rotate(caller, request).await.map_err(|err| err.code())
    }

    async fn token(&self) -> Token {
        self.here.store.find_token(self.id).await.unwrap().unwrap()
    }
}

fn by_id(id: TokenId) -> RotateRequest {
    RotateRequest { id: Some(id.to_string()), ..RotateRequest::default() }
}

#[tokio::test]
async fn a_rotation_from_value_to_value_is_one_durable_transaction() {
    for draft in [named("n"), SettingsDraft { overlap_starts: Some(OverlapStart::FirstUse), ..named("n") }] {
        let case = Case::of(draft).await;
        let mut newest = case.recognise(&case.new).await;
        // Twice, from value to value.
        for generation in 3..5 {
            let before = case.here.store.commits();
            let issued = case.rotate(&newest, &RotateRequest::default()).await.unwrap();
            case.here.service.write_first_use(&newest).await.unwrap();
            assert_eq!(case.here.store.commits() - before, 1);
            let token = case.token().await;
            assert_eq!(*issued.view.token, token, "what is reported is what is written");
            assert_eq!((token.current.generation, token.current.first_used_at), (generation, None));
            assert_eq!(token.previous.unwrap().first_used_at, Some(case.here.now()));
            assert_eq!(token.last_used_at, Some(case.here.now()));
            newest = case.recognise(&issued).await;
        }
        assert_eq!(case.rotate(&case.old, &RotateRequest::default()).await.err(), Some(ErrorCode::RotationConflict));
    }
}

#[tokio::test]
async fn every_change_by_a_caller_that_was_just_recognised_is_one_durable_transaction() {
    let case = Case::of(named("n")).await;
    let rotated = case.rotate(&case.admin, &RotateRequest::default()).await.unwrap();
    let service = &case.here.service;
    let (own, id) = (case.admin.token_id(), case.id.to_string());
    let mut issued = rotated;
    for what in ["create", "update", "rotate", "end overlap", "suspend", "resume", "revoke"] {
        let caller = case.recognise(&issued).await;
        let before = case.here.store.commits();
        match what {
            "create" => drop(
                service.create(&caller, CreateRequest { draft: named("x"), ..CreateRequest::default() }).await.unwrap(),
            ),
            "update" => drop(service.update(&caller, &id, Default::default()).await.unwrap()),
            "rotate" => drop(service.rotate(&caller, &by_id(case.id)).await.unwrap()),
            "end overlap" => drop(service.end_overlap(&caller, &id, true).await.unwrap()),
            "suspend" => drop(service.suspend(&caller, &id, ReasonDraft::default()).await.unwrap()),
            "resume" => drop(service.resume(&caller, &id).await.unwrap()),
            _ => drop(service.revoke(&caller, &id, ReasonDraft::default()).await.unwrap()),
        }
        service.write_first_use(&caller).await.unwrap();
        assert_eq!(case.here.store.commits() - before, 1, "{what}");
        let token = case.here.store.find_token(own).await.unwrap().unwrap();
        assert_eq!(token.current.first_used_at, Some(case.here.now()), "{what}");
        issued = service.rotate(&caller, &RotateRequest::default()).await.unwrap();
    }
}

#[tokio::test]
async fn r5_a_first_use_that_was_undone_with_its_change_is_still_to_be_written() {
    let case = Case::of(named("n")).await;
    let caller = case.recognise(&case.new).await;
    let too_long = RotateRequest { overlap_minutes: Some(99_999), ..RotateRequest::default() };
    assert_eq!(case.rotate(&caller, &too_long).await.err(), Some(ErrorCode::BadUserInput));
    assert_eq!(case.token().await.current.first_used_at, None);
    if case.database.is_sqlite() {
        // A constraint that is checked at the commit alone makes it fail: its outcome is then unknown.
        let beside = case.database.connect().await;
        let sql = "CREATE TABLE snag (id TEXT REFERENCES api_token (id) DEFERRABLE INITIALLY DEFERRED);
                   CREATE TRIGGER snag AFTER INSERT ON audit_event BEGIN INSERT INTO snag VALUES ('none'); END";
        beside.execute_unprepared(sql).await.unwrap();
        assert!(case.rotate(&caller, &RotateRequest::default()).await.is_err());
        beside.execute_unprepared("DROP TRIGGER snag").await.unwrap();
        assert_eq!(case.token().await.current.first_used_at, None);
    }
    for _ in 0..2 {
        case.here.service.write_first_use(&caller).await.unwrap();
        assert_eq!(case.token().await.current.first_used_at, Some(case.here.now()));
    }
    assert_eq!(case.rotate(&case.old, &RotateRequest::default()).await.err(), Some(ErrorCode::ValueSuperseded));
}

#[tokio::test]
async fn r5_a_value_that_was_cancelled_after_it_was_recognised_is_refused_and_not_used() {
    let case = Case::of(named("n")).await;
    let caller = case.recognise(&case.new).await;
    case.rotate(&case.old, &RotateRequest::default()).await.unwrap();
    let (service, id) = (&case.here.service, case.id.to_string());
    let before = case.token().await;
    assert_eq!(case.rotate(&caller, &RotateRequest::default()).await.err(), Some(ErrorCode::RotationConflict));
    let retired = Some(ErrorCode::ValueRetired);
    assert_eq!(service.revoke(&caller, &id, ReasonDraft::default()).await.err().map(|err| err.code()), retired);
    assert_eq!(service.current(&caller).await.err().map(|err| err.code()), retired);
    assert_eq!(service.write_first_use(&caller).await.err().map(|err| err.code()), retired);
    assert_eq!(case.token().await, before);
}

#[tokio::test]
async fn r5_a_recovery_that_is_the_first_use_of_the_previous_value_is_one_durable_transaction() {
    let case = Case::of(named("n")).await;
    // Another caller rotates before the holder has used its value, which then is the previous one.
    let service = &case.here.service;
    let request = CreateRequest { draft: named("other"), ..CreateRequest::default() };
    let created = service.create(&case.admin, request).await.unwrap();
    let id = created.view.token.id;
    case.here.clock.advance(11 * SECOND);
    service.rotate(&case.admin, &by_id(id)).await.unwrap();
    case.here.clock.advance(11 * SECOND);
    let holder = case.recognise(&created).await;
    let before = case.here.store.commits();
    let issued = case.rotate(&holder, &RotateRequest::default()).await.unwrap();
    service.write_first_use(&holder).await.unwrap();
    assert_eq!(case.here.store.commits() - before, 1);
    let token = case.here.store.find_token(id).await.unwrap().unwrap();
    assert_eq!(*issued.view.token, token);
    let previous = token.previous.unwrap();
    assert_eq!((previous.generation, previous.first_used_at), (1, Some(case.here.now())));
}

#[tokio::test(flavor = "multi_thread")]
async fn r7_of_racing_rotations_that_are_all_the_first_use_one_wins_and_the_others_conflict() {
    for overlap_minutes in [0, 10] {
        let case = Case::of(SettingsDraft { overlap_minutes: Some(overlap_minutes), ..named("n") }).await;
        let mut callers = Vec::new();
        for _ in 0..32 {
            callers.push(case.recognise(&case.new).await);
        }
        let mut racers = JoinSet::new();
        for caller in callers {
            let service = case.here.service.clone();
            racers.spawn(
                async move { service.rotate(&caller, &RotateRequest::default()).await.map_err(|err| err.code()) },
            );
        }
        let (won, lost): (Vec<_>, Vec<_>) = racers.join_all().await.into_iter().partition(Result::is_ok);
        assert_eq!(won.len(), 1);
        assert!(lost.into_iter().all(|lost| lost.err() == Some(ErrorCode::RotationConflict)));
        assert_eq!(case.token().await.current.generation, 3);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn r5_a_first_use_and_a_cancellation_that_race_never_both_succeed() {
    for _ in 0..8 {
        let case = Case::of(named("n")).await;
        let caller = case.recognise(&case.new).await;
        let none = RotateRequest::default();
        let (used, cancelled) = tokio::join!(case.rotate(&caller, &none), case.rotate(&case.old, &none));
        let outcomes = (used.map(drop), cancelled.map(drop));
        let (lost, late) = (Err(ErrorCode::RotationConflict), Err(ErrorCode::ValueRetired));
        assert!([(Ok(()), lost), (Ok(()), late), (lost, Ok(()))].contains(&outcomes), "{outcomes:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_that_are_all_the_first_use_of_one_caller_do_not_wait_for_each_other_for_ever() {
    let case = Case::of(named("n")).await;
    let issued = case.rotate(&case.admin, &RotateRequest::default()).await.unwrap();
    let mut callers = Vec::new();
    for _ in 0..16 {
        callers.push(case.recognise(&issued).await);
    }
    let mut running = JoinSet::new();
    for caller in callers {
        let (service, id) = (case.here.service.clone(), case.id.to_string());
        running.spawn(async move {
            service.end_overlap(&caller, &id, true).await.unwrap();
            service.create(&caller, CreateRequest { draft: named("x"), ..CreateRequest::default() }).await.unwrap();
        });
    }
    running.join_all().await;
}

#[tokio::test]
async fn r5_the_first_use_is_durable_before_the_answer_to_a_request_that_panics() {
    let server = Server::start().await;
    for path in ["/graphql", "/api-tokens/self/rotate"] {
        let fresh = server.admin.create(json!({ "name": "n" })).await.unwrap();
        server.entropy.panic_at_the_next_value();
        let request = fresh.client.request("POST", path).json(&json!({ "query": ROTATE }));
        let request = if path == "/graphql" { request } else { fresh.client.request("POST", path) };
        assert_eq!(request.send().await.unwrap().status(), 500, "{path}");
        let query = "query($id: ID!) { apiToken(id: $id) { generation values { firstUsedAt } } }";
        let answer = server.admin.graphql(query, json!({ "id": fresh.id })).await;
        assert!(answer.body["data"]["apiToken"]["values"][0]["firstUsedAt"].is_string(), "{path}");
        assert_eq!(answer.body["data"]["apiToken"]["generation"], 1, "{path}");
    }
}

#[tokio::test]
async fn r5_the_first_use_is_durable_before_100_continue() {
    let server = Server::start().await;
    for path in ["/graphql", "/introspect", "/api-tokens/self"] {
        let fresh = server.admin.create(json!({ "name": "n" })).await.unwrap();
        let mut stream = TcpStream::connect(server.url.strip_prefix("http://").unwrap()).await.unwrap();
        let value = fresh.client.value.as_ref().unwrap();
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nX-API-Key: {value}\r\nContent-Type: application/json\r\n\
             Expect: 100-continue\r\nContent-Length: 2\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut reported = [0; 21];
        soon(stream.read_exact(&mut reported)).await.unwrap();
        assert_eq!(&reported, b"HTTP/1.1 100 Continue", "{path}");
        let query = "query($id: ID!) { apiToken(id: $id) { values { firstUsedAt } } }";
        let answer = server.admin.graphql(query, json!({ "id": fresh.id })).await;
        assert!(answer.body["data"]["apiToken"]["values"][0]["firstUsedAt"].is_string(), "{path}");
    }
}
