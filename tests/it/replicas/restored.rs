//! On PostgreSQL: a database that is restored while servers use it. They must not mistake it for the one before.

use std::path::PathBuf;
use std::process::Command;

use rotakey::domain::id::TokenId;
use rotakey::domain::timestamp::Timestamp;
use rotakey::store::Store;
use sea_orm::ConnectionTrait;
use serde_json::json;

use crate::support::clock::START;
use crate::support::database::TestDatabase;
use crate::support::deadline::DEADLINE;
use crate::support::process::Process;

/// A program of PostgreSQL. It must not be older than the server.
fn tool(name: &str, arguments: &[&str]) {
    let versions = std::fs::read_dir("/usr/lib/postgresql").unwrap().map(|entry| entry.unwrap().path().join("bin"));
    let bin: PathBuf = versions.filter(|bin| bin.join(name).exists()).max().unwrap();
    let output = Process::output(Command::new(bin.join(name)).args(arguments));
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: run ./tests/with-postgres"]
async fn on_postgres_a_server_that_runs_on_over_a_restore_answers_nothing_from_the_database_before() {
    let database = TestDatabase::postgres().await;
    let server = Process::serve(&database.folder(), &database.url);
    let admin = server.client().with(server.first_value());
    let old = admin.create(json!({ "name": "old" })).await.unwrap().client;
    let dump = database.folder().join("rotakey.dump");
    let dump = dump.to_str().unwrap();
    tool("pg_dump", &["--format=custom", "--file", dump, &database.direct_url]);
    let young = admin.create(json!({ "name": "young" })).await.unwrap().client;
    let rotated = old.with(old.rotate_with(json!({ "overlapMinutes": 0 })).await.unwrap());
    // The first use of a value is a change to its token; after the second one it is cached as a value that works.
    for _ in 0..2 {
        assert_eq!((young.check().await, rotated.check().await), (Ok(1), Ok(2)));
    }
    tool("pg_restore", &["--clean", "--if-exists", "--single-transaction", "--dbname", &database.direct_url, dump]);
    let waiting = async { while young.check().await.is_ok() || rotated.check().await.is_ok() {} };
    tokio::time::timeout(DEADLINE, waiting).await.unwrap();
    let settled = async { while old.check().await != Ok(1) {} };
    tokio::time::timeout(DEADLINE, settled).await.unwrap();
    for unknown in [&young, &rotated] {
        assert_eq!(unknown.check().await, Err("UNAUTHENTICATED".to_owned()));
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL: run ./tests/with-postgres"]
async fn on_postgres_rows_of_another_cluster_are_not_announced_at_every_poll() {
    let database = TestDatabase::postgres().await;
    let store = Store::connect(&database.url).await.unwrap();
    store.migrate().await.unwrap();
    let mut listener = store.listen().await.unwrap();
    // As pg_restore writes it: with the number that the transaction had in the cluster before, where more had taken place.
    let [restored, changed] = [1, 2].map(|byte| TokenId::new(Timestamp::from_unix_millis(START), [byte; 10]));
    let connection = database.connect().await;
    let insert = format!("INSERT INTO change (xid, ids) VALUES ('9000000000', '{restored}')");
    connection.execute_unprepared(&insert).await.unwrap();
    listener.wait_and_poll().await.unwrap();
    for _ in 0..2 {
        let stamp = store.stamp();
        connection.execute_unprepared(&format!("INSERT INTO change (ids) VALUES ('{changed}')")).await.unwrap();
        listener.wait_and_poll().await.unwrap();
        assert!(!store.is_fresh(changed, stamp));
        assert!(store.is_fresh(restored, stamp), "it is announced again and again");
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL: run ./tests/with-postgres"]
async fn on_postgres_a_table_that_is_rewritten_is_read_again_and_no_contact_is_lost() {
    let database = TestDatabase::postgres().await;
    let store = Store::connect(&database.url).await.unwrap();
    store.migrate().await.unwrap();
    let mut listener = store.listen().await.unwrap();
    let connection = database.connect().await;
    let token = TokenId::new(Timestamp::from_unix_millis(START), [1; 10]);
    // The last one may load other contents into the table afterwards, so what was read before is not believed after either of them.
    for rewrite in ["VACUUM FULL api_token", "CLUSTER api_token USING api_token_pkey", "TRUNCATE api_token CASCADE"] {
        listener.wait_and_poll().await.unwrap();
        let stamp = store.stamp();
        listener.wait_and_poll().await.unwrap();
        assert!(store.is_fresh(token, stamp));
        connection.execute_unprepared(rewrite).await.unwrap();
        listener.wait_and_poll().await.unwrap_or_else(|err| panic!("{rewrite}: {err}"));
        assert!(!store.is_fresh(token, stamp), "{rewrite}");
    }
}
