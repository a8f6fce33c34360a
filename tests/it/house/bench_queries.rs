//! The documents of the benchmarks that run only when they are named are valid: nothing else would notice that a field was renamed.

use std::fs;
use std::path::Path;

use serde_json::json;

use crate::support::server::Server;

#[tokio::test]
async fn the_server_executes_the_documents_of_the_long_benchmarks() {
    let server = Server::start().await;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/load/scale");
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let documents: Vec<_> = paths.filter(|path| path.extension().is_some_and(|ending| ending == "graphql")).collect();
    assert_eq!(documents.len(), 2, "{documents:?}");
    for path in documents {
        let body = json!({ "query": fs::read_to_string(&path).unwrap(), "variables": { "first": 1 } });
        let answer = server.admin.rest("POST", "/graphql", body).await;
        assert!(answer.body["errors"].is_null(), "{}: {}", path.display(), answer.body);
    }
}
