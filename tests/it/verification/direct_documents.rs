//! The same documents, answered with and without the library that executes GraphQL: hundreds of small ones, made at random. A request
//! with `extensions` goes to the library. Status, headers and every byte of the body are the same.

use fastrand::Rng;
use serde_json::{Value, json};

use crate::support::client::Client;
use crate::support::clock::MINUTE;
use crate::support::server::Server;
use crate::support::spans;

const DOCUMENTS: usize = 800;

/// Fields that are written directly.
const PLAIN: [&str; 27] = [
    "__typename",
    "id",
    "name",
    "description",
    "owner",
    "kind",
    "status",
    "permissions",
    "scopes",
    "generation",
    "createdAt",
    "updatedAt",
    "rotatedAt",
    "lastUsedAt",
    "expiresAt",
    "rotationPeriodMinutes",
    "rotateBy",
    "overlapMinutes",
    "overlapStarts",
    "onReuse",
    "onLeak",
    "protected",
    "revokedAt",
    "suspendedAt",
    "notBefore",
    "metadata { key value }",
    "metadata { of: value __typename }",
];
/// Selections that are left to the library, or are invalid.
const OTHER: [&str; 15] = [
    "value",
    "allowedCIDRBlocks",
    "createdBy { kind id }",
    "updatedBy { id }",
    "values { generation hint }",
    "... { id }",
    "... on APIToken { owner kind }",
    "... on Node { id }",
    "...OfToken",
    "id @include(if: true)",
    "id @skip(if: true)",
    "metadata { key ... { value } }",
    "metadata",
    "nonsense",
    "name { id }",
];

fn selections(random: &mut Rng) -> String {
    let (mut fields, others) = (PLAIN, random.u8(..3) == 0);
    random.shuffle(&mut fields);
    let mut selections: Vec<String> = Vec::new();
    for (number, field) in fields.into_iter().take(random.usize(1..12)).enumerate() {
        let alias = if random.u8(..4) == 0 { format!("a{number}: ") } else { String::new() };
        selections.push(format!("{alias}{field}"));
        if others && random.u8(..4) == 0 {
            selections.push((*random.choice(&OTHER).unwrap()).to_owned());
        }
        // The same key again: the same field, or a conflict.
        if others && random.u8(..8) == 0 {
            selections.push(format!("a{number}: id"));
        }
    }
    selections.join(random.choice([" ", "\n", ", ", " # comment\n"]).unwrap())
}

fn roots(random: &mut Rng) -> String {
    let alias = random.choice(["", "", "me: ", "__me: "]).unwrap();
    let root = |random: &mut Rng| format!("{alias}currentAPIToken {{ {} }}", selections(random));
    match random.u8(..18) {
        0 => format!("{} {}", root(random), root(random)),
        1 => format!("{} __typename", root(random)),
        2 => format!("... {{ {} }}", root(random)),
        3 => "...Roots".to_owned(),
        4 => "currentAPIToken".to_owned(),
        5 => format!("currentAPIToken() {{ {} }}", selections(random)),
        _ => root(random),
    }
}

fn document(random: &mut Rng) -> String {
    let mut document = match random.u8(..12) {
        0 => format!("query Q {{ {} }}", roots(random)),
        1 => format!("query Q {{ {} }} query Other {{ {} }}", roots(random), roots(random)),
        2 => format!("query {{ {} }} mutation M {{ rotateAPIToken {{ token {{ id }} }} }}", roots(random)),
        3 => format!("query Q($unused: Int) {{ {} }}", roots(random)),
        4 => format!("subscription {{ {} }}", roots(random)),
        _ => format!("{{ {} }}", roots(random)),
    };
    if document.contains("...Roots") {
        document += &format!(" fragment Roots on Query {{ currentAPIToken {{ {} }} }}", selections(random));
    }
    if document.contains("...OfToken") {
        document += " fragment OfToken on APIToken { rotateBy scopes }";
    }
    document
}

/// A request whose other parameters are mostly absent.
fn request(random: &mut Rng) -> Value {
    let mut request = json!({ "query": document(random) });
    if random.u8(..4) == 0 {
        let names = [json!(""), json!("Q"), json!("M"), json!("Missing"), json!(1), Value::Null];
        request["operationName"] = random.choice(names).unwrap();
    }
    if random.bool() {
        let given = [json!({}), json!({}), json!({ "unused": 1 }), json!({ "other": null }), json!([]), Value::Null];
        request["variables"] = random.choice(given).unwrap();
    }
    request
}

/// Everything of an answer that a client can see, and whether it was given without waiting.
async fn ask(client: &Client, request: &Value, accept: &str) -> ((u16, Vec<String>, String), bool) {
    let answer = client.request("POST", "/graphql").header("Accept", accept).json(request).send().await.unwrap();
    let is_direct = !spans::waited(answer.headers()["X-Request-Id"].to_str().unwrap());
    let own = ["x-request-id", "date"];
    let headers = answer.headers().iter().filter(|(name, _)| !own.contains(&name.as_str()));
    let mut headers: Vec<_> = headers.map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
    headers.sort();
    ((answer.status().as_u16(), headers, answer.text().await.unwrap()), is_direct)
}

#[tokio::test]
async fn every_document_has_the_same_answer_with_and_without_the_library() {
    let server = Server::start().await;
    let due = server.admin.create(json!({ "name": "due", "rotationPeriodMinutes": 10 })).await.unwrap().client;
    server.clock.set(9 * MINUTE);
    let input = json!({ "name": "n \"quoted\" ü€", "owner": "a\\b", "scopes": ["read", "w/<&>'"],
        "permissions": ["API_TOKEN_READ", "AUDIT_LOG_READ"], "rotationPeriodMinutes": 30, "overlapMinutes": 5,
        "metadata": [{ "key": "team", "value": "a \"b\" ü" }, { "key": "region", "value": "" }],
        "description": "one\ntwo\tthree" });
    let full = server.admin.create(input).await.unwrap().client;
    let new = full.with(full.rotate().await.unwrap());
    let plain = server.admin.create(json!({ "name": "n" })).await.unwrap().client;
    let unknown = plain.with("rk_00000000000000000000000000000000000000000002gL6Az");
    let callers = [full, new, plain, unknown, due];
    for caller in &callers {
        // The first use is written, so that nothing changes any more.
        let _ = caller.check().await;
    }
    server.admin.catch_up().await;
    let (mut random, mut direct) = (Rng::with_seed(1), 0);
    for number in 0..DOCUMENTS {
        let (request, caller) = (request(&mut random), random.choice(&callers).unwrap());
        let accept = random.choice(["*/*", "application/json", "application/graphql-response+json"]).unwrap();
        let mut to_library = request.clone();
        to_library["extensions"] = json!({});
        // It also has the document cached.
        let (expected, was_direct) = ask(caller, &to_library, accept).await;
        assert!(!was_direct);
        let (answer, is_direct) = ask(caller, &request, accept).await;
        assert_eq!(answer, expected, "{number}: {request}");
        direct += usize::from(is_direct);
    }
    assert!(direct > DOCUMENTS / 8, "only {direct} were answered directly");
}
