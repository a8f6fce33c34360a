//! A disk that is really full: a small file system, made for the test and mounted in a namespace of its own. Nothing else stands in
//! for it: a limit on file sizes is another error, and a limit on pages does not fill the write-ahead log.

use std::fs::File;
use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::json;
use tempfile::TempDir;

use crate::support::client::Client;
use crate::support::deadline::{until, within};
use crate::support::process::{Process, binary};

/// For how long something may take that takes a second or two.
const DEADLINE: Duration = Duration::from_secs(60);

/// Ways to get a namespace for the mount: as any user where the kernel allows it, and else as root.
const NAMESPACES: [&[&str]; 2] = [&["--user", "--mount"], &["--mount"]];

/// A file system of 32 MiB that no other process sees. It is gone with this.
struct SmallDisk {
    holder: Child,
    folder: TempDir,
    namespaces: &'static [&'static str],
}

impl SmallDisk {
    fn new() -> Self {
        NAMESPACES.into_iter().find_map(Self::mounted_in).unwrap_or_else(|| panic!(
            "this test mounts a file system of its own: install `util-linux`, and allow user namespaces to this user \
             (`sysctl kernel.unprivileged_userns_clone`, `sysctl kernel.apparmor_restrict_unprivileged_userns`) or run it as root",
        ))
    }

    /// `None` where this user may not make these namespaces.
    fn mounted_in(namespaces: &'static [&'static str]) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let script = "mount -t tmpfs -o size=32m tmpfs \"$0\" && echo mounted && exec cat";
        let root: &[&str] = if namespaces.contains(&"--user") { &["--map-root-user"] } else { &[] };
        let mut holder = Command::new("unshare")
            .args(namespaces)
            .args(root)
            .args(["sh", "-c", script])
            .arg(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .ok()?;
        let mut mounted = [0; 8];
        if holder.stdout.as_mut().unwrap().read_exact(&mut mounted).is_err() {
            holder.wait().unwrap();
            return None;
        }
        Some(Self { holder, folder, namespaces })
    }

    /// A command that runs on it.
    fn command(&self) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--target={}", self.holder.id())).args(self.namespaces).arg("--preserve-credentials");
        command.arg(format!("--wd={}", self.folder.path().display())).arg(binary());
        command
    }

    /// A file on it.
    fn file(&self, name: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/root{}", self.holder.id(), self.folder.path().join(name).display()))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
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
async fn on_a_full_disk_tokens_are_verified_and_revoked_and_with_space_again_all_works() {
    let disk = SmallDisk::new();
    let server = Process::start(disk.command(), "sqlite://own.db");
    let (reserve, filler) = (disk.file("own.db-reserve"), disk.file("filler"));
    let admin = server.client().with(server.first_value());
    let is_reserved = async || {
        assert!(admin.check().await.is_ok());
        reserve.exists()
    };
    until("the reserve", is_reserved).await;
    let create = async |settings: serde_json::Value| admin.create(settings).await.unwrap();
    let rotating = create(json!({ "name": "rotates" })).await.client;
    let fresh = create(json!({ "name": "was never used" })).await.client;
    let overlapping = create(json!({ "name": "has two values", "rotationPeriodMinutes": 60 })).await;
    let newer = overlapping.client.with(overlapping.client.rotate().await.unwrap());
    let guarded = create(json!({ "name": "guards itself", "onReuse": "REVOKE", "overlapMinutes": 0 })).await;
    let stolen = guarded.client.clone();
    let guarded = stolen.with(stolen.rotate().await.unwrap());
    assert_eq!(guarded.check().await, Ok(2));
    let late = create(json!({ "name": "is revoked after a start" })).await;
    let paused = create(json!({ "name": "is suspended" })).await;
    let mut leaked = Vec::new();
    for number in 0..40 {
        leaked.push(create(json!({ "name": format!("leaked {number}") })).await);
    }

    fill(&filler);
    let (holder, code) = within(DEADLINE, "a refused rotation", rotate_until_refused(rotating)).await;
    assert_eq!(code, "UNAVAILABLE");
    server.logged("the disk is full");
    assert!(!reserve.exists());
    // What is left is for revocations, so this is refused although there is room for it.
    assert_eq!(admin.create(json!({ "name": "one more" })).await.err().as_deref(), Some("UNAVAILABLE"));
    assert_eq!(holder.rotate().await, Err("UNAVAILABLE".into()));
    assert!(holder.check().await.is_ok());
    assert_eq!(fresh.check().await, Ok(1), "a first use");
    assert_eq!(admin.force_end_overlap(&overlapping.id).await, Ok(1));
    assert_eq!(overlapping.client.check().await, Err("VALUE_RETIRED".into()));
    assert_eq!(newer.check().await, Ok(2));
    assert_eq!(stolen.check().await, Err("VALUE_RETIRED".into()));
    assert_eq!(admin.suspend(&paused.id).await, Ok("SUSPENDED".into()));
    assert_eq!(paused.client.check().await, Err("TOKEN_SUSPENDED".into()));
    for token in &leaked {
        assert_eq!(admin.revoke(&token.id).await, Ok("REVOKED".into()));
        assert_eq!(token.client.check().await, Err("TOKEN_REVOKED".into()));
    }

    std::fs::remove_file(&filler).unwrap();
    let going_on = async {
        loop {
            match holder.rotate().await {
                Ok(value) => return holder.with(value),
                Err(_) => assert!(holder.check().await.is_ok()),
            }
        }
    };
    let holder = within(DEADLINE, "a rotation after space was freed", going_on).await;
    server.logged("there is space on the disk again");
    assert!(reserve.exists() && holder.check().await.is_ok());

    // A server that starts on a full disk, and a new way in where the old one is lost.
    server.signal(Signal::SIGTERM);
    assert!(server.ended_within(DEADLINE).0.success());
    fill(&filler);
    let server = Process::start(disk.command(), "sqlite://own.db");
    let admin = admin.at(&server.url);
    assert!(admin.check().await.is_ok());
    assert_eq!(admin.revoke(&late.id).await, Ok("REVOKED".into()));
    let mut bootstrap = disk.command();
    bootstrap.args(["bootstrap", "--database-url", "sqlite://own.db"]);
    let (status, printed, stderr) = Process::spawn(bootstrap).ended_within(DEADLINE);
    assert!(status.success(), "{stderr}");
    assert_eq!(admin.with(printed.trim()).check().await, Ok(1));
}
