//! Metadata: kept as it is given, replaced as a whole, and answered by every verification.

use nix::sys::signal::Signal;
use sea_orm::{ConnectionTrait, Statement};
use serde_json::{Value, json};

use crate::support::client::{Answer, Client, Created};
use crate::support::database::TestDatabase;
use crate::support::process::Process;
use crate::support::server::Server;

/// Names of teams in several scripts, one beyond the first plane of Unicode.
const TEAM: &str = "Zahlungen \"A\" & 日本 \u{1F511}";

async fn create(server: &Server) -> Created {
    let metadata = json!([{ "key": "team", "value": TEAM }, { "key": "region", "value": "" }]);
    let input = json!({ "name": "n", "scopes": ["read"], "metadata": metadata });
    server.admin.create(input).await.unwrap()
}

fn pairs() -> Value {
    json!([{ "key": "region", "value": "" }, { "key": "team", "value": TEAM }])
}

async fn get(client: &Client, path: &str) -> Answer {
    Answer::of(client.request("GET", path).send().await.unwrap()).await
}

#[tokio::test]
async fn an_update_replaces_all_pairs_and_one_without_metadata_none() {
    let server = Server::start().await;
    let token = create(&server).await;
    let shown = async || {
        server.admin.rest("GET", &format!("/api-tokens/{}", token.id), Value::Null).await.body["metadata"].clone()
    };
    assert_eq!(shown().await, pairs());
    server.admin.update(json!({ "id": token.id, "name": "m" })).await.unwrap();
    assert_eq!(shown().await, pairs());
    let other = json!([{ "key": "stage", "value": "test" }]);
    server.admin.update(json!({ "id": token.id, "metadata": other })).await.unwrap();
    assert_eq!(shown().await, other);
    server.admin.update(json!({ "id": token.id, "metadata": [] })).await.unwrap();
    assert_eq!(shown().await, json!([]));
}

#[tokio::test]
async fn what_is_no_metadata_is_refused() {
    let server = Server::start().await;
    let value = server.admin.value.clone().unwrap();
    let pair = |key: &str, value: &str| json!({ "key": key, "value": value });
    for metadata in [
        json!([pair("a", "1"), pair("a", "2")]),
        json!([pair("two words", "")]),
        json!([pair("a", "two\nlines")]),
        json!([pair("a", &value)]),
    ] {
        let input = json!({ "name": "n", "metadata": metadata });
        let answer = server.admin.rest("POST", "/api-tokens", input.clone()).await;
        assert_eq!(answer.refusal(), (400, "BAD_USER_INPUT", Some("metadata")), "{metadata}");
        assert_eq!(server.admin.create(input).await.err().as_deref(), Some("BAD_USER_INPUT"), "{metadata}");
    }
    for metadata in
        [json!({ "a": "1" }), json!([["a", "1"]]), json!([{ "key": "a" }]), json!([{ "key": "a", "value": 1 }])]
    {
        let answer = server.admin.rest("POST", "/api-tokens", json!({ "name": "n", "metadata": metadata })).await;
        assert_eq!(answer.refusal(), (400, "BAD_USER_INPUT", Some("metadata")), "{metadata}");
    }
}

#[tokio::test]
async fn every_verification_answers_it_to_those_who_ask() {
    let server = Server::start().await;
    let (token, plain) = (create(&server).await, server.admin.create(json!({ "name": "n" })).await.unwrap());
    let query =
        "query($input: VerifyAPITokenInput!) { verifyAPIToken(input: $input) { token { metadata { key value } } } }";
    let answer = server.admin.graphql(query, json!({ "input": { "value": token.client.value } })).await;
    assert_eq!(answer.body["data"]["verifyAPIToken"]["token"]["metadata"], pairs());

    for (client, expected) in [(&token.client, json!({ "region": "", "team": TEAM })), (&plain.client, Value::Null)] {
        let form = format!("token={}", client.value.as_ref().unwrap());
        let request = server.admin.request("POST", "/introspect");
        let request = request.header("Content-Type", "application/x-www-form-urlencoded").body(form);
        let answer = Answer::of(request.send().await.unwrap()).await;
        assert_eq!(answer.body["rotakey_metadata"], expected);
    }

    // Twice, so that the second answer comes from the cache.
    for _ in 0..2 {
        for path in ["/verify?metadata=true", "/verify?scope=read&metadata=true"] {
            let answer = get(&token.client, path).await;
            let header = answer.header("X-Token-Metadata").unwrap();
            assert!(header.is_ascii(), "{header}");
            assert_eq!(serde_json::from_str::<Value>(header).unwrap(), json!({ "region": "", "team": TEAM }));
            assert_eq!(answer.header("X-Token-Id"), Some(token.id.as_str()));
        }
        assert_eq!(get(&plain.client, "/verify?metadata=true").await.header("X-Token-Metadata"), Some("{}"));
        for path in ["/verify", "/verify?metadata=false", "/verify/?metadata=true"] {
            assert_eq!(get(&token.client, path).await.header("X-Token-Metadata"), None, "{path}");
        }
    }
    for query in ["metadata", "metadata=1", "metadata=TRUE", "metadata=true&metadata=true", "meta=true"] {
        assert_eq!(get(&token.client, &format!("/verify?{query}")).await.status, 400, "{query}");
    }
}

