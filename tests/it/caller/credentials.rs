//! How a request says who is calling.

use serde_json::json;

use crate::support::client::Answer;
use crate::support::server::Server;
use crate::support::verification::FORM;

const ME: &str = "{ currentAPIToken { name } }";

async fn send(server: &Server, headers: &[(&str, &str)]) -> Answer {
    let request = server.anonymous().request("POST", "/graphql").json(&json!({ "query": ME }));
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    Answer::of(request.send().await.unwrap()).await
}

#[tokio::test]
async fn a_value_is_taken_from_either_header() {
    let server = Server::start().await;
    let value = server.admin.value.clone().unwrap();
    let bearer = format!("Bearer {value}");
    for headers in [
        vec![("X-API-Key", value.as_str())],
        vec![("Authorization", bearer.as_str())],
        vec![("x-api-key", value.as_str()), ("authorization", bearer.as_str())],
    ] {
        let answer = send(&server, &headers).await;
        assert_eq!(answer.body["data"]["currentAPIToken"]["name"], json!("admin"));
    }
}

#[tokio::test]
async fn two_different_values_are_a_400() {
    let server = Server::start().await;
    let other = server.admin.create(json!({ "name": "other" })).await.unwrap();
    let bearer = format!("Bearer {}", other.client.value.unwrap());
    let answer =
        send(&server, &[("X-API-Key", server.admin.value.as_deref().unwrap()), ("Authorization", &bearer)]).await;
    assert_eq!((answer.status, answer.code()), (400, Some("BAD_USER_INPUT")));
}

