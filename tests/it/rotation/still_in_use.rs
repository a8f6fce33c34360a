//! R15: nobody is cut off unseen. A value in use is retired early only if that is forced.

use rotakey::service::{ErrorCode, RotateRequest};
use sea_orm::ConnectionTrait;
use serde_json::{Value, json};

use crate::support::client::{Answer, Client, Created};
use crate::support::clock::MINUTE;
use crate::support::database::TestDatabase;
use crate::support::replica::{Replica, named, start};
use crate::support::server::Server;

/// How a caller asks to cut off a value.
#[derive(Clone, Copy, Debug)]
enum Way {
    EndOverlap,
    EndOverlapByRest,
    Rotate,
    RotateByRest,
}

const WAYS: [Way; 4] = [Way::EndOverlap, Way::EndOverlapByRest, Way::Rotate, Way::RotateByRest];

impl Way {
    fn ends_overlap(self) -> bool {
        matches!(self, Self::EndOverlap | Self::EndOverlapByRest)
    }

    async fn ask(self, client: &Client, id: &str, force: Value) -> Answer {
        const END: &str =
            "mutation($input: EndAPITokenOverlapInput!) { endAPITokenOverlap(input: $input) { token { id } } }";
        const ROTATE: &str =
            "mutation($input: RotateAPITokenInput) { rotateAPIToken(input: $input) { token { value } } }";
        match self {
            Self::EndOverlap => client.graphql(END, json!({ "input": { "id": id, "force": force } })).await,
            Self::EndOverlapByRest => {
                let body = if force.is_null() { json!({}) } else { json!({ "force": force }) };
                client.rest("POST", &format!("/api-tokens/{id}/end-overlap"), body).await
            }
            Self::Rotate => {
                client.graphql(ROTATE, json!({ "input": { "id": id, "overlapMinutes": 0, "force": force } })).await
            }
            Self::RotateByRest => {
                let mut body = json!({ "overlapMinutes": 0 });
                if !force.is_null() {
                    body["force"] = force;
                }
                client.rest("POST", &format!("/api-tokens/{id}/rotate"), body).await
            }
        }
    }
}

/// The code of an error, in whichever format.
fn code(answer: &Answer) -> Option<&str> {
    answer.code().or_else(|| answer.body["code"].as_str())
}

/// The code of a refusal, and the extensions or fields of the error.
fn refusal(answer: &Answer) -> (&str, &Value) {
    let error = answer.body["errors"].get(0).map_or(&answer.body, |error| &error["extensions"]);
    (code(answer).unwrap_or("none"), error)
}

/// A token, the holder of the value that is to be cut off, which is used at this moment, and one that asks for it.
async fn in_use(server: &Server, way: Way, settings: Value) -> (Created, Client) {
    let mut input = json!({ "name": "n", "overlapMinutes": 60 });
    input.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
    let token = server.admin.create(input).await.unwrap();
    let mut newest = token.client.clone();
    if way.ends_overlap() {
        newest = token.client.with(token.client.rotate().await.unwrap());
        assert!(newest.check().await.is_ok());
    }
    assert!(token.client.check().await.is_ok());
    (token, newest)
}

#[tokio::test]
async fn r15_a_value_in_use_is_cut_off_when_it_was_silent_for_five_minutes_or_the_caller_forces_it() {
    let server = Server::start().await;
    for way in WAYS {
        for force in [Value::Null, json!(false)] {
            server.clock.set(0);
            let (token, _) = in_use(&server, way, json!({})).await;
            for offset in [0, 5 * MINUTE - 1] {
                server.clock.set(offset);
                let answer = way.ask(&server.admin, &token.id, force.clone()).await;
                assert_eq!(code(&answer), Some("STILL_IN_USE"), "{way:?} {offset}");
                assert_eq!(answer.status, if answer.body.get("errors").is_some() { 200 } else { 409 });
            }
            server.clock.set(5 * MINUTE);
            assert_eq!(code(&way.ask(&server.admin, &token.id, force).await), None, "{way:?}");
            assert_eq!(token.client.check().await, Err("VALUE_RETIRED".into()), "{way:?}");
        }
        let (token, _) = in_use(&server, way, json!({})).await;
        assert_eq!(code(&way.ask(&server.admin, &token.id, json!(true)).await), None, "{way:?}");
        assert_eq!(token.client.check().await, Err("VALUE_RETIRED".into()), "{way:?}");
    }
}

#[tokio::test]
async fn r15_a_refused_request_changes_nothing() {
    let server = Server::start().await;
    for way in WAYS {
        let (token, newest) = in_use(&server, way, json!({})).await;
        let before = newest.check().await;
        assert_eq!(code(&way.ask(&newest, &token.id, Value::Null).await), Some("STILL_IN_USE"));
        assert_eq!((token.client.check().await, newest.check().await), (before.clone(), before), "{way:?}");
    }
}

