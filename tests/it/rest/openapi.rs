//! `GET /openapi.json`: it says what the REST endpoints are, neither more nor less.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::server::Server;

/// Addresses that are described elsewhere: pages, and the endpoints that have a language of their own.
const ELSEWHERE: &[&str] =
    &["/", "/favicon.ico", "/schema.graphql", "/metrics", "/playground", "/playground/", "/playground/{*path}"];
/// Addresses that are described and answered before the router is asked.
const BEFORE_ROUTES: [&str; 2] = ["/verify", "/introspect"];

const METHODS: [&str; 7] = ["get", "post", "put", "patch", "delete", "options", "trace"];

async fn document(server: &Server) -> Value {
    let answer = server.anonymous().rest("GET", "/openapi.json", Value::Null).await;
    assert_eq!((answer.status, answer.header("Content-Type")), (200, Some("application/json")));
    answer.body
}

/// Every address that the sources give to the router.
fn routed(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            routed(&path, found);
            continue;
        }
        let text = std::fs::read_to_string(path).unwrap();
        // What is called by a name is no route, but of an endpoint that is before them.
        let routes = text.split(".route(").skip(1).filter_map(|call| call.trim_start().strip_prefix('"'));
        found.extend(routes.map(|route| route.split('"').next().unwrap().to_owned()));
    }
}

fn keys(value: &Value) -> BTreeSet<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

/// The fields of a type or of an input of the GraphQL schema, or the names of an enum.
fn fields_of<'a>(sdl: &'a str, heading: &str) -> BTreeSet<&'a str> {
    let body =
        sdl.split(&format!("\n{heading} ")).nth(1).unwrap().split_once("{\n").unwrap().1.split("\n}").next().unwrap();
    // What stands between two marks is a description.
    let code = body.split("\"\"\"").step_by(2);
    code.flat_map(str::lines)
        .map(|line| line.trim().split([':', '(']).next().unwrap())
        .filter(|name| !name.is_empty())
        .collect()
}

#[tokio::test]
async fn every_route_is_described_and_everything_described_is_a_route() {
    let server = Server::start().await;
    let document = document(&server).await;
    let mut routes = BTreeSet::new();
    routed(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/http"), &mut routes);
    let described: BTreeSet<String> = keys(&document["paths"]).into_iter().map(str::to_owned).collect();
    routes.extend(BEFORE_ROUTES.map(str::to_owned));
    let elsewhere = ELSEWHERE.iter().map(|path| (*path).to_owned()).collect();
    assert_eq!(routes, described.union(&elsewhere).cloned().collect());

    // The router itself says which methods an address answers.
    for path in described {
        let answer = server.admin.rest("PATCH", &path.replace("{id}", "self"), Value::Null).await;
        if path == "/verify" {
            assert_eq!(answer.status, 200, "a gateway sends its client's method");
            continue;
        }
        assert_eq!(answer.status, 405, "{path}");
        let allowed: BTreeSet<String> =
            answer.header("Allow").unwrap().split(',').map(|method| method.trim().to_lowercase()).collect();
        let mut methods: BTreeSet<String> = keys(&document["paths"][&path]).into_iter().map(str::to_owned).collect();
        if methods.contains("get") {
            methods.insert("head".to_owned());
        }
        assert_eq!(methods, allowed, "{path}");
    }
}

#[tokio::test]
async fn every_order_has_a_name_in_generated_code() {
    let document = document(&Server::start().await).await;
    let orders = &document["components"]["schemas"]["APITokenOrder"];
    assert_eq!(orders["enum"].as_array().unwrap().len(), orders["x-enum-varnames"].as_array().unwrap().len());
    assert_eq!((&orders["enum"][1], &orders["x-enum-varnames"][1]), (&json!("-createdAt"), &json!("CREATED_AT_DESC")));
}

/// What generators look for in the field itself: its description, and what an object may have.
#[tokio::test]
async fn every_field_is_described_in_its_place_and_no_object_of_an_answer_is_empty() {
    let server = Server::start().await;
    let document = document(&server).await;
    let mut fields = 0;
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        for (field, schema) in schema["properties"].as_object().into_iter().flatten() {
            fields += 1;
            assert!(schema["description"].is_string() || !schema["const"].is_null(), "{name}.{field}: {schema}");
            let is_empty = schema["properties"].is_null() && schema["additionalProperties"].is_null();
            assert!(schema["type"] != json!("object") || !is_empty, "{name}.{field}: {schema}");
        }
    }
    assert!(fields > 200, "{fields}");
}