#[tokio::test]
async fn a_bad_credential_is_a_401_with_an_errors_body_and_never_anonymous() {
    let server = Server::start().await;
    let value = server.admin.value.clone().unwrap();
    let truncated = &value[..value.len() - 1];
    // Well-formed, but no token's: another server's.
    let foreign = rotakey::domain::value::Value::from_entropy(rotakey::domain::token::TokenKind::Private, &[7; 32]);
    let basic = format!("Basic {value}");
    for headers in [
        [("X-API-Key", truncated)],
        [("X-API-Key", "hello")],
        [("X-API-Key", foreign.expose())],
        [("Authorization", "Bearer rk_0")],
        [("Authorization", basic.as_str())],
    ] {
        let answer = send(&server, &headers).await;
        assert_eq!((answer.status, answer.code()), (401, Some("UNAUTHENTICATED")), "{headers:?}");
        assert_eq!(answer.header("WWW-Authenticate"), Some(r#"Bearer realm="rotakey", error="invalid_token""#));
        assert_eq!(answer.body.get("data"), None, "nothing was executed");
    }
    // Not even what anyone may ask.
    let body = json!({ "query": "{ __typename }" });
    let answer = server.anonymous().with("hello").request("POST", "/graphql").json(&body).send().await.unwrap();
    assert_eq!(answer.status(), 401);
}

/// Every endpoint that takes a credential, and how it is asked about one.
const ENDPOINTS: [(&str, &str); 8] = [
    ("POST", "/graphql"),
    ("POST", "/public/graphql"),
    ("GET", "/graphql?query={currentAPIToken{name}}"),
    ("GET", "/api-tokens/self"),
    ("POST", "/rotatetoken"),
    ("POST", "/api/index/v1/rotatetoken"),
    ("GET", "/verify"),
    ("POST", "/introspect"),
];

/// A token that may do all that the endpoints ask for, and may be rotated at each.
async fn holder(server: &Server) -> String {
    let permissions = ["API_TOKEN_READ", "API_TOKEN_MODIFY", "API_TOKEN_VERIFY"];
    let input = json!({ "name": "n", "rotationPeriodMinutes": 60, "permissions": permissions });
    server.admin.create(input).await.unwrap().client.value.unwrap()
}

/// Asks an endpoint with these headers.
async fn ask(server: &Server, (method, path): (&str, &str), headers: &[(&str, &str)]) -> Answer {
    let request = server.anonymous().request(method, path);
    let request = match path {
        "/introspect" => request.header("Content-Type", FORM).body("token=hello"),
        _ if path.ends_with("graphql") => request.json(&json!({ "query": ME })),
        _ => request,
    };
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    Answer::of(request.send().await.unwrap()).await
}

/// The code and the message of an error, whichever endpoint sent it.
fn error(answer: &Answer) -> (&str, &str) {
    let places =
        [("/code", "/message"), ("/code", "/error_description"), ("/errors/0/extensions/code", "/errors/0/message")];
    let text = |place: &str| answer.body.pointer(place)?.as_str();
    places.into_iter().find_map(|(code, message)| Some((text(code)?, text(message)?))).unwrap_or(("", ""))
}

#[tokio::test]
async fn an_empty_authorization_or_a_scheme_alone_is_no_credential_at_any_endpoint() {
    let server = Server::start().await;
    for endpoint in ENDPOINTS {
        for nothing in ["", " ", "Bearer", "bearer ", "Basic", "Negotiate"] {
            let answer = ask(&server, endpoint, &[("Authorization", nothing)]).await;
            assert_eq!(error(&answer).0, "UNAUTHENTICATED", "{endpoint:?} {nothing:?}");
            let challenge = answer.header("WWW-Authenticate");
            assert_eq!(challenge, Some(r#"Bearer realm="rotakey""#), "{endpoint:?} {nothing:?}");
            let value = holder(&server).await;
            let answer = ask(&server, endpoint, &[("Authorization", nothing), ("X-API-Key", &value)]).await;
            assert_eq!((answer.status, error(&answer)), (200, ("", "")), "{endpoint:?} {nothing:?}");
            let value = holder(&server).await;
            let bearer = format!("Bearer {value}");
            let answer = ask(&server, endpoint, &[("Authorization", &bearer), ("X-API-Key", " ")]).await;
            assert_eq!((answer.status, error(&answer)), (200, ("", "")), "{endpoint:?}");
        }
    }
    // What anyone may ask is answered.
    for nothing in ["", "Bearer"] {
        let request = server.anonymous().request("POST", "/graphql").header("Authorization", nothing);
        let answer = Answer::of(request.json(&json!({ "query": "{ __typename }" })).send().await.unwrap()).await;
        assert_eq!(answer.body, json!({ "data": { "__typename": "Query" } }), "{nothing:?}");
        let request = server.anonymous().request("GET", "/schema.graphql").header("Authorization", nothing);
        assert_eq!(request.send().await.unwrap().status(), 200, "{nothing:?}");
    }
}

const JWT: &str = "Bearer eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJl";

#[tokio::test]
async fn a_foreign_credential_beside_a_value_is_ignored_at_every_endpoint() {
    let server = Server::start().await;
    for endpoint in ENDPOINTS {
        for foreign in
            [JWT, "Basic YWxpY2U6c2VjcmV0", "Digest username=a", "Bearer rk_live_51H", "Bearer hello", "opaque"]
        {
            let value = holder(&server).await;
            let answer = ask(&server, endpoint, &[("Authorization", foreign), ("X-API-Key", &value)]).await;
            assert_eq!((answer.status, error(&answer)), (200, ("", "")), "{endpoint:?} {foreign}");
            let bearer = format!("Bearer {}", holder(&server).await);
            let answer = ask(&server, endpoint, &[("Authorization", foreign), ("Authorization", &bearer)]).await;
            assert_eq!((answer.status, error(&answer)), (200, ("", "")), "{endpoint:?} {foreign}");

            let answer = ask(&server, endpoint, &[("Authorization", foreign)]).await;
            assert_eq!((answer.status, error(&answer).0), (401, "UNAUTHENTICATED"), "{endpoint:?} {foreign}");
        }
        let bearer = format!("Bearer {}", holder(&server).await);
        let answer = ask(&server, endpoint, &[("X-API-Key", "the-api-s-own"), ("Authorization", &bearer)]).await;
        assert_eq!((answer.status, error(&answer)), (200, ("", "")), "{endpoint:?}");
        let headers = [("X-API-Key", &*holder(&server).await), ("Authorization", &bearer)];
        let answer = ask(&server, endpoint, &headers).await;
        assert_eq!((answer.status, error(&answer).0), (400, "BAD_USER_INPUT"), "{endpoint:?}");
    }
}

#[tokio::test]
async fn a_refusal_names_the_header_that_it_read() {
    let server = Server::start().await;
    let revoked = server.admin.create(json!({ "name": "n" })).await.unwrap();
    server.admin.revoke(&revoked.id).await.unwrap();
    let bound = json!({ "name": "n", "allowedCIDRBlocks": ["192.0.2.0/24"] });
    let bound = server.admin.create(bound).await.unwrap().client.value.unwrap();
    let revoked = revoked.client.value.unwrap();
    for endpoint in ENDPOINTS {
        for (value, code) in [("hello", "UNAUTHENTICATED"), (&revoked, "TOKEN_REVOKED"), (&bound, "ADDRESS_REFUSED")] {
            let bearer = format!("Bearer {value}");
            for (headers, read, other) in [
                (&[("X-API-Key", value), ("Authorization", JWT)], "X-API-Key header", "Authorization header"),
                (&[("X-API-Key", ""), ("Authorization", &bearer)], "Authorization header", "X-API-Key header"),
            ] {
                let answer = ask(&server, endpoint, headers).await;
                let (reported, message) = error(&answer);
                assert_eq!(reported, code, "{endpoint:?}");
                assert!(message.contains(read) && !message.contains(other), "{endpoint:?} {code}: {message}");
            }
        }
        let (reported, message) =
            (ask(&server, endpoint, &[("Authorization", "Basic YTpi")]).await, "Authorization header");
        assert!(error(&reported).1.contains(message), "{endpoint:?}: {}", reported.body);
    }
}

#[tokio::test]
async fn a_value_with_text_around_it_and_one_without_its_scheme_get_different_messages() {
    let server = Server::start().await;
    let value = holder(&server).await;
    let alone = "Send the value alone, without quotes or a name before it.";
    for endpoint in ENDPOINTS {
        for around in [format!("TOKEN={value}"), format!("\"{value}\""), format!("export TOKEN='{value}'")] {
            for headers in [[("X-API-Key", around.clone())], [("Authorization", format!("Bearer {around}"))]] {
                let headers = headers.each_ref().map(|(name, text)| (*name, text.as_str()));
                let answer = ask(&server, endpoint, &headers).await;
                let (code, message) = error(&answer);
                assert_eq!(code, "UNAUTHENTICATED", "{endpoint:?}");
                assert!(message.contains(alone) && !message.contains(&value), "{endpoint:?}: {message}");
            }
        }
        let answer = ask(&server, endpoint, &[("Authorization", &value)]).await;
        let (code, message) = error(&answer);
        assert_eq!(code, "UNAUTHENTICATED", "{endpoint:?}");
        assert!(message.contains("`Bearer` is missing") && !message.contains(&value), "{endpoint:?}: {message}");
        let answer = ask(&server, endpoint, &[("X-API-Key", "TOKEN=rk_0")]).await;
        assert!(!error(&answer).1.contains(alone), "{endpoint:?}");
    }
}

#[tokio::test]
async fn without_a_credential_the_schema_can_be_read_and_nothing_else() {
    let server = Server::start().await;
    let answer = server.anonymous().ask("{ __schema { queryType { name } } }").await;
    assert_eq!(answer.body["data"]["__schema"]["queryType"]["name"], json!("Query"));
    for query in [
        ME,
        "{ apiTokens { edges { cursor } } }",
        "{ apiToken(id: \"tok_0\") { id } }",
        "mutation { rotateAPIToken { token { value } } }",
        "mutation { createAPIToken(input: { name: \"x\" }) { token { value } } }",
        "mutation { revokeAPIToken(input: { id: \"tok_0\" }) { token { id } } }",
    ] {
        let answer = server.anonymous().ask(query).await;
        assert_eq!(answer.code(), Some("UNAUTHENTICATED"), "{query}");
        assert_eq!(answer.header("WWW-Authenticate"), Some(r#"Bearer realm="rotakey""#));
    }
}
