//! A disk that is really full, a small one made for the test. It needs Linux, and namespaces that this user may make.

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use serde_json::json;

use crate::support::client::Client;
use crate::support::process::{Process, binary};

/// For how long something may take that takes a second or two.
const DEADLINE: Duration = Duration::from_secs(60);

/// Runs a command on a disk of 32 MiB of its own, mounted at a folder that nobody else sees.
fn on_small_disk(folder: &std::path::Path) -> Command {
    let mut command = Command::new("unshare");
    let script = "mount -t tmpfs -o size=32m tmpfs \"$0\" && cd \"$0\" && exec \"$@\"";
    command.args(["--user", "--map-root-user", "--mount", "sh", "-c", script]).arg(folder);
    command
}

/// Fills the disk to the last byte.
fn fill(path: &PathBuf) {
    let mut file = File::create(path).unwrap();
    let mut block = vec![0; 1 << 20];
    while !block.is_empty() {
        if file.write_all(&block).is_err() {
            block.truncate(block.len() / 2);
        }
    }
}

/// Rotates until that is refused: the newest value that was issued, and why.
async fn rotate_until_refused(mut holder: Client) -> (Client, String) {
    loop {
        match holder.rotate().await {
            Ok(value) => holder = holder.with(value),
            Err(code) => return (holder, code),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_full_disk_tokens_are_verified_and_revoked_and_with_room_again_all_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    if !on_small_disk(folder.path()).arg("true").status().is_ok_and(|status| status.success()) {
        // Past what captures the output of tests, so that it is seen.
        let said = "NOT RUN: this user may not mount a file system in a namespace, so no disk is filled";
        return writeln!(std::io::stderr(), "{said}").unwrap();
    }
    let mut command = on_small_disk(folder.path());
    command.arg(binary());
    let server = Process::start(command, "sqlite://own.db");
    // The disk as the server sees it.
    let disk = PathBuf::from(format!("/proc/{}/root{}", server.id(), folder.path().display()));
    let (reserve, filler) = (disk.join("own.db-reserve"), disk.join("filler"));
    let admin = server.client().with(server.first_value());
    let reserved = async {
        while !reserve.exists() {
            assert!(admin.check().await.is_ok());
        }
    };
    tokio::time::timeout(DEADLINE, reserved).await.unwrap();
    let create = async |settings: serde_json::Value| admin.create(settings).await.unwrap();
    let rotating = create(json!({ "name": "rotates" })).await.client;
    let fresh = create(json!({ "name": "was never used" })).await.client;
    let overlapping = create(json!({ "name": "has two values", "rotationPeriodMinutes": 60 })).await;
    let newer = overlapping.client.with(overlapping.client.rotate().await.unwrap());
    let guarded = create(json!({ "name": "guards itself", "onReuse": "REVOKE", "overlapMinutes": 0 })).await;
    let stolen = guarded.client.clone();
    let guarded = stolen.with(stolen.rotate().await.unwrap());
    assert_eq!(guarded.check().await, Ok(2));
    let mut leaked = Vec::new();
    for number in 0..40 {
        leaked.push(create(json!({ "name": format!("leaked {number}") })).await);
    }

    fill(&filler);
    let (holder, code) = rotate_until_refused(rotating).await;
    assert_eq!(code, "UNAVAILABLE");
    server.logged("the disk is full");
    assert!(!reserve.exists());
    // What is left is for revocations, so this is refused although there is room for it.
    assert_eq!(admin.create(json!({ "name": "one more" })).await.err().as_deref(), Some("UNAVAILABLE"));
    assert_eq!(holder.rotate().await, Err("UNAVAILABLE".into()));
    assert!(holder.check().await.is_ok());
    assert_eq!(fresh.check().await, Ok(1), "a first use");
    assert_eq!(admin.end_overlap(&overlapping.id).await, Ok(1));
    assert_eq!(overlapping.client.check().await, Err("VALUE_RETIRED".into()));
    assert_eq!(newer.check().await, Ok(2));
    assert_eq!(stolen.check().await, Err("VALUE_RETIRED".into()));
    for token in &leaked {
        assert_eq!(admin.revoke(&token.id).await, Ok("REVOKED".into()));
        assert_eq!(token.client.check().await, Err("TOKEN_REVOKED".into()));
    }

    std::fs::remove_file(&filler).unwrap();
    let going_on = async {
        while holder.rotate().await.is_err() {
            assert!(holder.check().await.is_ok());
        }
    };
    tokio::time::timeout(DEADLINE, going_on).await.unwrap();
    server.logged("there is room on the disk again");
    assert!(reserve.exists());
}
