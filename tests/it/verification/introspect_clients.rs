//! `POST /introspect` as OAuth clients ask it: with an id, and a value as the secret, by HTTP Basic or in the form (RFC 6749,
//! section 2.3.1).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use crate::support::client::{Answer, Created};
use crate::support::server::Server;
use crate::support::verification::FORM;

const CHALLENGE: &str = r#"Bearer realm="rotakey""#;
const CHALLENGE_INVALID: &str = r#"Bearer realm="rotakey", error="invalid_token""#;
const CHALLENGE_BASIC: &str = r#"Basic realm="rotakey", charset="UTF-8""#;
const WAYS: [&str; 2] = ["Basic", "form"];

fn basic(id: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")))
}

fn body(form: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish()
}

async fn ask(server: &Server, headers: &[(&str, &str)], form: &[(&str, &str)]) -> Answer {
    let request = server.anonymous().request("POST", "/introspect").header("Content-Type", FORM).body(body(form));
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    Answer::of(request.send().await.unwrap()).await
}

/// Asks about a value as this client, in this way. The id and the secret are written as in a form either way.
async fn ask_as(server: &Server, way: &str, (id, secret): (&str, &str), value: &str) -> Answer {
    let encoded = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    match way {
        "Basic" => {
            let header = basic(&encoded(id), &encoded(secret));
            ask(server, &[("Authorization", &header)], &[("token", value)]).await
        }
        _ => ask(server, &[], &[("token", value), ("client_id", id), ("client_secret", secret)]).await,
    }
}

/// A server, a client that may ask it, its value, and the value of another token.
async fn start() -> (Server, Created, String, String) {
    let server = Server::start().await;
    let caller = json!({ "name": "orders", "permissions": ["API_TOKEN_VERIFY"] });
    let caller = server.admin.create(caller).await.unwrap();
    let subject = server.admin.create(json!({ "name": "n", "owner": "acme" })).await.unwrap();
    let value = caller.client.value.clone().unwrap();
    (server, caller, value, subject.client.value.unwrap())
}

#[tokio::test]
async fn a_client_may_have_any_id_but_that_of_another_token() {
    let (server, caller, value, subject) = start().await;
    let other = server.admin.my_id().await;
    for way in WAYS {
        for id in [caller.id.as_str(), "", "orders", "a:b c+d%2B/é&=", "tok_", "tok_0", &caller.id.to_lowercase()] {
            for _ in 0..3 {
                let answer = ask_as(&server, way, (id, &value), &subject).await;
                assert_eq!((answer.status, &answer.body["sub"]), (200, &json!("acme")), "{way} {id}: {}", answer.body);
            }
        }
        let answer = ask_as(&server, way, (&other, &value), &subject).await;
        assert_eq!((answer.status, &answer.body["error"]), (401, &json!("invalid_client")), "{way}");
        assert_eq!(answer.body["code"], json!("UNAUTHENTICATED"), "{way}");
        let reported = answer.body["error_description"].as_str().unwrap();
        assert!(reported.contains("client_id") && !reported.contains(&other), "{way}: {reported}");
    }
}

#[tokio::test]
async fn a_refused_client_gets_the_challenge_of_its_authentication_method() {
    let (server, caller, value, subject) = start().await;
    let stranger = server.admin.create(json!({ "name": "n" })).await.unwrap().client.value.unwrap();
    server.admin.revoke(&caller.id).await.unwrap();
    for (way, challenge, place) in
        [("Basic", CHALLENGE_BASIC, "the Authorization header"), ("form", CHALLENGE_INVALID, "client_secret")]
    {
        for (secret, code) in
            [(value.as_str(), "TOKEN_REVOKED"), ("hello", "UNAUTHENTICATED"), ("rk_0", "UNAUTHENTICATED")]
        {
            let answer = ask_as(&server, way, ("orders", secret), &subject).await;
            assert_eq!((answer.status, &answer.body["error"]), (401, &json!("invalid_client")), "{way} {secret}");
            assert_eq!((answer.header("WWW-Authenticate"), &answer.body["code"]), (Some(challenge), &json!(code)));
            let reported = answer.body["error_description"].as_str().unwrap();
            assert!(reported.contains(place), "{way}: {reported}");
            assert_eq!(answer.header("Cache-Control"), Some("no-store"));
        }
        let answer = ask_as(&server, way, ("orders", &stranger), &subject).await;
        assert_eq!((answer.status, &answer.body["error"]), (403, &json!("insufficient_scope")), "{way}");
        assert_eq!(answer.header("WWW-Authenticate"), None, "{way}: no scope of a bearer would help");
    }
    for unreadable in ["Basic ?", "Basic YQ==", "Basic /w==", "Basic a b", &basic("orders", "%FF")] {
        let answer = ask(&server, &[("Authorization", unreadable)], &[("token", &subject)]).await;
        assert_eq!((answer.status, &answer.body["error"]), (401, &json!("invalid_client")), "{unreadable}");
        assert_eq!(answer.header("WWW-Authenticate"), Some(CHALLENGE_BASIC), "{unreadable}");
    }
}

