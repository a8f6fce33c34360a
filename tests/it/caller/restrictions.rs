//! R12: where a token may be used from, at every endpoint and on both values of an overlap. The tests' server trusts 127.0.0.1
//! as a proxy, so a test speaks from whatever address it likes.

use serde_json::{Value, json};

use crate::support::client::{Answer, Client};
use crate::support::server::Server;

async fn call(client: &Client, headers: &[(&str, &str)]) -> Answer {
    let request = client.request("POST", "/graphql").json(&json!({ "query": "{ currentAPIToken { id } }" }));
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    Answer::of(request.send().await.unwrap()).await
}

fn reported(answer: &Answer) -> (u16, Option<&str>) {
    (answer.status, answer.code())
}

#[tokio::test]
async fn r12_a_token_is_bound_to_its_networks_on_both_values() {
    let server = Server::start().await;
    let input = json!({ "name": "n", "allowedCIDRBlocks": ["10.0.0.0/8", "2001:db8::/32"] });
    let old = server.admin.create(input).await.unwrap().client;
    let request = old.request("POST", "/graphql").header("X-Forwarded-For", "10.1.1.1");
    let answer = request.json(&json!({ "query": crate::support::client::ROTATE })).send().await.unwrap();
    let new = old.with(Answer::of(answer).await.value_of("rotateAPIToken").unwrap());
    for client in [&old, &new] {
        for (address, allowed) in [
            ("10.0.0.0", true),
            ("10.255.255.255", true),
            ("9.255.255.255", false),
            ("11.0.0.0", false),
            ("::ffff:10.0.0.1", true),
            ("::ffff:11.0.0.1", false),
            ("2001:db8::1", true),
            ("2001:db9::1", false),
            ("unknown", false),
        ] {
            let expected = if allowed { (200, None) } else { (403, Some("ADDRESS_REFUSED")) };
            assert_eq!(reported(&call(client, &[("X-Forwarded-For", address)]).await), expected, "{address}");
        }
        assert_eq!(reported(&call(client, &[]).await), (403, Some("ADDRESS_REFUSED")), "from the proxy itself");
    }
}

#[tokio::test]
async fn r12_forwarding_headers_that_the_client_wrote_itself_are_ignored() {
    let server = Server::start().await;
    let input = json!({ "name": "n", "allowedCIDRBlocks": ["10.0.0.0/8"] });
    let token = server.admin.create(input).await.unwrap().client;
    let refused = (403, Some("ADDRESS_REFUSED"));
    assert_eq!(reported(&call(&token, &[("X-Forwarded-For", "10.0.0.1, 203.0.113.9")]).await), refused);
    assert_eq!(reported(&call(&token, &[("Forwarded", "for=10.0.0.1, for=203.0.113.9")]).await), refused);
    assert_eq!(reported(&call(&token, &[("Forwarded", "for=203.0.113.9, for=\"10.0.0.1:99\"")]).await), (200, None));
    // The proxy sets one header and passes the client's version of the other through.
    let both = [("X-Forwarded-For", "203.0.113.9"), ("Forwarded", "for=10.0.0.1")];
    assert_eq!(reported(&call(&token, &both).await), (400, Some("BAD_USER_INPUT")));
}

#[tokio::test]
async fn r12_a_token_is_bound_to_its_web_origins() {
    let server = Server::start().await;
    let input = json!({
        "name": "web", "kind": "PUBLIC", "allowedOrigins": ["https://App.Example.com:443", "https://*.example.org"]
    });
    let token = server.admin.create(input).await.unwrap().client;
    for (origin, allowed) in [
        ("https://app.example.com", true),
        ("HTTPS://APP.EXAMPLE.COM:443", true),
        ("http://app.example.com", false),
        ("https://app.example.com:8443", false),
        ("https://a.example.org", true),
        ("https://a.b.example.org", true),
        ("https://example.org", false),
        ("https://evilexample.org", false),
        ("null", false),
    ] {
        let expected = if allowed { (200, None) } else { (403, Some("ORIGIN_REFUSED")) };
        assert_eq!(reported(&call(&token, &[("Origin", origin)]).await), expected, "{origin}");
    }
    assert_eq!(reported(&call(&token, &[]).await), (403, Some("ORIGIN_REFUSED")), "no origin at all");
}

