//! What the database cannot do at the moment is UNAVAILABLE with a time after which to retry, at every endpoint.

use rotakey::store;
use sea_orm::{ConnectionTrait, DatabaseConnection};
use serde_json::{Value, json};

use crate::support::client::{Answer, Client, Created};
use crate::support::server::Server;
use crate::support::verification::{FORM, Question};

/// States of PostgreSQL that pass: read-only, in recovery, shutting down, starting up, too many connections, disk full, out of
/// memory, serialization failure, deadlock, lock not available, I/O error.
const PASSING: [&str; 10] = ["25006", "57P01", "57P03", "53300", "53100", "53200", "40001", "40P01", "55P03", "58030"];

/// Lets every write fail from now on: on PostgreSQL with this code, on SQLite because another process writes.
async fn block(server: &Server, connection: &DatabaseConnection, code: &str) {
    let sql = if server.database.is_sqlite() {
        "BEGIN IMMEDIATE".to_owned()
    } else {
        format!(
            "CREATE OR REPLACE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS
                 $$ BEGIN RAISE EXCEPTION 'as the test wants it' USING ERRCODE = '{code}'; END $$;
             CREATE OR REPLACE TRIGGER fail BEFORE INSERT OR UPDATE ON api_token EXECUTE FUNCTION fail()"
        )
    };
    connection.execute_unprepared(&sql).await.unwrap();
}

async fn unblock(server: &Server, connection: &DatabaseConnection) {
    let sql = if server.database.is_sqlite() { "ROLLBACK" } else { "DROP TRIGGER fail ON api_token" };
    connection.execute_unprepared(sql).await.unwrap();
}

/// The answer has the time to retry after in its header, and in its body beside the code.
fn expect_unavailable(what: &str, status: u16, answer: &Answer, error: &Value) {
    assert_eq!(answer.status, status, "{what}: {}", answer.body);
    assert_eq!(answer.header("Retry-After"), Some("1"), "{what}");
    assert_eq!((&error["code"], &error["retryAfterSeconds"]), (&json!("UNAVAILABLE"), &json!(1)), "{what}");
}

async fn introspect(caller: &Client, value: &Client) -> Answer {
    let form = format!("token={}", value.value.as_deref().unwrap());
    let request = caller.request("POST", "/introspect").header("Content-Type", FORM).body(form);
    Answer::of(request.send().await.unwrap()).await
}

async fn stream(client: &Client) -> Answer {
    let body = json!({ "query": "subscription { auditEvents { id } }" });
    let request = client.request("POST", "/graphql").header("Accept", "text/event-stream").json(&body);
    Answer::of(request.send().await.unwrap()).await
}

#[tokio::test]
async fn a_transient_error_is_unavailable_with_a_retry_time_at_every_endpoint() {
    let server = Server::start().await;
    let connection = server.database.connect().await;
    let codes = if server.database.is_sqlite() { &["busy"][..] } else { &PASSING[..] };
    for code in codes {
        let mut fresh: Vec<Created> = Vec::new();
        for _ in 0..6 {
            let input = json!({ "name": "n", "rotationPeriodMinutes": 60 });
            fresh.push(server.admin.create(input).await.unwrap());
        }
        let [graphql, rest, glean, verified, introspected, streamed] = [0, 1, 2, 3, 4, 5].map(|at| &fresh[at].client);
        block(&server, &connection, code).await;
        // To recognise any of these is to write down the first use of its value.
        let create = "mutation { createAPIToken(input: { name: \"x\" }) { token { id } } }";
        let (created, rotated, listed, glean, verified, introspected, streamed) = tokio::join!(
            server.admin.ask(create),
            graphql.ask(crate::support::client::ROTATE),
            rest.rest("GET", "/api-tokens/self", Value::Null),
            glean.rest("POST", "/rotatetoken", Value::Null),
            Question::of(verified).ask(verified, "/verify"),
            introspect(&server.admin, introspected),
            stream(streamed),
        );
        unblock(&server, &connection).await;
        expect_unavailable("create", 200, &created, &created.body["errors"][0]["extensions"]);
        let status = if rotated.body.get("data").is_some() { 200 } else { 503 };
        expect_unavailable("rotate", status, &rotated, &rotated.body["errors"][0]["extensions"]);
        expect_unavailable("stream", 503, &streamed, &streamed.body["errors"][0]["extensions"]);
        for (what, answer) in
            [("rest", listed), ("rotatetoken", glean), ("verify", verified), ("introspect", introspected)]
        {
            expect_unavailable(what, 503, &answer, &answer.body);
        }
        assert_eq!(server.admin.ask(create).await.code(), None, "{code}");
    }
}

/// So that nothing else counts as transient.
#[tokio::test]
async fn a_permanent_error_is_not_unavailable() {
    let server = Server::start().await;
    let connection = server.database.connect().await;
    let failed = connection.execute_unprepared("SELECT nothing").await.unwrap_err();
    assert!(matches!(store::Error::from(failed), store::Error::Refused(_)));
}
