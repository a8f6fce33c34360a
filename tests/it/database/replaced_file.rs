//! The SQLite file under a running server: deleted, replaced, read for long. On PostgreSQL there is none.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::signal::Signal;
use sea_orm::{ConnectionTrait, TransactionTrait};
use serde_json::json;

use crate::support::client::{Client, ROTATE};
use crate::support::database::TestDatabase;
use crate::support::deadline::until;
use crate::support::process::{Process, find_value};
use crate::support::server::Server;

/// For how long something may take that takes a second or two.
const DEADLINE: Duration = Duration::from_secs(60);

fn beside(path: &Path, suffix: &str) -> PathBuf {
    PathBuf::from(format!("{}{suffix}", path.display()))
}

/// The value that a rotation was answered with, if it was acknowledged.
async fn rotate(holder: &Client) -> Option<String> {
    let response = holder.request("POST", "/graphql").json(&json!({ "query": ROTATE })).send().await.ok()?;
    find_value(&response.text().await.ok()?)
}

#[tokio::test(flavor = "multi_thread")]
async fn r13_nothing_is_acknowledged_into_a_file_that_was_deleted_or_replaced_and_the_server_stops() {
    for suffix in ["", "-wal", "-shm"] {
        for replaced in [false, true] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("own.db");
            let url = format!("sqlite://{}", path.display());
            let server = Process::serve(folder.path(), &url);
            let holder = server.client().with(server.first_value());
            let holder = holder.with(rotate(&holder).await.unwrap());
            let (target, kept) = (beside(&path, suffix), folder.path().join("kept"));
            std::fs::rename(&target, &kept).unwrap();
            if replaced {
                std::fs::copy(&kept, &target).unwrap();
            }
            let what = format!("{} replaced: {replaced}", target.display());
            assert_eq!(rotate(&holder).await, None, "{what}");
            let (status, _, log) = server.ended_within(DEADLINE);
            assert_eq!(status.code(), Some(1), "{what}: {log}");
            let reported = format!("{} was deleted or replaced", target.display());
            assert!(log.lines().last().unwrap().contains(&reported), "{what}: {log}");
            let rescued = beside(&path, "-rescued");
            assert_eq!(rescued.exists(), suffix.is_empty(), "{what}");
            if suffix.is_empty() {
                assert_eq!(std::fs::metadata(&rescued).unwrap().permissions().mode() & 0o777, 0o600);
                std::fs::rename(&kept, &target).unwrap();
            }
            // With the database put back, and with what was saved of it; the write-ahead log had been written into it before the end.
            for again in [false, true] {
                if again && suffix.is_empty() {
                    std::fs::rename(&rescued, &target).unwrap();
                }
                let server = Process::serve(folder.path(), &url);
                // The last rotation may have taken place, but was not acknowledged, and the value before it still works.
                assert!(holder.at(&server.url).check().await.is_ok(), "{what}");
                server.signal(Signal::SIGTERM);
                assert!(server.ended_within(DEADLINE).0.success());
            }
        }
    }
}