#[tokio::test]
async fn r12_bad_restrictions_are_refused_by_name_and_write_nothing() {
    let server = Server::start().await;
    let query = "mutation($input: CreateAPITokenInput!) { createAPIToken(input: $input) { token { id } } }";
    let many: Vec<String> = (0..10_000).map(|number| format!("10.{}.{}.0/24", number / 256, number % 256)).collect();
    for (field, value, says) in [
        ("allowedCIDRBlocks", json!(["10.0.0.1/8"]), "10.0.0.0/8"),
        ("allowedCIDRBlocks", json!(["10.0.0.0/8", "10.1.0.0/16"]), "10.1.0.0/16"),
        ("allowedCIDRBlocks", json!(["10.0.0.0/33"]), ""),
        ("allowedCIDRBlocks", json!(["everywhere"]), ""),
        ("allowedCIDRBlocks", json!([""]), ""),
        ("allowedCIDRBlocks", json!(many), "100"),
        ("allowedOrigins", json!(["https://example.com/"]), ""),
        ("allowedOrigins", json!(["https://example.com/path"]), ""),
        ("allowedOrigins", json!(["https://*.com"]), ""),
        ("allowedOrigins", json!(["*"]), ""),
    ] {
        let mut input = json!({ "name": "n" });
        input[field] = value.clone();
        let answer = server.admin.graphql(query, json!({ "input": input })).await;
        assert_eq!((answer.code(), answer.field()), (Some("BAD_USER_INPUT"), Some(field)), "{}", answer.body);
        let message = answer.body["errors"][0]["message"].as_str().unwrap();
        assert!(message.contains(says), "{message}");
        assert!(message.len() < 400, "{message}");
    }
    let all = server.admin.ask("{ apiTokens { edges { cursor } } }").await;
    assert_eq!(all.body["data"]["apiTokens"]["edges"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn r12_a_refusal_is_recorded_with_the_address_at_a_bounded_rate() {
    let server = Server::start().await;
    let created = server.admin.create(json!({ "name": "n", "allowedCIDRBlocks": ["10.0.0.0/8"] })).await.unwrap();
    for _ in 0..3 {
        call(&created.client, &[("X-Forwarded-For", "203.0.113.9"), ("User-Agent", "curl/8")]).await;
    }
    let query = "query($id: ID) { auditEvents(filter: { tokenId: $id, actions: [API_TOKEN_RESTRICTION_REFUSED] }) {
        edges { node { result address userAgent generation requestId actor { kind id } } } } }";
    let answer = server.admin.graphql(query, json!({ "id": created.id })).await;
    let edges = answer.body["data"]["auditEvents"]["edges"].as_array().unwrap();
    assert_eq!(edges.len(), 1);
    let mut node = edges[0]["node"].clone();
    assert!(node["requestId"].as_str().unwrap().starts_with("req_"));
    node["requestId"] = Value::Null;
    assert_eq!(
        node,
        json!({ "result": "ADDRESS_REFUSED", "address": "203.0.113.9", "userAgent": "curl/8", "generation": 1,
                "requestId": null, "actor": { "kind": "API_TOKEN", "id": created.id } })
    );
}

#[tokio::test]
async fn r12_a_restriction_binds_what_the_same_request_does_after_it() {
    let server = Server::start().await;
    let id = server.admin.my_id().await;
    let query = "mutation($id: ID!) {
        a: updateAPIToken(input: { id: $id, allowedCIDRBlocks: [\"10.0.0.0/8\"] }) { token { id } }
        b: createAPIToken(input: { name: \"late\" }) { token { id } } }";
    let answer = server.admin.graphql(query, json!({ "id": id })).await;
    assert_eq!(answer.code(), Some("ADDRESS_REFUSED"), "{}", answer.body);
}
