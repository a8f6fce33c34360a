//! `schema.graphql`, from which clients are generated.

use std::path::Path;

use serde_json::Value;

use crate::support::server::Server;

fn committed() -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("schema.graphql")).unwrap()
}

#[test]
fn the_committed_schema_is_what_the_code_says() {
    assert!(committed() == rotakey::graphql::sdl(), "schema.graphql is not what the code says; run: make schema");
}

#[tokio::test]
async fn the_server_serves_the_committed_schema() {
    let server = Server::start().await;
    let answer = server.anonymous().request("GET", "/schema.graphql").send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.text().await.unwrap(), committed());
}

/// The names of all that the introspected schema holds without a description, but for the language's own.
fn undescribed(within: &str, described: &Value, found: &mut Vec<String>) {
    let name = format!("{within}.{}", described["name"].as_str().unwrap());
    if described["description"].as_str().is_none_or(|text| !text.ends_with(['.', '`'])) {
        found.push(name.clone());
    }
    for part in ["fields", "inputFields", "enumValues", "args"] {
        described[part].as_array().into_iter().flatten().for_each(|part| undescribed(&name, part, found));
    }
}

#[tokio::test]
async fn everything_in_the_schema_says_what_it_is() {
    let server = Server::start().await;
    let query = "{ __schema { types { name description specifiedByURL kind inputFields { name description }
        fields(includeDeprecated: true) { name description deprecationReason isDeprecated args { name description } }
        enumValues(includeDeprecated: true) { name description } } } }";
    let answer = server.anonymous().ask(query).await;
    let own = |ty: &&Value| {
        !["__", "Boolean", "Float", "ID", "Int", "String"]
            .iter()
            .any(|name| ty["name"].as_str().unwrap().starts_with(name))
    };
    let types: Vec<&Value> = answer.body["data"]["__schema"]["types"].as_array().unwrap().iter().filter(own).collect();
    let mut found = Vec::new();
    types.iter().for_each(|ty| undescribed("", ty, &mut found));
    assert_eq!(found, Vec::<String>::new());
    for scalar in types.iter().filter(|ty| ty["kind"] == "SCALAR") {
        assert!(scalar["specifiedByURL"].is_string(), "{scalar}");
    }
}

#[tokio::test]
async fn every_object_is_found_by_its_id() {
    let server = Server::start().await;
    let ids = server.admin.ask("{ currentAPIToken { id } auditEvents(first: 1) { edges { node { id } } } }").await;
    let token = ids.body["data"]["currentAPIToken"]["id"].clone();
    let event = ids.body["data"]["auditEvents"]["edges"][0]["node"]["id"].clone();
    let query =
        "query($id: ID!) { node(id: $id) { __typename id ... on APIToken { name } ... on AuditEvent { action } } }";
    for (id, kind) in [(token, "APIToken"), (event, "AuditEvent")] {
        let answer = server.admin.graphql(query, serde_json::json!({ "id": id })).await;
        assert_eq!(
            (&answer.body["data"]["node"]["__typename"], &answer.body["data"]["node"]["id"]),
            (&kind.into(), &id)
        );
    }
    for id in ["", "tok_00000000000000000000000000", "evt_00000000000000000000000000"] {
        let answer = server.admin.graphql(query, serde_json::json!({ "id": id })).await;
        assert_eq!((answer.code(), answer.field()), (Some("NOT_FOUND"), Some("id")), "{id}");
    }
    let reader =
        server.admin.create(serde_json::json!({ "name": "reader", "permissions": ["API_TOKEN_READ"] })).await.unwrap();
    let event = ids.body["data"]["auditEvents"]["edges"][0]["node"]["id"].clone();
    assert_eq!(reader.client.graphql(query, serde_json::json!({ "id": event })).await.code(), Some("FORBIDDEN"));
}
