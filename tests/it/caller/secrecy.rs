//! R9: a value is in the one answer that issues it, and nowhere else.

use nix::sys::signal::Signal;
use serde_json::json;

use crate::support::client::Client;
use crate::support::database::TestDatabase;
use crate::support::process::Process;
use crate::support::verification::FORM;

/// Sends the value wherever a confused client could put it; no answer may repeat it.
async fn misplace(client: &Client, value: &str) {
    let anonymous = client.without_value();
    let documents = [
        format!("{{ apiToken(id: \"{value}\") {{ id }} }}"),
        format!("{{ apiTokens(first: \"{value}\") {{ edges {{ cursor }} }} }}"),
        format!("{{ apiTokens(after: \"{value}\") {{ edges {{ cursor }} }} }}"),
        format!("{{ {value} }}"),
        format!("{{ apiTokens({value}: 1) {{ edges {{ cursor }} }} }}"),
        format!("query {value} {{ currentAPIToken {{ {value} }} }}"),
        format!("{{ currentAPIToken {{ id }} \"{value}\""),
        format!("# {value}\n{{"),
        format!("mutation {{ createAPIToken(input: {{ name: \"x\", expiresAt: \"{value}\" }}) {{ token {{ id }} }} }}"),
        format!("mutation {{ createAPIToken(input: {{ name: \"x\", kind: {value} }}) {{ token {{ id }} }} }}"),
        format!("mutation {{ createAPIToken(input: {{ name: \"x\", scopes: [\"{value}\"] }}) {{ token {{ id }} }} }}"),
        format!(
            "mutation {{ createAPIToken(input: {{ name: \"x\", allowedOrigins: [\"{value}\"] }}) {{ token {{ id }} }} }}"
        ),
        format!(
            "mutation {{ createAPIToken(input: {{ name: \"x\", allowedCIDRBlocks: [\"{value}\"] }}) {{ token {{ id }} }} }}"
        ),
        format!("mutation {{ createAPIToken(input: {{ name: \"{value}\" }}) {{ token {{ id }} }} }}"),
        format!("mutation {{ createAPIToken(input: {{ name: \"x\", owner: \"of {value}\" }}) {{ token {{ id }} }} }}"),
        format!(
            "mutation {{ createAPIToken(input: {{ name: \"x\", description: \"{value}.\" }}) {{ token {{ id }} }} }}"
        ),
        format!(
            "mutation {{ createAPIToken(input: {{ name: \"x\", allowedOrigins: [\"app://{value}\"] }}) {{ token {{ id }} }} }}"
        ),
        format!(
            "mutation {{ createAPIToken(input: {{ name: \"x\", metadata: {{ key: \"k\", value: \"of {value}\" }} }}) {{ token {{ id }} }} }}"
        ),
        format!(
            "mutation {{ createAPIToken(input: {{ name: \"x\", metadata: {{ key: \"{value}\", value: \"\" }} }}) {{ token {{ id }} }} }}"
        ),
        format!("query {value} {{ __typename }} query {value} {{ __typename }}"),
        format!(
            "{{ __typename }} fragment {value} on Query {{ __typename }} fragment {value} on Query {{ __typename }}"
        ),
        format!("mutation {{ {value}: revokeAPIToken(input: {{ id: \"x\" }}) {{ token {{ id }} }} }}"),
    ];
    for document in &documents {
        let answer = client.ask(document).await;
        assert!(answer.code().is_some(), "{document}");
        assert!(!answer.body.to_string().contains(value), "{document}: {}", answer.body);
    }
    let verify = crate::support::verification::VERIFY;
    for input in [
        json!({ "value": value, "requiredScopes": [value] }),
        json!({ "value": value, "address": value, "origin": value }),
        json!({ "value": value, "origin": value }),
        json!({ "value": [value] }),
        json!({ "value": value, value: value }),
    ] {
        let answer = client.graphql(verify, json!({ "input": input })).await;
        assert!(!answer.body.to_string().contains(value), "{}", answer.body);
    }
    let query = "query($first: Int) { apiTokens(first: $first) { edges { cursor } } }";
    let answer = client.graphql(query, json!({ "first": value })).await;
    assert!(!answer.body.to_string().contains(value), "{}", answer.body);
    for request in [
        anonymous.request("POST", "/graphql").header("Authorization", format!("Basic {value}")),
        anonymous.request("POST", "/graphql").header("X-API-Key", format!("{value}x")),
        client.request("POST", "/graphql").header("Content-Type", "application/json").body(format!("{{{value}")),
        client.request("GET", &format!("/graphql/{value}?key={value}")),
        client.request("GET", &format!("/{}", value.replace('_', "%5F"))),
        client.request("GET", &format!("/playground/{value}")),
        client.request(value, "/graphql"),
        client.request("GET", "/healthz").header("X-Request-Id", value),
        client.request("GET", &format!("/api-tokens/{value}")),
        client.request("GET", &format!("/api-tokens?after={value}&status={value}&{value}=1")),
        client.request("POST", "/api-tokens").json(&json!({ "name": value })),
        client.request("POST", "/api-tokens").json(&json!({ "name": "x", value: 1 })),
        client.request("POST", "/api-tokens").json(&json!({ "name": "x", "kind": value, "expiresAt": value })),
        client.request("POST", "/api-tokens").json(&json!({ "name": "x", "allowedCIDRBlocks": [value] })),
        client
            .request("POST", "/api-tokens")
            .json(&json!({ "name": "x", "metadata": [{ "key": value, "value": value }] })),
        client.request("POST", "/api-tokens").json(&json!({ "name": "x", "metadata": [{ "key": "k", value: value }] })),
        client.request("POST", "/api-tokens").header("Content-Type", "application/json").body(format!("[{value}")),
        client.request("POST", &format!("/api-tokens/{value}/rotate")),
        client.request("DELETE", &format!("/api-tokens/{value}")),
        anonymous.request("POST", "/rotatetoken").header("Authorization", format!("Bearer {value}x")),
        client.request("POST", "/graphql").header("User-Agent", value).header("Origin", value).body("{}"),
        client.request("POST", "/graphql").header("Idempotency-Key", value).body("{}"),
        client.request("POST", "/introspect").header("Content-Type", FORM).body(format!("token={value}")),
        client.request("POST", "/introspect").header("Content-Type", FORM).body(format!("token={value}&token={value}")),
        client.request("POST", "/introspect").header("Content-Type", FORM).body(format!("{value}={value}")),
        client
            .request("POST", "/introspect")
            .header("Content-Type", FORM)
            .body(format!("token={value}&rotakey_scope={value}&rotakey_address={value}&rotakey_origin={value}")),
        client.request("POST", "/introspect").header("Content-Type", value).body(format!("token={value}")),
        client.request("GET", &format!("/introspect?token={value}")),
        client.request("GET", "/verify").header("User-Agent", value).header("Origin", value),
        client.request("GET", &format!("/verify?scope={value}")),
        client.request("GET", &format!("/verify?{value}=1")),
        client.request("GET", &format!("/verify?metadata={value}")),
        client.request("GET", &format!("/verify/{value}?{value}={value}")),
        anonymous.request("GET", &format!("/verify/?access_token={value}")).header("X-Token-Owner", value),
        anonymous.request("GET", "/verify").header("Authorization", format!("Basic {value}")),
        anonymous.request("GET", "/verify").header("X-Forwarded-For", value).header("X-API-Key", format!("{value}x")),
    ] {
        let answer = crate::support::client::Answer::of(request.send().await.unwrap()).await;
        let reported = format!("{:?} {}", answer.headers, answer.body);
        assert!(!reported.contains(value), "{reported}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn r9_no_value_is_in_the_database_its_side_files_or_the_log() {
    let database = TestDatabase::new().await;
    let server = Process::serve(&database.folder(), &database.url);
    let first = server.first_value();
    let admin = server.client().with(&first);
    let token = admin.create(json!({ "name": "secret", "rotationPeriodMinutes": 60 })).await.unwrap();
    let second = token.client.rotate().await.unwrap();
    let third = token.client.with(&second).rotate().await.unwrap();
    assert_eq!(token.client.check().await, Err("VALUE_RETIRED".into()));
    let public = admin.create(json!({ "name": "web", "kind": "PUBLIC" })).await.unwrap();
    misplace(&admin, &first).await;
    misplace(&token.client.with(&second), &second).await;
    admin.revoke(&token.id).await.unwrap();
    assert_eq!(token.client.with(&third).check().await, Err("TOKEN_REVOKED".into()));

    // While it runs, so that the write-ahead log is still there; and again when it has stopped.
    let mut kept = database.contents().await;
    server.signal(Signal::SIGTERM);
    let (status, stdout, stderr) = server.ended();
    assert!(status.success());
    kept.extend(database.contents().await);

    let created = [token.client.value.unwrap(), public.client.value.unwrap()];
    for value in [&first, &second, &third].into_iter().chain(&created) {
        // The random part alone would be as bad, and so would its bytes as hexadecimal digits.
        let body = value.rsplit('_').next().unwrap();
        let hex: String = body.bytes().map(|byte| format!("{byte:02x}")).collect();
        for secret in [body, &body[..43], &hex] {
            let found = kept.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "a value is in the database");
            assert!(!stderr.contains(secret), "a value is in the log");
        }
    }
    assert!(stderr.contains("answered"), "the log was captured");
    let lines = stderr.lines().filter(|line| line.contains("credential refused"));
    assert_eq!(lines.count(), 1, "one a minute and network, whatever is tried");
    assert!(
        stderr.contains("127.0.0.0/24")
            && !stderr.lines().any(|line| line.contains("INFO") && line.contains("status=401"))
    );
    assert!(kept.windows(5).any(|window| window == b"admin"), "the database was read");
    assert_eq!(stdout.matches(&first).count(), 1, "shown once");
    for value in [&second, &third].into_iter().chain(&created) {
        assert!(!stdout.contains(value.as_str()));
    }
}
