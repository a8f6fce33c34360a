//! Objects that are written as JSON at once have the same answers as those that the library resolves. An inline fragment in a selection
//! set leaves it to the library.

use fastrand::Rng;
use serde_json::json;

use crate::support::client::Client;
use crate::support::server::Server;

const ROUNDS: usize = 60;
const FIELDS: [&str; 25] = [
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
    "protected",
    "revokedAt",
    "value",
    "metadata { key value }",
    "createdBy { kind id }",
];

async fn text(client: &Client, query: &str) -> String {
    let answer = client.request("POST", "/graphql").json(&json!({ "query": query })).send().await.unwrap();
    answer.text().await.unwrap()
}

/// Some of these, in any order, and at times under another name.
fn some(random: &mut Rng, fields: &[&str]) -> String {
    let mut fields: Vec<String> = fields.iter().map(|field| (*field).to_owned()).collect();
    random.shuffle(&mut fields);
    fields.truncate(random.usize(1..=fields.len()));
    for (number, field) in fields.iter_mut().enumerate() {
        if random.u8(..4) == 0 {
            *field = format!("a{number}: {field}");
        }
    }
    fields.join(" ")
}

/// A page of tokens and single tokens. `library` is whether each selection set has a fragment.
fn query(random: &mut Rng, id: &str, library: bool) -> String {
    let within =
        |name: &str, fields: &str| if library { format!("... on {name} {{ {fields} }}") } else { fields.to_owned() };
    let token = within("APIToken", &some(random, &FIELDS));
    let edge = within("APITokenEdge", &some(random, &["cursor", "__typename", &format!("node {{ {token} }}")]));
    let info = ["hasNextPage", "hasPreviousPage", "startCursor", "endCursor", "__typename"];
    let info = within("PageInfo", &some(random, &info));
    let nodes = format!("nodes {{ {} }}", within("APIToken", &some(random, &FIELDS)));
    let parts = [&format!("edges {{ {edge} }}"), "__typename", &format!("pageInfo {{ {info} }}"), &nodes];
    let page = within("APITokenConnection", &some(random, &parts));
    let arguments =
        random.choice(["first: 3", "last: 2", "first: 2, orderBy: { field: NAME, direction: DESC }"]).unwrap();
    format!(
        r#"{{ __typename apiTokens({arguments}) {{ {page} }} apiToken(id: "{id}") {{ {token} }} currentAPIToken {{ {token} }} }}"#
    )
}

#[tokio::test]
async fn what_is_written_is_what_the_library_answers() {
    let server = Server::start().await;
    let input = json!({ "name": "n \"quoted\" ü€", "owner": "a\\b", "scopes": ["read", "w/<&>'"],
        "permissions": ["API_TOKEN_READ", "AUDIT_LOG_READ"], "rotationPeriodMinutes": 30, "overlapMinutes": 5,
        "metadata": [{ "key": "team", "value": "a \"b\" ü" }, { "key": "region", "value": "" }],
        "description": "one\ntwo\tthree" });
    let full = server.admin.create(input).await.unwrap();
    for number in 0..3 {
        server.admin.create(json!({ "name": format!("n{number}") })).await.unwrap();
    }
    server.admin.revoke(&full.id).await.unwrap();
    let mut random = Rng::with_seed(1);
    for _ in 0..ROUNDS {
        let (written, resolved) = (query(&mut random.clone(), &full.id, false), query(&mut random, &full.id, true));
        let (written_answer, resolved_answer) =
            (text(&server.admin, &written).await, text(&server.admin, &resolved).await);
        assert!(!written_answer.contains("errors"), "{written_answer}");
        assert_eq!(written_answer, resolved_answer, "{written}");
    }
}

#[tokio::test]
async fn an_issued_value_is_written_where_it_is_asked_for_and_nowhere_else() {
    let server = Server::start().await;
    let holder = server.admin.create(json!({ "name": "n" })).await.unwrap().client;
    let answer =
        text(&holder, "mutation { rotateAPIToken { cancelledGeneration token { v: value generation } __typename } }")
            .await;
    let value = answer.split(r#""v":""#).nth(1).and_then(|rest| rest.split('"').next()).unwrap();
    let expected = format!(
        r#"{{"data":{{"rotateAPIToken":{{"cancelledGeneration":null,"token":{{"v":"{value}","generation":2}},"__typename":"RotateAPITokenOutput"}}}}}}"#
    );
    assert_eq!(answer, expected);
    assert_eq!(text(&holder.with(value), "{ __typename currentAPIToken { value } }").await.matches("null").count(), 1);
    let create = r#"mutation { createAPIToken(input: { name: "made" }) { __typename token { name value } } }"#;
    let answer = text(&server.admin, create).await;
    let start = r#"{"data":{"createAPIToken":{"__typename":"CreateAPITokenOutput","token":{"name":"made","value":"rk_"#;
    assert!(answer.starts_with(start), "{answer}");
}
