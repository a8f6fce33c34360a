//! The SQLite file under a running server: deleted, replaced, read for long. On PostgreSQL there is none.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::signal::Signal;
use sea_orm::{ConnectionTrait, TransactionTrait};
use serde_json::json;

use crate::support::client::{Client, ROTATE};
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
            let told = format!("{} was deleted or replaced", target.display());
            assert!(log.lines().last().unwrap().contains(&told), "{what}: {log}");
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
                // The last rotation may have taken place, but nobody was told so, and the value before it still works.
                assert!(holder.at(&server.url).check().await.is_ok(), "{what}");
                server.signal(Signal::SIGTERM);
                assert!(server.ended_within(DEADLINE).0.success());
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_file_stops_a_server_that_nobody_asks_anything() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("own.db");
    let server = Process::serve(folder.path(), &format!("sqlite://{}", path.display()));
    std::fs::remove_file(&path).unwrap();
    let (status, _, log) = server.ended_within(DEADLINE);
    assert_eq!(status.code(), Some(1), "{log}");
    assert!(log.contains("own.db was deleted or replaced"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_write_ahead_log_is_short_again_after_somebody_kept_reading() {
    let server = Server::start().await;
    if !server.database.is_sqlite() {
        return;
    }
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
    // Nobody is kept waiting by the reader.
    let rotated = server.admin.with(server.admin.rotate().await.unwrap());
    reading.rollback().await.unwrap();
    let shortened = async {
        while bytes() > 16 * 1024 * 1024 {
            assert_eq!(rotated.check().await, Ok(2));
        }
    };
    tokio::time::timeout(DEADLINE, shortened).await.unwrap();
}
