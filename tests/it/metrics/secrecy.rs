//! No value and no text of a client is in a metric (R9).

use serde_json::json;

use crate::support::metrics::Scrape;
use crate::support::server::Server;

/// A text that nobody but a client would use.
const MARK: &str = "zebra";

#[tokio::test]
async fn whatever_a_client_sends_wherever_none_of_it_is_in_a_metric() {
    let server = Server::start().await;
    let token = server.admin.create(json!({ "name": MARK, "owner": MARK, "scopes": [MARK] })).await.unwrap();
    let value = token.client.value.clone().unwrap();
    let second = token.client.rotate().await.unwrap();
    for text in [value.as_str(), second.as_str(), MARK] {
        for path in [
            format!("/{text}"),
            format!("/verify/{text}"),
            format!("/verify?scope={text}&{text}={text}"),
            format!("/api-tokens/{text}"),
            format!("/api-tokens/{text}/rotate"),
            format!("/playground/{text}"),
            format!("/graphql?query={{{text}}}"),
        ] {
            for method in ["GET", "POST", text] {
                for credential in [text, second.as_str()] {
                    let request = server.admin.with(credential).request(method, &path);
                    let request = request.header("User-Agent", text).header("Origin", text).header("Accept", text);
                    request.header("X-Request-Id", text).header(text, text).body(text.to_owned()).send().await.unwrap();
                }
            }
        }
        let query = format!("query {text} {{ {text}: verifyAPIToken(input: {{ value: \"{text}\" }}) {{ {text} }} }}");
        server.admin.graphql(&query, json!({ text: text })).await;
        let query = "query($input: VerifyAPITokenInput!) { verifyAPIToken(input: $input) { valid } }";
        server.admin.graphql(query, json!({ "input": { "value": text, "origin": text, "address": text } })).await;
        let form =
            server.admin.request("POST", "/introspect").header("Content-Type", "application/x-www-form-urlencoded");
        form.body(format!("token={text}&client_id={text}&token_type_hint={text}")).send().await.unwrap();
    }
    for format in ["text/plain", "application/openmetrics-text"] {
        let answer = server.admin.request("GET", "/metrics").header("Accept", format).send().await.unwrap();
        let scrape = Scrape(answer.text().await.unwrap());
        assert!(scrape.0.contains("rotakey_http_requests"), "it was scraped");
        // The random part alone would be as bad.
        for text in [&value, &second, server.admin.value.as_ref().unwrap(), &token.id] {
            let body = text.rsplit('_').next().unwrap();
            assert!(!scrape.0.contains(body) && !scrape.0.contains(&body[..20]), "a value is in a metric");
        }
        assert!(!scrape.0.to_lowercase().contains(MARK), "{}", scrape.0);
    }
}
