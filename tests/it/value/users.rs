//! R14: who uses which value of a token, as clients see it.

use rotakey::domain::value_use::AddressPrecision;
use rotakey::service::Policy;
use serde_json::{Value, json};

use crate::support::client::{Answer, Client, Created};
use crate::support::clock::SECOND;
use crate::support::server::Server;
use crate::support::verification::{ENDPOINTS, FORM, Question};

const USE: &str =
    "generation lastUsedAt useCount users { address userAgent firstSeenAt lastSeenAt count } otherUserCount";

/// Presents the value in hand at a gateway, as a client at this address.
async fn present(client: &Client, address: &str, user_agent: &str) -> u16 {
    let request = client.request("GET", "/verify").header("X-Forwarded-For", address).header("User-Agent", user_agent);
    request.send().await.unwrap().status().as_u16()
}

/// How each value of this token is used, as this client sees it.
async fn values(client: &Client, id: &str) -> Vec<Value> {
    let query = format!("query($id: ID!) {{ apiToken(id: $id) {{ values {{ {USE} }} }} }}");
    let answer = client.graphql(&query, json!({ "id": id })).await;
    assert_eq!(answer.code(), None, "{}", answer.body);
    answer.body["data"]["apiToken"]["values"].as_array().unwrap().clone()
}

/// The address, the user agent and the count of each user.
fn users(value: &Value) -> Vec<(Option<&str>, Option<&str>, u64)> {
    let users = value["users"].as_array().unwrap().iter();
    users.map(|it| (it["address"].as_str(), it["userAgent"].as_str(), it["count"].as_u64().unwrap())).collect()
}

async fn token(server: &Server) -> Created {
    server.admin.create(json!({ "name": "n", "scopes": ["read"] })).await.unwrap()
}

#[tokio::test]
async fn r14_the_users_of_the_old_value_and_of_the_new_one_are_told_apart() {
    let server = Server::start().await;
    let old = token(&server).await;
    let new = old.client.with(old.client.rotate().await.unwrap());
    for (client, second, address, user_agent) in [
        (&old.client, 1, "203.0.113.9", "orders/1.0"),
        (&old.client, 2, "203.0.113.10", "orders/1.1 (linux)"),
        (&old.client, 3, "2001:db8:1:2::3", "curl/8.5.0"),
        (&new, 4, "198.51.100.7", "orders/1.1"),
    ] {
        server.clock.set(second * SECOND);
        assert_eq!(present(client, address, user_agent).await, 200);
    }
    let [new_value, old_value] = &values(&server.admin, &old.id).await[..] else { panic!("two values") };
    // The rotation itself was a use of the old value, without a proxy and by a client that does not say what it is.
    let rotation = (Some("127.0.0.0/24"), None, 1);
    let orders = (Some("203.0.113.0/24"), Some("orders"), 2);
    assert_eq!(users(old_value), [(Some("2001:db8:1::/48"), Some("curl"), 1), orders, rotation]);
    assert_eq!(users(new_value), [(Some("198.51.100.0/24"), Some("orders"), 1)]);
    assert_eq!((&old_value["generation"], &old_value["useCount"]), (&json!(1), &json!(4)));
    assert_eq!((&new_value["lastUsedAt"], &new_value["useCount"]), (&json!("2026-01-01T00:00:04.000Z"), &json!(1)));
    assert_eq!(old_value["users"][1]["firstSeenAt"], json!("2026-01-01T00:00:01.000Z"));
    assert_eq!(old_value["users"][1]["lastSeenAt"], json!("2026-01-01T00:00:02.000Z"));
    assert_eq!(old_value["otherUserCount"], json!(0));

    // REST says the same.
    let rest =
        Answer::of(server.admin.request("GET", &format!("/api-tokens/{}?include=use", old.id)).send().await.unwrap());
    let graphql = values(&server.admin, &old.id).await;
    for (rest, graphql) in rest.await.body["values"].as_array().unwrap().iter().zip(graphql) {
        for name in ["lastUsedAt", "useCount", "users", "otherUserCount"] {
            assert_eq!(rest[name], graphql[name], "{name}");
        }
    }
}