#[tokio::test]
async fn r15_a_rotation_without_overlap_looks_at_both_values_that_work() {
    let server = Server::start().await;
    for way in [Way::Rotate, Way::RotateByRest] {
        server.clock.set(0);
        let (token, newest) = in_use(&server, Way::EndOverlap, json!({})).await;
        server.clock.set(5 * MINUTE);
        assert!(token.client.check().await.is_ok());
        for asking in [&newest, &server.admin] {
            let answer = way.ask(asking, &token.id, Value::Null).await;
            assert_eq!(refusal(&answer).1["lastUsedAt"], json!("2026-01-01T00:05:00.000Z"), "{way:?}");
        }
        assert_eq!(code(&way.ask(&newest, &token.id, json!(true)).await), None, "{way:?}");
        for client in [&token.client, &newest] {
            assert_eq!(client.check().await, Err("VALUE_RETIRED".into()), "{way:?}");
        }
    }
}

#[tokio::test]
async fn r14_a_refused_request_is_a_use_of_another_value() {
    let server = Server::start().await;
    let own = async || {
        let answer = server.admin.graphql("{ currentAPIToken { values { useCount } } }", Value::Null).await;
        answer.body["data"]["currentAPIToken"]["values"][0]["useCount"].as_u64().unwrap()
    };
    let (token, _) = in_use(&server, Way::Rotate, json!({})).await;
    let before = own().await;
    assert_eq!(code(&Way::Rotate.ask(&server.admin, &token.id, Value::Null).await), Some("STILL_IN_USE"));
    assert_eq!(own().await, before + 2, "this request and the refused one");
}

/// Otherwise nobody could cut off the value that they present, and waiting for its silence would never end.
#[tokio::test]
async fn r15_a_request_to_cut_off_a_value_does_not_count_as_a_use_of_it() {
    let server = Server::start().await;
    for way in WAYS {
        server.clock.set(0);
        let (token, _) = in_use(&server, way, json!({ "overlapMinutes": 60 })).await;
        let holder = &token.client;
        // The holder of a previous value rotates as long as the new one is unused, so here it was used.
        for minute in 1..5 {
            server.clock.set(minute * MINUTE);
            let answer = way.ask(holder, &token.id, Value::Null).await;
            let (code, error) = refusal(&answer);
            assert_eq!((code, &error["lastUsedAt"]), ("STILL_IN_USE", &json!("2026-01-01T00:00:00.000Z")), "{way:?}");
            assert_eq!(error["retryAfterSeconds"], json!((5 - minute) * 60), "{way:?}");
        }
        server.clock.set(5 * MINUTE);
        assert_eq!(code(&way.ask(holder, &token.id, Value::Null).await), None, "{way:?}");
        assert_eq!(holder.check().await, Err("VALUE_RETIRED".into()), "{way:?}");
    }
    // Nor is it the first use.
    let fresh = server.admin.create(json!({ "name": "fresh" })).await.unwrap();
    assert_eq!(code(&Way::Rotate.ask(&fresh.client, &fresh.id, Value::Null).await), None);
    let fresh = server.admin.create(json!({ "name": "fresh" })).await.unwrap();
    let new = server.admin.rotate_id(&fresh.id).await.unwrap();
    assert_eq!(code(&Way::EndOverlap.ask(&fresh.client, &fresh.id, Value::Null).await), None);
    assert_eq!((fresh.client.check().await, new.check().await), (Err("VALUE_RETIRED".into()), Ok(2)));
}

#[tokio::test]
async fn r15_the_refusal_says_when_the_value_was_used_and_by_whom_to_those_who_may_know() {
    let server = Server::start().await;
    for way in WAYS {
        server.clock.set(0);
        let (token, newest) = in_use(&server, way, json!({})).await;
        for (minute, agent) in [(1, "orders/1.4"), (2, "billing"), (2, "search"), (3, "reports")] {
            server.clock.set(minute * MINUTE);
            let request = token.client.request("GET", "/verify").header("User-Agent", agent);
            assert_eq!(request.send().await.unwrap().status(), 200);
        }
        server.clock.set(4 * MINUTE);
        let user = |agent: &str, minute| {
            let last_seen_at = format!("2026-01-01T00:0{minute}:00.000Z");
            json!({ "address": "127.0.0.0/24", "userAgent": agent, "lastSeenAt": last_seen_at })
        };
        for caller in [&server.admin, &newest] {
            let answer = way.ask(caller, &token.id, Value::Null).await;
            let (code, error) = refusal(&answer);
            assert_eq!((code, &error["lastUsedAt"]), ("STILL_IN_USE", &json!("2026-01-01T00:03:00.000Z")));
            let users = json!([user("reports", 3), user("billing", 2), user("search", 2)]);
            assert_eq!((&error["users"], &error["otherUserCount"]), (&users, &json!(2)), "{way:?}");
            let message = answer.body["errors"].get(0).unwrap_or(&answer.body)["message"].as_str().unwrap();
            assert!(message.contains("by reports at 127.0.0.0/24, billing at"), "{message}");
            let what_to_do = ". Switch its clients to the newest value, and retry at 2026-01-01T00:08:00.000Z or later, once this one \
                is no longer used. If the value leaked, set force to true.";
            assert!(message.ends_with(what_to_do), "{message}");
        }
        let deputy = json!({ "name": "deputy", "permissions": ["API_TOKEN_MODIFY"] });
        let deputy = server.admin.create(deputy).await.unwrap().client;
        let answer = way.ask(&deputy, &token.id, Value::Null).await;
        let (code, error) = refusal(&answer);
        assert_eq!((code, error.get("users"), error.get("otherUserCount")), ("STILL_IN_USE", None, None), "{way:?}");
        assert_eq!(error["lastUsedAt"], json!("2026-01-01T00:03:00.000Z"));
        assert!(!answer.body.to_string().contains("reports"));
    }
}

