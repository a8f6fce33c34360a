//! R15: an overlap that ends when the previous value has fallen silent.

use rotakey::domain::id::TokenId;
use rotakey::domain::restriction::Source;
use rotakey::domain::rule::verification::RequiredScopes;
use rotakey::domain::token::{OverlapEnd, OverlapStart, SettingsDraft};
use rotakey::service::{Caller, CreateRequest, RequestContext, RotateRequest};
use sea_orm::{ConnectionTrait, Statement};
use serde_json::json;

use crate::support::clock::{MINUTE, SECOND};
use crate::support::database::TestDatabase;
use crate::support::replica::{Replica, named, start};
use crate::support::server::Server;

/// An overlap of an hour at most, which ends after five silent minutes.
fn when_silent() -> SettingsDraft {
    SettingsDraft {
        overlap_minutes: Some(60),
        overlap_ends: Some(OverlapEnd::WhenSilent),
        silent_minutes: Some(5),
        ..named("n")
    }
}

/// A token that was rotated, and its two values.
struct Rotated {
    id: TokenId,
    old: String,
    new: String,
}

/// A token that is used and rotated at this moment. The new value is not used.
async fn rotated(replica: &Replica, admin: &Caller, draft: SettingsDraft) -> Rotated {
    let token = replica.used(admin, draft).await;
    let request = RotateRequest { id: Some(token.id.to_string()), ..RotateRequest::default() };
    let issued = replica.service.rotate(admin, &request).await.unwrap();
    Rotated { id: token.id, old: token.value, new: issued.value.expose().to_owned() }
}

/// As [`rotated`], and the new value is used as well.
async fn switched(replica: &Replica, admin: &Caller, draft: SettingsDraft) -> Rotated {
    let token = rotated(replica, admin, draft).await;
    assert_eq!(replica.code_of(&token.new).await, "VALID");
    token
}

#[tokio::test]
async fn r15_the_previous_value_retires_a_minute_after_it_was_silent_for_so_long() {
    let database = TestDatabase::new().await;
    let (here, admin, _listener) = start(&database).await;
    for starts in [OverlapStart::Rotation, OverlapStart::FirstUse] {
        here.clock.set(0);
        let caller = here.caller(&admin).await;
        let token = switched(&here, &caller, SettingsDraft { overlap_starts: Some(starts), ..when_silent() }).await;
        // Each use begins the silence again.
        for offset in [6 * MINUTE - 1, 8 * MINUTE, 14 * MINUTE - 1] {
            here.clock.set(offset);
            assert_eq!(here.code_of(&token.old).await, "VALID", "{starts:?} {offset}");
        }
        for offset in [20 * MINUTE - 1, 20 * MINUTE] {
            here.clock.set(offset);
            assert_eq!(here.code_of(&token.old).await, "VALUE_RETIRED", "{starts:?} {offset}");
            assert_eq!(here.code_of(&token.new).await, "VALID");
        }
        assert_eq!(here.store.find_token(token.id).await.unwrap().unwrap().previous, None, "a stored fact");
    }
}

#[tokio::test]
async fn r15_what_is_cached_of_a_value_neither_retires_it_nor_keeps_it_working() {
    let database = TestDatabase::new().await;
    let (here, admin, _listener) = start(&database).await;
    let there = Replica::on(&database, 2).await;
    let source = Source { address: Some("10.0.0.1".parse().unwrap()), origin: None };
    let visit = RequestContext { source, ..RequestContext::default() };
    let none = RequiredScopes::default();
    let code = async |replica: &Replica, value: &str| {
        let at_once = replica.service.try_verify(value, &none, &visit);
        assert!(at_once.is_none_or(|verification| verification.is_valid()));
        replica.service.verify(value, &none, &visit).await.unwrap().code.as_str()
    };
    let caller = here.caller(&admin).await;
    let (mut used_there, mut silent) = (Vec::new(), Vec::new());
    for values in [&mut used_there, &mut silent] {
        let mut draft = when_silent();
        draft.change.allowed_cidr_blocks = Some(vec!["10.0.0.0/8".into()]);
        let issued = here.service.create(&caller, CreateRequest { draft, ..CreateRequest::default() }).await.unwrap();
        let id = Some(issued.view.token.id.to_string());
        values.push(issued.value.expose().to_owned());
        assert_eq!(code(&here, &values[0]).await, "VALID");
        let rotated = here.service.rotate(&caller, &RotateRequest { id, ..RotateRequest::default() }).await.unwrap();
        assert_eq!(code(&here, rotated.value.expose()).await, "VALID");
    }
    here.clock.set(6 * MINUTE - SECOND);
    let _contact = here.contact().await;
    // It is cached, but not used: by its address alone it is refused.
    for values in [&used_there, &silent] {
        assert_eq!(here.code_of(&values[0]).await, "ADDRESS_REFUSED");
    }
    there.clock.set(5 * MINUTE);
    assert_eq!(code(&there, &used_there[0]).await, "VALID");
    there.service.write_uses().await.unwrap();
    here.clock.advance(SECOND);
    assert_eq!(code(&here, &used_there[0]).await, "VALID");
    assert_eq!(code(&here, &silent[0]).await, "VALUE_RETIRED");
}

