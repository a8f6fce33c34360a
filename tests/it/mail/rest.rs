//! `/mail-digests`: the same as in GraphQL.

use serde_json::{Value, json};

use crate::support::server::Server;

#[tokio::test]
async fn a_mail_digest_is_managed_over_rest_as_in_graphql() {
    let server = Server::start().await;
    let ask = async |method: &str, path: &str, body: Value| {
        let answer = server.admin.rest(method, path, body).await;
        (answer.status, answer.body)
    };
    let input = json!({
        "address": "ops@example.com", "kinds": ["REVOKED"], "owners": ["acme"], "description": "d", "frequency": "WEEKLY",
        "minuteOfDay": 7,
    });
    let (status, digest) = ask("POST", "/mail-digests", input).await;
    assert_eq!(status, 200, "{digest}");
    let path = format!("/mail-digests/{}", digest["id"].as_str().unwrap());
    assert_eq!(ask("GET", &path, Value::Null).await, (200, digest.clone()));
    let (status, page) = ask("GET", "/mail-digests?first=1", Value::Null).await;
    assert_eq!((status, &page["data"]), (200, &json!([digest])));
    // Each field is also that of GraphQL.
    let names: Vec<&str> =
        digest.as_object().unwrap().keys().map(String::as_str).filter(|name| !name.ends_with("By")).collect();
    let query = format!("{{ mailDigests {{ nodes {{ {} }} }} }}", names.join(" "));
    let same = server.admin.ask(&query).await.body["data"]["mailDigests"]["nodes"][0].clone();
    assert!(names.iter().all(|name| same[name] == digest[name]), "{same} {digest}");

    let (status, updated) = ask("POST", &path, json!({ "description": null, "kinds": [] })).await;
    assert_eq!((status, &updated["description"], &updated["kinds"]), (200, &Value::Null, &json!([])));
    assert_eq!((&updated["owners"], &updated["frequency"]), (&json!(["acme"]), &json!("WEEKLY")));
    let (status, tested) = ask("POST", &format!("{path}/test"), Value::Null).await;
    assert_eq!((status, &tested["status"]), (200, &json!("ACTIVE")));
    assert_eq!(ask("DELETE", &path, Value::Null).await.0, 204);
    for (method, path) in [("DELETE", path.clone()), ("GET", path.clone()), ("POST", format!("{path}/test"))] {
        let answer = server.admin.rest(method, &path, Value::Null).await;
        let named = (&answer.body["code"], &answer.body["field"]);
        assert_eq!((answer.status, named), (404, (&json!("NOT_FOUND"), &json!("id"))), "{method} {path}");
    }
}

#[tokio::test]
async fn a_bad_request_about_mail_digests_names_its_field() {
    let server = Server::start().await;
    for (method, path, body, status, field) in [
        ("POST", "/mail-digests", json!({}), 400, "address"),
        ("POST", "/mail-digests", json!({ "address": 7 }), 400, "address"),
        ("POST", "/mail-digests", json!({ "address": "a@example.com", "frequency": "daily" }), 400, "frequency"),
        ("POST", "/mail-digests", json!({ "address": "a@example.com", "minuteOfDay": "8" }), 400, "minuteOfDay"),
        ("POST", "/mail-digests", json!({ "address": "a@example.com", "every": "DAILY" }), 400, "every"),
        ("GET", "/mail-digests?first=0", Value::Null, 400, "first"),
        ("GET", "/mail-digests?after=x", Value::Null, 400, "after"),
        ("GET", "/mail-digests/%ff", Value::Null, 404, "id"),
        ("POST", "/mail-digests/x/test", Value::Null, 404, "id"),
    ] {
        let answer = server.admin.rest(method, path, body.clone()).await;
        assert_eq!((answer.status, &answer.body["field"]), (status, &json!(field)), "{method} {path} {body}");
    }
    assert_eq!(server.admin.rest("GET", "/mail-digests/a/b/c", Value::Null).await.body["code"], "NOT_FOUND");
    let anonymous = server.admin.without_value().rest("GET", "/mail-digests", Value::Null).await;
    assert_eq!((anonymous.status, &anonymous.body["code"]), (401, &json!("UNAUTHENTICATED")));
}
