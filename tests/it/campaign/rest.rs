//! Rotation campaigns over REST.

use serde_json::{Value, json};

use super::{SETTLED, at, create_tokens, end, input};
use crate::support::server::Server;

#[tokio::test]
async fn the_same_is_done_and_shown_over_rest() {
    let server = Server::start().await;
    let tokens = create_tokens(&server, 3, json!({})).await;
    let rest = async |method: &str, path: &str, body: Value| server.admin.rest(method, path, body).await;
    let mut asked = input("NOTHING");
    asked["name"] = json!("leaked store");
    asked["evidenceURL"] = json!("https://example.com/7");
    let created = rest("POST", "/rotation-campaigns", asked).await;
    assert_eq!(created.status, 200, "{}", created.body);
    let id = created.body["id"].as_str().unwrap().to_owned();
    assert_eq!((&created.body["status"], &created.body["preparedAt"]), (&json!("PREPARING"), &Value::Null));
    server.clock.set(SETTLED + 3);
    server.service().await.advance_campaigns().await.unwrap();
    let waiting = json!({ "total": 3, "left": 3, "notRevocable": 0, "waiting": 3, "rotated": 0, "newValueInUse": 0,
        "oldValueSilent": 0, "retired": 0, "revoked": 0, "expired": 0, "rotationOverdue": 0, "gone": 0 });
    let mut expected = json!({ "id": id, "name": "leaked store", "status": "OPEN", "deadline": at(3_600_000),
        "atDeadline": "NOTHING", "reason": "INC-7", "evidenceURL": "https://example.com/7", "createdAt": at(3),
        "createdBy": { "kind": "API_TOKEN", "id": server.admin.my_id().await }, "preparedAt": at(SETTLED + 3), "endedAt": null,
        "cancelled": false, "progress": waiting,
        "filter": { "owner": "acme", "status": ["ACTIVE", "SUSPENDED", "NOT_YET_VALID"] } });
    assert_eq!(rest("GET", &format!("/rotation-campaigns/{id}"), Value::Null).await.body, expected);
    expected.as_object_mut().unwrap().remove("progress");
    let listed = rest("GET", "/rotation-campaigns?first=1", Value::Null).await;
    assert_eq!(listed.body["data"], json!([expected]));
    assert_eq!(listed.body["pageInfo"]["hasNextPage"], false);
    tokens[0].client.rotate().await.unwrap();
    let path = format!("/rotation-campaigns/{id}/tokens");
    let page = async |query: &str| rest("GET", &format!("{path}?{query}"), Value::Null).await.body;
    let states = |page: &Value| {
        let data = page["data"].as_array().unwrap_or_else(|| panic!("{page}"));
        data.iter().map(|it| (it["tokenId"].clone(), it["state"].clone())).collect::<Vec<_>>()
    };
    let row = |place: usize, state: &str| (json!(tokens[place].id), json!(state));
    let all = page("").await;
    assert_eq!(states(&all), [row(0, "ROTATED"), row(1, "WAITING"), row(2, "WAITING")]);
    assert_eq!((&all["data"][0]["oldGeneration"], &all["data"][0]["token"]["generation"]), (&json!(1), &json!(2)));
    let first = page("state=WAITING,RETIRED&first=1").await;
    assert_eq!(states(&first), [row(1, "WAITING")]);
    let after = first["pageInfo"]["endCursor"].as_str().unwrap();
    assert_eq!(states(&page(&format!("state=WAITING&state=RETIRED&first=1&after={after}")).await), [row(2, "WAITING")]);
    let cancelled = rest("POST", &format!("/rotation-campaigns/{id}/cancel"), Value::Null).await;
    assert_eq!((cancelled.status, &cancelled.body["cancelled"]), (200, &json!(true)), "{}", cancelled.body);
    assert_eq!(end(&server, &id).await.0, "CANCELLED");
}

#[tokio::test]
async fn bad_requests_are_refused_with_their_field() {
    let server = Server::start().await;
    let rest = async |method: &str, path: &str, body: Value| {
        let answer = server.admin.rest(method, path, body).await;
        (answer.status, answer.body["field"].as_str().unwrap_or_else(|| panic!("{}", answer.body)).to_owned())
    };
    let changed = |field: &str, value: Value| {
        let mut input = input("REVOKE");
        input[field] = value;
        input
    };
    for (field, value) in [
        ("filter", Value::Null),
        ("filter", json!({})),
        ("deadline", json!("tomorrow")),
        ("atDeadline", json!("DELETE")),
        ("reason", Value::Null),
        ("colour", json!("red")),
    ] {
        assert_eq!(rest("POST", "/rotation-campaigns", changed(field, value)).await, (400, field.to_owned()));
    }
    let inner = changed("filter", json!({ "text": "" }));
    assert_eq!(rest("POST", "/rotation-campaigns", inner).await, (400, "text".to_owned()));
    for path in ["/rotation-campaigns/x", "/rotation-campaigns/%FF", "/rotation-campaigns/x/tokens"] {
        assert_eq!(rest("GET", path, Value::Null).await, (404, "id".to_owned()), "{path}");
    }
    for (query, field) in [("first=0", "first"), ("after=x", "after"), ("last=1", "last")] {
        let path = format!("/rotation-campaigns?{query}");
        assert_eq!(rest("GET", &path, Value::Null).await, (400, field.to_owned()), "{query}");
    }
    let id = super::create(&server, &server.admin, input("NOTHING")).await;
    for (query, field) in [("state=DONE", "state"), ("after=x", "after"), ("first=201", "first")] {
        let path = format!("/rotation-campaigns/{id}/tokens?{query}");
        assert_eq!(rest("GET", &path, Value::Null).await, (400, field.to_owned()), "{query}");
    }
}