/// What `PRAGMA integrity_check` says, and the last generation of any token.
async fn contents(path: &Path) -> (String, i64) {
    let database = sea_orm::Database::connect(format!("sqlite://{}", path.display())).await.unwrap();
    let ask = async |sql: &str| {
        let statement = sea_orm::Statement::from_string(sea_orm::DbBackend::Sqlite, sql);
        database.query_one_raw(statement).await.unwrap().unwrap()
    };
    let check = ask("PRAGMA integrity_check").await.try_get_by_index(0).unwrap();
    let generation = ask("SELECT max(generation) FROM api_token_value").await.try_get_by_index(0).unwrap();
    database.close().await.unwrap();
    (check, generation)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_takes_the_place_of_the_file_under_load_is_not_mixed_with_its_write_ahead_log() {
    for partly_checkpointed in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let (path, backup) = (folder.path().join("own.db"), folder.path().join("backup.db"));
        let url = format!("sqlite://{}", path.display());
        let server = Process::serve(folder.path(), &url);
        let mut holder = server.client().with(server.first_value());
        for _ in 0..5 {
            holder = holder.with(rotate(&holder).await.unwrap());
        }
        let other = sea_orm::Database::connect(&url).await.unwrap();
        other.execute_unprepared(&format!("VACUUM INTO '{}'", backup.display())).await.unwrap();
        let old = holder.clone();
        for _ in 0..50 {
            holder = holder.with(rotate(&holder).await.unwrap());
        }
        if partly_checkpointed {
            other.execute_unprepared("PRAGMA wal_checkpoint(PASSIVE)").await.unwrap();
            holder = holder.with(rotate(&holder).await.unwrap());
        }
        other.close().await.unwrap();
        assert!(std::fs::metadata(beside(&path, "-wal")).unwrap().len() > 0);
        // More at once than there are connections that read.
        let readers = Vec::from_iter((0..16).map(|_| {
            let holder = holder.clone();
            tokio::spawn(async move {
                let list = json!({ "query": "{ apiTokens { nodes { id } } }" });
                while holder.request("POST", "/graphql").json(&list).send().await.is_ok() {}
            })
        }));
        let before = contents(&backup).await;
        std::fs::rename(&backup, &path).unwrap();
        let acknowledged = rotate(&holder).await;
        assert_eq!(acknowledged, None);
        let (status, _, log) = server.ended_within(DEADLINE);
        assert_eq!(status.code(), Some(1), "{log}");
        for reader in readers {
            reader.await.unwrap();
        }
        assert_eq!(contents(&path).await, before);
        assert_eq!(before.0, "ok");
        assert!(log.lines().last().unwrap().contains("own.db-wal"), "{log}");
        let server = Process::serve(folder.path(), &url);
        assert_eq!(old.at(&server.url).check().await, Ok(before.1));
        server.signal(Signal::SIGTERM);
        assert!(server.ended_within(DEADLINE).0.success());
        // And what was saved of the other holds all that was acknowledged.
        let rescued = beside(&path, "-rescued");
        assert_eq!(contents(&rescued).await.0, "ok");
        let server = Process::serve(folder.path(), &format!("sqlite://{}", rescued.display()));
        assert!(holder.at(&server.url).check().await.is_ok());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_file_stops_an_idle_server() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("own.db");
    let server = Process::serve(folder.path(), &format!("sqlite://{}", path.display()));
    std::fs::remove_file(&path).unwrap();
    let (status, _, log) = server.ended_within(DEADLINE);
    assert_eq!(status.code(), Some(1), "{log}");
    assert!(log.contains("own.db was deleted or replaced"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn on_sqlite_the_write_ahead_log_is_short_again_after_a_long_read() {
    let server = Server::start_on(TestDatabase::sqlite()).await;
    let wal = server.database.folder().join("rotakey.db-wal");
    let bytes = || std::fs::metadata(&wal).unwrap().len();
    let (reader, writer) = (server.database.connect().await, server.database.connect().await);
    let reading = reader.begin().await.unwrap();
    reading.execute_unprepared("SELECT count(*) FROM api_token").await.unwrap();
    writer.execute_unprepared("CREATE TABLE ballast (bytes BLOB)").await.unwrap();
    for _ in 0..5 {
        writer.execute_unprepared("INSERT INTO ballast VALUES (zeroblob(8000000))").await.unwrap();
    }
    writer.close().await.unwrap();
    let grown = bytes();
    assert!(grown > 40_000_000, "{grown}");
    // No client waits for the reader.
    let rotated = server.admin.with(server.admin.rotate().await.unwrap());
    reading.rollback().await.unwrap();
    let is_short = async || {
        assert_eq!(rotated.check().await, Ok(2));
        bytes() <= 16 * 1024 * 1024
    };
    until("a short write-ahead log", is_short).await;
}
