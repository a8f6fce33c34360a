//! `schema.graphql`, from which clients are generated.

use std::path::Path;

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