#[tokio::test]
async fn a_clone_has_the_metadata_of_the_other_token_unless_it_is_given_its_own() {
    let server = Server::start().await;
    let token = create(&server).await;
    let own = json!([{ "key": "stage", "value": "test" }]);
    for (given, expected) in [(Value::Null, pairs()), (json!([]), json!([])), (own.clone(), own)] {
        let input = json!({ "name": "clone", "cloneSettingsFrom": token.id, "metadata": given });
        let answer = server.admin.rest("POST", "/api-tokens", input).await;
        assert_eq!(answer.body["metadata"], expected, "{given}");
    }
    // A rotation keeps it, also where the new value is verified first.
    let rotated = token.client.with(token.client.rotate().await.unwrap());
    let header = get(&rotated, "/verify?metadata=true").await.header("X-Token-Metadata").unwrap().to_owned();
    assert_eq!(serde_json::from_str::<Value>(&header).unwrap()["team"], TEAM);
}

#[tokio::test]
async fn the_table_of_pairs_has_those_of_every_token_and_no_others() {
    let server = Server::start().await;
    let connection = server.database.connect().await;
    let found = async || {
        let sql = "SELECT key, value, token_id FROM api_token_metadata ORDER BY key, value, token_id";
        let rows = connection.query_all_raw(Statement::from_string(connection.get_database_backend(), sql)).await;
        let text = |row: &sea_orm::QueryResult, place| row.try_get_by_index::<String>(place).unwrap();
        let rows = rows.unwrap();
        rows.iter().map(|row| [0, 1, 2].map(|place| text(row, place))).collect::<Vec<_>>()
    };
    let one = create(&server).await.id;
    server.clock.advance(1);
    let two = create(&server).await.id;
    server.admin.create(json!({ "name": "none" })).await.unwrap();
    let row = |key: &str, value: &str, id: &str| [key.to_owned(), value.to_owned(), id.to_owned()];
    let of_two = [row("region", "", &two), row("team", TEAM, &two)];
    let of_one = [row("region", "", &one), row("team", TEAM, &one)];
    assert_eq!(found().await, [&of_one[0], &of_two[0], &of_one[1], &of_two[1]].map(Clone::clone));
    // Twice, so that a change of nothing is one of them; one pair stays, one changes and one is new.
    let changed =
        json!([{ "key": "region", "value": "" }, { "key": "team", "value": "b" }, { "key": "a", "value": "{}" }]);
    for _ in 0..2 {
        server.admin.update(json!({ "id": one, "metadata": changed })).await.unwrap();
        let mut expected = [row("a", "{}", &one), row("region", "", &one), row("team", "b", &one)].to_vec();
        expected.extend(of_two.clone());
        expected.sort();
        assert_eq!(found().await, expected);
    }
    server.admin.update(json!({ "id": one, "metadata": [] })).await.unwrap();
    assert_eq!(found().await, of_two);
    // No version deletes tokens, but an operator may.
    let delete =
        format!("DELETE FROM api_token_value WHERE token_id = '{two}'; DELETE FROM api_token WHERE id = '{two}'");
    connection.execute_unprepared(&delete).await.unwrap();
    assert!(found().await.is_empty());
    connection.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn no_metadata_is_in_the_log() {
    let database = TestDatabase::new().await;
    let server = Process::serve(&database.folder(), &database.url);
    let admin = server.client().with(server.first_value());
    let metadata = json!([{ "key": "secretive-key", "value": "secretive-value" }]);
    let token = admin.create(json!({ "name": "n", "metadata": metadata })).await.unwrap();
    admin.update(json!({ "id": token.id, "metadata": [] })).await.unwrap();
    admin.update(json!({ "id": token.id, "metadata": metadata })).await.unwrap();
    let doubled = json!([metadata[0], metadata[0]]);
    let refused = admin.update(json!({ "id": token.id, "metadata": doubled })).await;
    assert_eq!(refused.err().as_deref(), Some("BAD_USER_INPUT"));
    for path in ["/verify?metadata=true", "/verify?metadata=secretive-value", "/verify?secretive-key=true"] {
        get(&token.client, path).await;
    }
    server.signal(Signal::SIGTERM);
    let (status, stdout, stderr) = server.ended();
    assert!(status.success() && stderr.contains("answered"), "{stderr}");
    assert!(!stdout.contains("secretive") && !stderr.contains("secretive"), "{stderr}");
}

#[tokio::test]
async fn a_rest_listing_repeats_the_parameter_for_each_pair() {
    let server = Server::start().await;
    let token = create(&server).await;
    let team = url::form_urlencoded::byte_serialize(TEAM.as_bytes()).collect::<String>();
    let input = json!({ "name": "n", "metadata": [{ "key": "a", "value": "1,b=2" }] });
    let other = server.admin.create(input).await.unwrap();
    for (query, expected) in [
        (format!("metadata=team={team}"), vec![&token.id]),
        (format!("metadata=team%3D{team}&metadata=region="), vec![&token.id]),
        (format!("metadata=team={team}&metadata=region=eu"), vec![]),
        ("metadata=a=1,b=2&orderBy=name".to_owned(), vec![&other.id]),
    ] {
        let page = server.admin.rest("GET", &format!("/api-tokens?{query}"), Value::Null).await;
        let data = page.body["data"].as_array().unwrap_or_else(|| panic!("{query}: {}", page.body));
        assert_eq!(data.iter().map(|token| token["id"].as_str().unwrap()).collect::<Vec<_>>(), expected, "{query}");
    }
}
