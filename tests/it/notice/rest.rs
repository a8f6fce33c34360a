//! `/webhooks`: the same as in GraphQL.

use serde_json::{Value, json};

use crate::support::server::Server;

#[tokio::test]
async fn a_webhook_is_managed_over_rest_as_in_graphql() {
    let server = Server::start().await;
    let ask = async |method: &str, path: &str, body: Value| {
        let answer = server.admin.rest(method, path, body).await;
        (answer.status, answer.body)
    };
    let input = json!({ "url": "https://example.com/", "kinds": ["REVOKED"], "owners": ["acme"], "description": "d" });
    let (status, created) = ask("POST", "/webhooks", input).await;
    assert_eq!(status, 200, "{created}");
    assert!(created["secret"].as_str().unwrap().starts_with("whsec_"), "{created}");
    assert!(created["publicKey"].as_str().unwrap().starts_with("whpk_"), "{created}");
    let webhook = created["webhook"].clone();
    let path = format!("/webhooks/{}", webhook["id"].as_str().unwrap());

    assert_eq!(ask("GET", &path, Value::Null).await, (200, webhook.clone()));
    let (status, page) = ask("GET", "/webhooks?first=1", Value::Null).await;
    assert_eq!((status, &page["data"]), (200, &json!([webhook])));
    // Each field is also that of GraphQL.
    let names: Vec<&str> =
        webhook.as_object().unwrap().keys().map(String::as_str).filter(|name| !name.ends_with("By")).collect();
    let query = format!("{{ webhooks {{ nodes {{ {} }} }} }}", names.join(" "));
    let same = server.admin.ask(&query).await.body["data"]["webhooks"]["nodes"][0].clone();
    assert!(names.iter().all(|name| same[name] == webhook[name]), "{same} {webhook}");

    let (status, updated) = ask("POST", &path, json!({ "description": null, "kinds": [] })).await;
    assert_eq!((status, &updated["description"], &updated["kinds"]), (200, &Value::Null, &json!([])));
    assert_eq!(updated["owners"], json!(["acme"]));
    let (status, rotated) = ask("POST", &format!("{path}/rotate-secret"), json!({ "overlapMinutes": 5 })).await;
    assert_eq!(status, 200);
    assert_ne!(rotated["secret"], created["secret"]);
    let (status, enabled) = ask("POST", &format!("{path}/enable"), Value::Null).await;
    assert_eq!((status, &enabled["status"]), (200, &json!("ACTIVE")));

    let (status, tested) = ask("POST", &format!("{path}/test"), Value::Null).await;
    assert_eq!((status, &tested["kind"], &tested["status"]), (200, &json!("TEST"), &json!("PENDING")));
    let (status, page) = ask("GET", &format!("{path}/deliveries"), Value::Null).await;
    assert_eq!((status, &page["data"]), (200, &json!([tested])));
    let resend = format!("/webhook-deliveries/{}/resend", tested["id"].as_str().unwrap());
    assert_eq!(ask("POST", &resend, Value::Null).await, (200, tested));

    assert_eq!(ask("DELETE", &path, Value::Null).await.0, 204);
    for (method, path) in
        [("DELETE", path.clone()), ("GET", path.clone()), ("POST", format!("{path}/test")), ("POST", resend)]
    {
        let answer = server.admin.rest(method, &path, Value::Null).await;
        assert_eq!(answer.status, 404, "{method} {path}");
        assert_eq!(
            (&answer.body["code"], &answer.body["field"]),
            (&json!("NOT_FOUND"), &json!("id")),
            "{method} {path}"
        );
    }
}

#[tokio::test]
async fn a_bad_request_about_webhooks_names_its_field() {
    let server = Server::start().await;
    for (method, path, body, status, field) in [
        ("POST", "/webhooks", json!({}), 400, "url"),
        ("POST", "/webhooks", json!({ "url": 7 }), 400, "url"),
        ("POST", "/webhooks", json!({ "url": "https://10.0.0.1/" }), 400, "url"),
        ("POST", "/webhooks", json!({ "url": "https://example.com/", "kinds": ["revoked"] }), 400, "kinds"),
        ("POST", "/webhooks", json!({ "url": "https://example.com/", "kind": ["REVOKED"] }), 400, "kind"),
        ("GET", "/webhooks?first=0", Value::Null, 400, "first"),
        ("GET", "/webhooks?after=x", Value::Null, 400, "after"),
        ("GET", "/webhooks/%ff", Value::Null, 404, "id"),
        ("GET", "/webhooks/self/deliveries", Value::Null, 404, "id"),
        ("POST", "/webhook-deliveries/x/resend", Value::Null, 404, "id"),
    ] {
        let answer = server.admin.rest(method, path, body.clone()).await;
        assert_eq!((answer.status, &answer.body["field"]), (status, &json!(field)), "{method} {path} {body}");
    }
    assert_eq!(server.admin.rest("GET", "/webhooks/a/b/c", Value::Null).await.body["code"], "NOT_FOUND");
    let anonymous = server.admin.without_value().rest("GET", "/webhooks", Value::Null).await;
    assert_eq!((anonymous.status, &anonymous.body["code"]), (401, &json!("UNAUTHENTICATED")));
}