#[tokio::test]
async fn r15_a_use_that_becomes_known_late_does_not_make_a_refused_value_work_again() {
    let database = TestDatabase::new().await;
    let (here, admin, _listener) = start(&database).await;
    let there = Replica::on(&database, 2).await;
    let caller = here.caller(&admin).await;
    let token = switched(&here, &caller, when_silent()).await;
    there.clock.set(6 * MINUTE - 1);
    assert_eq!(there.code_of(&token.old).await, "VALID");
    here.clock.set(6 * MINUTE);
    assert_eq!(here.code_of(&token.old).await, "VALUE_RETIRED");
    there.service.write_uses().await.unwrap();
    for replica in [&here, &there] {
        replica.clock.set(6 * MINUTE + 1);
        assert_eq!(replica.code_of(&token.old).await, "VALUE_RETIRED");
    }
}

#[tokio::test]
async fn r5_r15_until_the_new_value_is_used_the_previous_one_is_not_retired_by_silence_and_recovers_it() {
    let database = TestDatabase::new().await;
    let (here, admin, _listener) = start(&database).await;
    let caller = here.caller(&admin).await;
    let token = rotated(&here, &caller, when_silent()).await;
    here.clock.set(60 * MINUTE - 1);
    assert_eq!(here.code_of(&token.old).await, "VALID");
    here.service.rotate(&here.caller(&token.old).await, &RotateRequest::default()).await.unwrap();
    assert_eq!(here.code_of(&token.new).await, "VALUE_RETIRED");
}

#[tokio::test]
async fn r15_silence_ends_no_overlap_later_than_its_hard_limit_or_the_expiry() {
    let database = TestDatabase::new().await;
    let (here, admin, _listener) = start(&database).await;
    for (expires_after, code) in [(None, "VALUE_RETIRED"), (Some(60), "TOKEN_EXPIRED")] {
        here.clock.set(0);
        let caller = here.caller(&admin).await;
        let expires_at = expires_after.map(|minutes| here.now().plus_minutes(minutes));
        let token = switched(&here, &caller, SettingsDraft { expires_at, ..when_silent() }).await;
        for minute in (4..60).step_by(4) {
            here.clock.set(minute * MINUTE);
            assert_eq!(here.code_of(&token.old).await, "VALID");
        }
        for (offset, expected) in [(60 * MINUTE - 1, "VALID"), (60 * MINUTE, code)] {
            here.clock.set(offset);
            assert_eq!(here.code_of(&token.old).await, expected);
        }
    }
}

#[tokio::test]
async fn r15_housekeeping_retires_silent_values_and_the_audit_log_says_so_once() {
    let server = Server::start().await;
    let service = server.service().await;
    let draft = json!({ "name": "n", "overlapMinutes": 60, "overlapEnds": "WHEN_SILENT", "silentMinutes": 5 });
    let silent = server.admin.create(draft.clone()).await.unwrap();
    let unused = server.admin.create(draft).await.unwrap();
    let on_time = server.admin.create(json!({ "name": "n", "overlapMinutes": 60, "silentMinutes": 5 })).await.unwrap();
    let mut newest = Vec::new();
    for token in [&silent, &unused, &on_time] {
        newest.push(token.client.with(token.client.rotate().await.unwrap()));
    }
    assert_eq!((newest[0].check().await, newest[2].check().await), (Ok(2), Ok(2)));
    let values = async |id: &str| {
        let query = "query($id: ID!) { apiToken(id: $id) { values { generation } } }";
        let answer = server.admin.graphql(query, json!({ "id": id })).await;
        answer.body["data"]["apiToken"]["values"].as_array().unwrap().len()
    };
    for (offset, left) in [(5 * MINUTE, 2), (6 * MINUTE - 1, 2), (6 * MINUTE, 1), (7 * MINUTE, 1)] {
        server.clock.set(offset);
        let service = server.service().await;
        service.sweep().await.unwrap();
        assert_eq!(values(&silent.id).await, left, "{offset}");
        assert_eq!((values(&unused.id).await, values(&on_time.id).await), (2, 2), "{offset}");
    }
    drop(service);
    let query =
        "query($id: ID!) { auditEvents(filter: { tokenId: $id, actions: [API_TOKEN_OVERLAP_ENDED] }) { edges { node {
        actor { kind } generation occurredAt } } } }";
    let answer = server.admin.graphql(query, json!({ "id": silent.id })).await;
    let event = json!({ "actor": { "kind": "SYSTEM" }, "generation": 2, "occurredAt": "2026-01-01T00:06:00.000Z" });
    assert_eq!(answer.body["data"]["auditEvents"]["edges"], json!([{ "node": event }]));
}