#[tokio::test]
async fn the_document_is_openapi_3_1_in_shape_and_every_reference_resolves() {
    let server = Server::start().await;
    let document = document(&server).await;
    assert_eq!(document["openapi"], json!("3.1.0"));
    assert!(document["info"]["title"].is_string() && document["info"]["version"].is_string());
    assert_eq!(document["security"], json!([{ "apiKey": [] }, { "bearer": [] }]));
    let schemes = &document["components"]["securitySchemes"];
    assert_eq!((&schemes["apiKey"]["in"], &schemes["apiKey"]["name"]), (&json!("header"), &json!("X-API-Key")));
    assert_eq!((&schemes["bearer"]["type"], &schemes["bearer"]["scheme"]), (&json!("http"), &json!("bearer")));

    let mut operations = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let shown = format!("{method} {path}");
            assert!(METHODS.contains(&method.as_str()), "{shown}");
            assert!(operations.insert(operation["operationId"].as_str().unwrap()), "{shown}");
            assert!(operation["summary"].is_string(), "{shown}");
            let none = Vec::new();
            let parameters = operation["parameters"].as_array().unwrap_or(&none);
            let in_path = parameters.iter().filter(|parameter| parameter["in"] == json!("path"));
            assert!(
                in_path.clone().all(|parameter| parameter["required"] == json!(true)),
                "a part of the path may be left out: {shown}"
            );
            let named: Vec<String> = in_path.map(|it| format!("{{{}}}", it["name"].as_str().unwrap())).collect();
            let parts: Vec<&str> = path.split('/').filter(|part| part.starts_with('{')).collect();
            assert_eq!(named, parts, "{shown}");
            let error = match path.as_str() {
                "/verify" => "VerifyError",
                "/introspect" => "OAuthError",
                _ => "Error",
            };
            for (status, response) in operation["responses"].as_object().unwrap() {
                let reference = response["$ref"].as_str().map(|reference| reference.trim_start_matches('#'));
                let response = reference.map_or(response, |reference| document.pointer(reference).unwrap());
                assert!(response["description"].is_string(), "{shown} {status}");
                if (status.starts_with('4') || status.starts_with('5')) && !path.ends_with('z') {
                    let schema = &response["content"]["application/json"]["schema"]["$ref"];
                    assert_eq!(schema, &json!(format!("#/components/schemas/{error}")), "{shown} {status}");
                }
                let header = |name: &str| !response["headers"][name].is_null();
                assert!(header("Retry-After") || status != "503" || *path == "/readyz", "{shown} {status}");
                assert!(header("WWW-Authenticate") || status != "401", "{shown} {status}");
            }
        }
    }

    let mut references = BTreeSet::new();
    collect(&document, &mut references);
    assert!(references.len() > 10, "{references:?}");
    for reference in &references {
        assert!(document.pointer(reference.strip_prefix('#').unwrap()).is_some(), "{reference} leads nowhere");
    }
    let schemas = keys(&document["components"]["schemas"]);
    let unused: Vec<_> =
        schemas.iter().filter(|name| !references.contains(format!("#/components/schemas/{name}").as_str())).collect();
    assert_eq!(unused, Vec::<&&str>::new());
}

fn collect<'a>(value: &'a Value, found: &mut BTreeSet<&'a str>) {
    match value {
        Value::Object(fields) => {
            found.extend(fields.get("$ref").and_then(Value::as_str));
            fields.values().for_each(|value| collect(value, found));
        }
        Value::Array(items) => items.iter().for_each(|value| collect(value, found)),
        _ => {}
    }
}

#[tokio::test]
async fn the_rest_endpoints_use_the_names_of_the_graphql_schema() {
    let server = Server::start().await;
    let document = document(&server).await;
    let schemas = &document["components"]["schemas"];
    let sdl = rotakey::graphql::sdl();
    for (heading, schema, but) in [
        ("type APIToken", "APIToken", None),
        ("type APITokenValue", "APITokenValue", None),
        ("type Actor", "Actor", None),
        ("type PageInfo", "PageInfo", None),
        ("input CreateAPITokenInput", "CreateAPITokenInput", None),
        ("input ImportAPITokenInput", "ImportAPITokenInput", None),
        ("type APITokenImport", "APITokenImport", None),
        ("input UpdateAPITokenInput", "UpdateAPITokenInput", Some("id")),
        ("type MetadataEntry", "MetadataEntry", None),
        ("type APITokenRetirementRehearsal", "APITokenRetirementRehearsal", None),
        ("type APITokenRotationRehearsal", "APITokenRotationRehearsal", None),
        ("input RotateAPITokenInput", "RotateAPITokenInput", Some("id")),
        ("input ReviveAPITokenInput", "ReviveAPITokenInput", Some("id")),
        ("input SuspendAPITokenInput", "SuspendAPITokenInput", Some("id")),
        ("input VerifyAPITokenInput", "VerifyAPITokenInput", None),
        ("type APITokenVerification", "APITokenVerification", None),
        // Only GraphQL has the field that is deprecated.
        ("type AuditEvent", "AuditEvent", Some("result")),
        ("type Webhook", "Webhook", None),
        ("type WebhookDelivery", "WebhookDelivery", None),
        ("type CreateWebhookOutput", "IssuedWebhook", None),
        ("input CreateWebhookInput", "CreateWebhookInput", None),
        ("input UpdateWebhookInput", "UpdateWebhookInput", Some("id")),
        ("input RotateWebhookSecretInput", "RotateWebhookSecretInput", Some("id")),
    ] {
        let mut fields = fields_of(&sdl, heading);
        assert!(but.is_none_or(|name| fields.remove(name)), "{heading}");
        assert_eq!(keys(&schemas[schema]["properties"]), fields, "{heading}");
    }
    for name in [
        "APITokenKind",
        "APITokenStatus",
        "ActorKind",
        "AuditAction",
        "NoticeKind",
        "OverlapStart",
        "Permission",
        "LeakPolicy",
        "ReusePolicy",
        "VerificationCode",
        "WebhookDeliveryStatus",
        "WebhookDisabledBecause",
        "WebhookStatus",
    ] {
        let names = schemas[name]["enum"].as_array().unwrap().iter().map(|name| name.as_str().unwrap());
        assert_eq!(names.collect::<BTreeSet<_>>(), fields_of(&sdl, &format!("enum {name}")), "{name}");
    }
}
