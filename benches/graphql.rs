//! The cost of a GraphQL request without the network, with the document cache and without it.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a benchmark fails by panicking")]

use std::sync::Arc;

use divan::{Bencher, black_box};
use rotakey::app;
use rotakey::clock::SystemClock;
use rotakey::config::DatabaseFlags;
use rotakey::entropy::SystemEntropy;
use rotakey::graphql::{GraphqlEngine, Request, Session, Settings};
use rotakey::service::{Policy, RequestContext};
use serde_json::{Map, Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;

const TYPENAME: &str = "{ __typename }";
const VERIFY: &str = "query verify($input: VerifyAPITokenInput!) {
  verifyAPIToken(input: $input) { valid code token { id owner scopes } }
}";

fn main() {
    divan::main();
}

/// The GraphQL engine on a database with one token, and a session of that token.
struct Fixture {
    engine: GraphqlEngine,
    session: Arc<Session>,
    variables: Map<String, Value>,
    runtime: Runtime,
    _folder: TempDir,
}

impl Fixture {
    fn new(cached_documents: usize) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let database_url = format!("sqlite://{}", folder.path().join("rotakey.db").display());
        let url = DatabaseFlags { database_url }.validate().unwrap();
        let (engine, session, variables) = runtime.block_on(async {
            let (clock, entropy) = (Arc::new(SystemClock), Arc::new(SystemEntropy));
            let service = app::open(&url, clock, entropy, Policy::default()).await.unwrap();
            let value = service.bootstrap().await.unwrap().value;
            let caller = service.authenticate(value.expose(), RequestContext::default()).await.unwrap();
            let session = Session { caller: Some(caller), ..Session::default() };
            let settings = Settings { cached_documents, ..Settings::default() };
            let Value::Object(variables) = json!({ "input": { "value": value.expose() } }) else { panic!() };
            (GraphqlEngine::new(service, settings).unwrap(), Arc::new(session), variables)
        });
        Self { engine, session, variables, runtime, _folder: folder }
    }

    fn bench(&self, bencher: Bencher, query: &str, variables: &Map<String, Value>) {
        bencher.bench_local(|| {
            let request = Request {
                query: Some(query.to_owned()),
                variables: black_box(variables).clone(),
                ..Request::default()
            };
            self.runtime.block_on(self.engine.answer(request, &self.session)).ok().unwrap()
        });
    }
}

/// The smallest possible document.
#[divan::bench(args = [1_000, 0])]
fn typename(bencher: Bencher, cached_documents: usize) {
    Fixture::new(cached_documents).bench(bencher, TYPENAME, &Map::new());
}

/// A document that reads one token.
#[divan::bench(args = [1_000, 0])]
fn verify_api_token(bencher: Bencher, cached_documents: usize) {
    let fixture = Fixture::new(cached_documents);
    fixture.bench(bencher, VERIFY, &fixture.variables);
}