#[tokio::test]
async fn r15_a_token_that_cannot_be_read_does_not_keep_housekeeping_from_retiring_values_of_others() {
    let database = TestDatabase::new().await;
    let (here, admin, _listener) = start(&database).await;
    let caller = here.caller(&admin).await;
    let mut tokens = Vec::new();
    for _ in 0..3 {
        tokens.push(switched(&here, &caller, when_silent()).await);
    }
    let connection = database.connect().await;
    let on_reuse = async |id: TokenId, policy: &str| {
        let sql = format!("UPDATE api_token SET on_reuse = '{policy}' WHERE id = '{id}'");
        connection.execute_unprepared(&sql).await.unwrap();
    };
    // By their ids, which are in this order, it is neither the first nor the last.
    on_reuse(tokens[1].id, "DAMAGED").await;
    here.clock.set(6 * MINUTE);
    here.service.sweep().await.unwrap();
    on_reuse(tokens[1].id, "ALERT").await;
    for (token, retired) in tokens.iter().zip([true, false, true]) {
        let previous = here.store.find_token(token.id).await.unwrap().unwrap().previous;
        assert_eq!(previous.is_none(), retired);
    }
    connection.close().await.unwrap();
}

/// An older version on the same database, during an upgrade, would accept the previous value for longer.
#[tokio::test]
async fn r15_a_token_whose_overlap_ends_by_silence_has_a_setting_that_no_older_version_can_read() {
    let server = Server::start().await;
    let connection = server.database.connect().await;
    for (starts, ends, expected) in [
        ("ROTATION", "ON_TIME", "ROTATION"),
        ("FIRST_USE", "ON_TIME", "FIRST_USE"),
        ("ROTATION", "WHEN_SILENT", "ROTATION/WHEN_SILENT"),
        ("FIRST_USE", "WHEN_SILENT", "FIRST_USE/WHEN_SILENT"),
    ] {
        let input = json!({ "name": "n", "overlapStarts": starts, "overlapEnds": ends });
        let token = server.admin.create(input).await.unwrap();
        let sql = format!("SELECT overlap_starts FROM api_token WHERE id = '{}'", token.id);
        let statement = Statement::from_string(connection.get_database_backend(), sql);
        let row = connection.query_one_raw(statement).await.unwrap().unwrap();
        assert_eq!(row.try_get_by_index::<String>(0).unwrap(), expected);
        let settings = token.client.ask("{ currentAPIToken { overlapStarts overlapEnds silentMinutes } }").await;
        let read = json!({ "overlapStarts": starts, "overlapEnds": ends, "silentMinutes": 5 });
        assert_eq!(settings.body["data"]["currentAPIToken"], read);
        let clone = json!({ "name": "clone", "cloneSettingsFrom": token.id });
        let clone = server.admin.create(clone).await.unwrap();
        let settings = clone.client.ask("{ currentAPIToken { overlapStarts overlapEnds silentMinutes } }").await;
        assert_eq!(settings.body["data"]["currentAPIToken"], read);
    }
    connection.close().await.unwrap();
}

#[tokio::test]
async fn r8_r15_a_client_that_comes_back_after_the_silence_is_a_reuse() {
    let server = Server::start().await;
    let draft = json!({ "name": "n", "overlapMinutes": 60, "overlapEnds": "WHEN_SILENT" });
    let token = server.admin.create(draft).await.unwrap();
    let new = token.client.with(token.client.rotate().await.unwrap());
    assert_eq!(new.check().await, Ok(2));
    server.clock.set(6 * MINUTE);
    assert_eq!(token.client.check().await, Err("VALUE_RETIRED".into()));
    let mut events = server.admin.events(json!({ "tokenId": token.id })).await;
    // Of the same moment.
    events.sort_by(|(one, ..), (other, ..)| one.cmp(other));
    let actions: Vec<&str> = events.iter().map(|(action, ..)| action.as_str()).collect();
    let expected = ["API_TOKEN_CREATED", "API_TOKEN_OVERLAP_ENDED", "API_TOKEN_ROTATED", "API_TOKEN_VALUE_REUSED"];
    assert_eq!(actions, expected);
}