#[tokio::test]
async fn r14_twenty_users_are_shown_latest_first_and_the_others_are_counted() {
    let server = Server::start().await;
    let token = token(&server).await;
    for (number, others) in (1_i64..=110).zip((1..).map(|number: i64| (number.min(100) - 20).max(0))) {
        server.clock.set(number * SECOND);
        assert_eq!(present(&token.client, &format!("203.0.{number}.9"), "curl/8.5.0").await, 200);
        if matches!(number, 20 | 21 | 25 | 110) {
            let value = &values(&server.admin, &token.id).await[0];
            assert_eq!((value["useCount"].as_i64(), value["otherUserCount"].as_i64()), (Some(number), Some(others)));
            let shown: Vec<String> = (0..20).map(|back| format!("203.0.{}.0/24", number - back)).collect();
            let shown: Vec<_> = shown.iter().map(|address| (Some(&**address), Some("curl"), 1)).collect();
            // Of 110 users, the last ten are counted together.
            if number <= 100 {
                assert_eq!(users(value), shown);
            } else {
                assert_eq!(users(value)[0].0, Some("203.0.100.0/24"));
            }
        }
    }
}

/// Each request counts once, whether it is answered from the cache or not, and a refused one does not.
#[tokio::test]
async fn r14_every_use_counts_once_at_every_endpoint_and_a_refusal_does_not() {
    let server = Server::start().await;
    server.admin.catch_up().await;
    for endpoint in ENDPOINTS {
        let token = token(&server).await;
        let at = |address| Question { address: Some(address), ..Question::of(&token.client) };
        let lacking = Question { scopes: &["write"], ..at("203.0.113.1") };
        for count in 1..=6 {
            assert_eq!(at("203.0.113.9").code(&server.admin, endpoint).await, "VALID");
            assert_ne!(lacking.code(&server.admin, endpoint).await, "VALID", "which is a use of it all the same");
            let value = &values(&server.admin, &token.id).await[0];
            assert_eq!(users(value), [(Some("203.0.113.0/24"), None, 2 * count)], "{endpoint}");
            assert_eq!(value["useCount"], json!(2 * count), "{endpoint}");
        }
        let before = values(&server.admin, &token.id).await;
        let blocks = json!({ "id": token.id, "allowedCIDRBlocks": ["10.0.0.0/8"] });
        server.admin.update(blocks).await.unwrap();
        assert_ne!(at("203.0.113.9").code(&server.admin, endpoint).await, "VALID");
        server.admin.revoke(&token.id).await.unwrap();
        assert_ne!(at("10.0.0.1").code(&server.admin, endpoint).await, "VALID");
        assert_eq!(values(&server.admin, &token.id).await, before, "{endpoint}");
    }
}