#[tokio::test]
async fn r15_nothing_that_stops_a_token_is_refused_and_nothing_of_a_token_that_has_stopped() {
    let server = Server::start().await;
    for way in WAYS {
        let (token, _) = in_use(&server, way, json!({})).await;
        assert_eq!(server.admin.suspend(&token.id).await, Ok("SUSPENDED".into()));
        if way.ends_overlap() {
            assert_eq!(code(&way.ask(&server.admin, &token.id, Value::Null).await), None, "{way:?}");
            assert_eq!(server.admin.resume(&token.id).await, Ok("ACTIVE".into()));
            assert_eq!(token.client.check().await, Err("VALUE_RETIRED".into()));
        }
        let (token, _) = in_use(&server, way, json!({})).await;
        assert_eq!(server.admin.revoke(&token.id).await, Ok("REVOKED".into()), "{way:?}");
        if way.ends_overlap() {
            assert_eq!(code(&way.ask(&server.admin, &token.id, Value::Null).await), None, "{way:?}");
        }
    }
}

#[tokio::test]
async fn r15_a_token_without_an_overlap_rotates_as_ever_and_one_without_silence_is_cut_off_at_any_time() {
    let server = Server::start().await;
    // Its own overlap was chosen by the one who made it.
    let (token, _) = in_use(&server, Way::Rotate, json!({ "overlapMinutes": 0 })).await;
    let new = token.client.with(token.client.rotate().await.unwrap());
    assert_eq!(new.check().await, Ok(2));
    let newer = new.with(new.rotate_with(json!({ "overlapMinutes": 0 })).await.unwrap());
    assert_eq!((new.check().await, newer.check().await), (Err("VALUE_RETIRED".into()), Ok(3)));
    // Of two values in use, a rotation retires the older one (R1).
    let (token, newest) = in_use(&server, Way::EndOverlap, json!({})).await;
    assert!(newest.rotate().await.is_ok());
    assert_eq!(token.client.check().await, Err("VALUE_RETIRED".into()));

    let connection = server.database.connect().await;
    for way in WAYS {
        let (token, _) = in_use(&server, way, json!({ "silentMinutes": 0 })).await;
        assert_eq!(code(&way.ask(&server.admin, &token.id, Value::Null).await), None, "{way:?}");
        // As the migration leaves tokens of before.
        let (token, _) = in_use(&server, way, json!({})).await;
        let before = format!("UPDATE api_token SET silent_minutes = 0 WHERE id = '{}'", token.id);
        connection.execute_unprepared(&before).await.unwrap();
        assert_eq!(code(&way.ask(&server.admin, &token.id, Value::Null).await), None, "{way:?}");
    }
    connection.close().await.unwrap();
}

#[tokio::test]
async fn r15_a_use_counts_that_this_replica_has_not_written_and_one_that_another_has() {
    let database = TestDatabase::new().await;
    let (here, value, _listener) = start(&database).await;
    let there = Replica::on(&database, 2).await;
    let caller = here.caller(&value).await;
    for (replica, is_written) in [(&here, false), (&here, true), (&there, true)] {
        here.clock.set(0);
        there.clock.set(0);
        let token = here.used(&caller, named("n")).await;
        let id = token.id.to_string();
        replica.clock.set(MINUTE);
        assert_eq!(replica.code_of(&token.value).await, "VALID");
        if is_written {
            replica.service.write_uses().await.unwrap();
        }
        let rotation = RotateRequest { id: Some(id.clone()), ..RotateRequest::default() };
        here.service.rotate(&caller, &rotation).await.unwrap();
        for (offset, in_use) in [(6 * MINUTE - 1, true), (6 * MINUTE, false)] {
            here.clock.set(offset);
            let ended = here.service.end_overlap(&here.caller(&value).await, &id, false).await;
            let refused = ended.err().map(|err| err.code());
            assert_eq!(refused, in_use.then_some(ErrorCode::StillInUse), "{offset} {is_written}");
        }
    }
}