#[tokio::test]
async fn two_authentication_methods_are_refused_and_foreign_credentials_ignored() {
    let (server, caller, value, subject) = start().await;
    let (bearer, basic) = (format!("Bearer {value}"), basic(&caller.id, &value));
    let (key, bearer, basic) = (("X-API-Key", &*value), ("Authorization", &*bearer), ("Authorization", &*basic));
    let form = [("token", &*subject), ("client_id", "orders"), ("client_secret", &*value)];
    for (headers, form) in [
        (&[basic][..], &form[..]),
        (&[key], &form),
        (&[bearer], &form),
        (&[basic, key], &form[..1]),
        (&[bearer, basic], &form[..1]),
    ] {
        let answer = ask(&server, headers, form).await;
        assert_eq!((answer.status, &answer.body["error"]), (400, &json!("invalid_request")));
        assert!(
            answer.body["error_description"]
                .as_str()
                .unwrap()
                .starts_with("The request authenticates in more than one way."),
            "{}",
            answer.body
        );
    }
    let foreign = [("Authorization", "Basic YTpi"), ("Authorization", "Digest a"), ("X-API-Key", "opaque")];
    let no_secret = [("token", &*subject), ("client_id", "orders"), ("client_secret", "")];
    let bad_secret = [("token", &*subject), ("client_id", "orders"), ("client_secret", "hello")];
    for (headers, form) in [
        (&[key, bearer][..], &form[..1]),
        (&foreign[..], &form[..]),
        (&[foreign[2], basic], &form[..1]),
        (&[foreign[1], basic], &form[..1]),
        (&[foreign[0], key], &form[..2]),
        (&[key], &no_secret),
        (&[basic], &no_secret),
        (&[bearer], &bad_secret),
        (&[basic], &bad_secret),
    ] {
        let answer = ask(&server, headers, form).await;
        assert_eq!((answer.status, &answer.body["active"]), (200, &json!(true)), "{}", answer.body);
    }
    // An id alone says nothing, and neither does what is in the address.
    for path in ["/introspect", &format!("/introspect?client_secret={value}")] {
        let request = server.anonymous().request("POST", path).header("Content-Type", FORM).body(body(&form[..2]));
        let answer = Answer::of(request.send().await.unwrap()).await;
        assert_eq!((answer.status, answer.header("WWW-Authenticate")), (401, Some(CHALLENGE)), "{path}");
    }
    let twice = [form[0], form[2], form[2]];
    let answer = ask(&server, &[], &twice).await;
    assert_eq!((answer.status, &answer.body["field"]), (400, &json!("client_secret")));
}

#[tokio::test]
async fn before_authentication_at_most_16_kib_of_a_body_are_read() {
    let (server, _, value, subject) = start().await;
    let fill = |total: usize| {
        let form = format!("token={subject}&client_secret={value}&x=");
        let fill = total - form.len();
        form + &"x".repeat(fill)
    };
    for (bytes, status) in [(16 * 1024 - 1, 200), (16 * 1024, 200), (16 * 1024 + 1, 413)] {
        let request = server.anonymous().request("POST", "/introspect").body(fill(bytes));
        let request = request.header("Content-Type", FORM);
        let answer = Answer::of(request.send().await.unwrap()).await;
        assert_eq!(answer.status, status, "{bytes}: {}", answer.body);
    }
    let form = [("token", &*subject), ("x", &*"x".repeat(20_000))];
    let answer = ask(&server, &[("Authorization", &basic("orders", &value))], &form).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
}

#[tokio::test]
async fn a_client_that_authenticates_by_basic_is_answered_from_the_cache_too() {
    let (server, caller, value, subject) = start().await;
    let waited = ask_as(&server, "Basic", (&caller.id, &value), &subject).await;
    assert!(!waited.is_from_cache());
    server.admin.catch_up().await;
    // The first request has the values of client and subject cached.
    ask_as(&server, "Basic", (&caller.id, &value), &subject).await;
    let cached = ask_as(&server, "Basic", (&caller.id, &value), &subject).await;
    assert!(cached.is_from_cache());
    assert_eq!((cached.status, &cached.body), (200, &waited.body));
    let other = ask_as(&server, "Basic", (&server.admin.my_id().await, &value), &subject).await;
    assert_eq!(other.status, 401);
}

#[tokio::test]
async fn the_client_is_warned_of_its_previous_value() {
    let (server, caller, value, subject) = start().await;
    caller.client.rotate().await.unwrap();
    for way in WAYS {
        let answer = ask_as(&server, way, (&caller.id, &value), &subject).await;
        assert_eq!((answer.status, answer.header("Deprecation").is_some()), (200, true), "{way}");
    }
}