#[tokio::test]
async fn r14_a_client_that_presents_its_own_value_is_a_user_of_it_whatever_it_asks() {
    let server = Server::start().await;
    server.admin.catch_up().await;
    let caller = server.admin.create(json!({ "name": "n", "permissions": ["API_TOKEN_VERIFY"] })).await.unwrap();
    let own = |agent: &str, path: &str, method: &str| {
        caller.client.request(method, path).header("User-Agent", agent).header("X-Forwarded-For", "203.0.113.9")
    };
    let other = token(&server).await.client.value.unwrap();
    let direct = "query($input: VerifyAPITokenInput!) { verifyAPIToken(input: $input) { valid } }";
    let input = json!({ "input": { "value": other, "address": "198.51.100.1" } });
    // Twice each: the second is answered from the cache where that can be.
    for _ in 0..2 {
        for request in [
            own("current/1", "/graphql", "POST").json(&json!({ "query": "{ currentAPIToken { lastUsedAt } }" })),
            own("values/1", "/graphql", "POST").json(&json!({ "query": "{ currentAPIToken { values { hint } } }" })),
            own("verify/1", "/graphql", "POST").json(&json!({ "query": direct, "variables": input })),
            own("introspect/1", "/introspect", "POST").header("Content-Type", FORM).body(format!("token={other}")),
            own("rest/1", "/api-tokens/self", "GET"),
        ] {
            assert_eq!(request.send().await.unwrap().status(), 200);
        }
    }
    let value = &values(&server.admin, &caller.id).await[0];
    let mut found = users(value);
    found.sort_unstable();
    let expected = ["current", "introspect", "rest", "values", "verify"];
    assert_eq!(found, expected.map(|agent| (Some("203.0.113.0/24"), Some(agent), 2)));

    // Of a value that the caller asks about, the user is the client that presented it to the caller.
    let answer = server
        .admin
        .graphql("query($input: VerifyAPITokenInput!) { verifyAPIToken(input: $input) { token { id } } }", input)
        .await;
    let asked = answer.body["data"]["verifyAPIToken"]["token"]["id"].as_str().unwrap().to_owned();
    let asked_values = values(&server.admin, &asked).await;
    let mut found: Vec<_> = users(&asked_values[0]).into_iter().map(|(address, agent, _)| (address, agent)).collect();
    found.sort_unstable();
    assert_eq!(found, [(None, None), (Some("198.51.100.0/24"), None)]);
}

#[tokio::test]
async fn r14_addresses_are_kept_only_as_precisely_as_the_operator_allows() {
    for (recorded_addresses, ipv4, ipv6) in [
        (AddressPrecision::Full, Some("203.0.113.9"), Some("2001:db8:1:2::3")),
        (AddressPrecision::Block, Some("203.0.113.0/24"), Some("2001:db8:1::/48")),
        (AddressPrecision::None, None, None),
    ] {
        let server = Server::start_with(Policy { recorded_addresses, ..Policy::default() }).await;
        let token = token(&server).await;
        // From a proxy that is trusted; what stands before its own entry was sent by the client.
        for (second, address) in [(1, "10.9.9.9, 203.0.113.9"), (2, "::ffff:203.0.113.9"), (3, "2001:db8:1:2::3")] {
            server.clock.set(second * SECOND);
            assert_eq!(present(&token.client, address, "curl/8.5.0").await, 200);
        }
        let value = &values(&server.admin, &token.id).await[0];
        let expected = if ipv4.is_none() {
            vec![(None, Some("curl"), 3)]
        } else {
            vec![(ipv6, Some("curl"), 1), (ipv4, Some("curl"), 2)]
        };
        assert_eq!(users(value), expected, "{recorded_addresses:?}");
    }
}

#[tokio::test]
async fn r9_a_value_in_a_user_agent_is_redacted() {
    let server = Server::start().await;
    let token = token(&server).await;
    let value = token.client.value.clone().unwrap();
    for user_agent in [value.clone(), format!("my-{value}/1.0"), format!("{}{value}", "x".repeat(50))] {
        assert_eq!(present(&token.client, "203.0.113.9", &user_agent).await, 200);
    }
    let shown = values(&server.admin, &token.id).await;
    let mut agents: Vec<_> = users(&shown[0]).into_iter().map(|(_, agent, _)| agent.unwrap().to_owned()).collect();
    agents.sort_unstable();
    assert_eq!(agents, ["my-rk_…".to_owned(), "rk_…".to_owned(), format!("{}rk_…", "x".repeat(50))]);
}

#[tokio::test]
async fn r14_the_users_of_anothers_token_take_the_permission_to_read_it() {
    let server = Server::start().await;
    let with = async |permission: &str| {
        server.admin.create(json!({ "name": permission, "permissions": [permission] })).await.unwrap().client
    };
    let (reader, verifier, modifier) =
        (with("API_TOKEN_READ").await, with("API_TOKEN_VERIFY").await, with("API_TOKEN_MODIFY").await);
    let token = server.admin.create(json!({ "name": "n" })).await.unwrap();
    present(&token.client, "203.0.113.9", "curl/8.5.0").await;
    let shown = [(Some("203.0.113.0/24"), Some("curl"), 1)];
    assert_eq!(users(&values(&reader, &token.id).await[0]), shown);

    // Its holder needs no permission, and is itself a user.
    let own = token.client.ask(&format!("{{ currentAPIToken {{ lastUsedAt values {{ {USE} }} }} }}")).await;
    let mut found = users(&own.body["data"]["currentAPIToken"]["values"][0]);
    found.sort_unstable();
    assert_eq!(found, [(Some("127.0.0.0/24"), None, 1), shown[0]]);

    // Whoever may do something else to it is told the rest, and never loses a new value.
    let verify = format!(
        "query($input: VerifyAPITokenInput!) {{ verifyAPIToken(input: $input) {{ valid token {{ id values {{ {USE} }} }} }} }}"
    );
    let answer = verifier.graphql(&verify, json!({ "input": { "value": token.client.value } })).await;
    let verification = &answer.body["data"]["verifyAPIToken"];
    assert_eq!((answer.code(), &verification["valid"]), (Some("FORBIDDEN"), &json!(true)));
    let hidden =
        json!({ "generation": 1, "lastUsedAt": null, "useCount": null, "users": null, "otherUserCount": null });
    assert_eq!(verification["token"]["values"], json!([hidden]));
    let rotate = format!(
        "mutation($id: ID!) {{ rotateAPIToken(input: {{ id: $id }}) {{ token {{ value values {{ {USE} }} }} }} }}"
    );
    let answer = modifier.graphql(&rotate, json!({ "id": token.id })).await;
    let rotated = &answer.body["data"]["rotateAPIToken"]["token"];
    assert_eq!((answer.code(), &rotated["values"][1]), (Some("FORBIDDEN"), &hidden));
    assert_eq!(token.client.with(rotated["value"].as_str().unwrap()).check().await, Ok(2));
    for path in [format!("/api-tokens/{}?include=use", token.id), "/api-tokens?include=use".to_owned()] {
        assert_eq!(verifier.rest("GET", &path, Value::Null).await.refusal(), (403, "FORBIDDEN", None), "{path}");
    }
}

#[tokio::test]
async fn r14_every_token_of_a_page_has_its_own_users() {
    let server = Server::start().await;
    for number in 1..=5 {
        let token = token(&server).await;
        let rotated = token.client.with(token.client.rotate().await.unwrap());
        present(&rotated, &format!("203.0.{number}.1"), &format!("agent{number}/1")).await;
    }
    let query = format!(
        "{{ apiTokens(filter: {{ name: \"n\" }}, orderBy: {{ field: NAME, direction: ASC }}) {{ edges {{ node {{ id name values {{ {USE} }} }} }} }} }}"
    );
    let answer = server.admin.ask(&query).await;
    let graphql: Vec<&Value> =
        answer.body["data"]["apiTokens"]["edges"].as_array().unwrap().iter().map(|edge| &edge["node"]).collect();
    let named: Vec<&&Value> = graphql.iter().filter(|node| node["name"] == "n").collect();
    assert_eq!(named.len(), 5);
    let mut agents: Vec<&str> =
        named.iter().map(|node| node["values"][0]["users"][0]["userAgent"].as_str().unwrap()).collect();
    agents.sort_unstable();
    assert_eq!(agents, ["agent1", "agent2", "agent3", "agent4", "agent5"]);
    let rest = server.admin.rest("GET", "/api-tokens?name=n&orderBy=name&include=use", Value::Null).await;
    let rest = rest.body["data"].as_array().unwrap().iter().filter(|token| token["name"] == "n");
    for (rest, graphql) in rest.zip(named) {
        assert_eq!(rest["values"][0]["users"], graphql["values"][0]["users"]);
    }
    let without = server.admin.rest("GET", "/api-tokens", Value::Null).await;
    assert_eq!(without.body["data"][0]["values"][0].get("users"), None);
    let misspelt = server.admin.rest("GET", "/api-tokens/self?include=users", Value::Null).await;
    assert_eq!(misspelt.refusal(), (400, "BAD_USER_INPUT", Some("include")));
}
