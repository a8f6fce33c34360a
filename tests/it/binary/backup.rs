//! `rotakey backup`: a whole and verified copy of a SQLite database, made while a server writes, or none.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use nix::sys::signal::Signal;
use sea_orm::ConnectionTrait;
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::support::client::{Client, ROTATE};
use crate::support::process::{Process, command, find_value};

const DEADLINE: Duration = Duration::from_secs(60);

pub fn url_of(path: &Path) -> String {
    format!("sqlite://{}", path.display())
}

/// Runs a command on this database to its end: its exit code and what it printed.
pub fn run(database_url: &str, arguments: &[&str]) -> (Option<i32>, String, String) {
    let folder = tempfile::tempdir().unwrap();
    let output = Process::output(command(folder.path()).args(arguments).args(["--database-url", database_url]));
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

pub fn names(folder: &Path) -> Vec<String> {
    let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.collect();
    names.sort();
    names
}

/// Makes a database so large that to copy it takes a while.
pub async fn add_ballast(path: &Path) {
    let database = sea_orm::Database::connect(url_of(path)).await.unwrap();
    database.execute_unprepared("CREATE TABLE ballast (bytes BLOB)").await.unwrap();
    for _ in 0..16 {
        database.execute_unprepared("INSERT INTO ballast VALUES (randomblob(4000000))").await.unwrap();
    }
    database.close().await.unwrap();
}

/// Starts a command and kills it as soon as this file has so many bytes; whether the command was still running.
pub fn kill_at(database_url: &str, arguments: &[&str], file: &Path, bytes: u64) -> bool {
    let mut command = command(Path::new("/"));
    command.args(arguments).args(["--database-url", database_url]);
    let mut child = command.stderr(std::process::Stdio::null()).spawn().unwrap();
    while child.try_wait().unwrap().is_none() {
        if std::fs::metadata(file).is_ok_and(|metadata| metadata.len() >= bytes) {
            break;
        }
    }
    child.kill().unwrap();
    child.wait().unwrap().code().is_none()
}

async fn rotate_until_stopped(mut holder: Client, acknowledged: Arc<Semaphore>, stop: Arc<Semaphore>) -> Client {
    while stop.available_permits() == 0 {
        let answer = holder.request("POST", "/graphql").json(&json!({ "query": ROTATE })).send().await.unwrap();
        holder = holder.with(find_value(&answer.text().await.unwrap()).unwrap());
        acknowledged.add_permits(1);
    }
    holder
}

#[tokio::test(flavor = "multi_thread")]
async fn on_sqlite_a_backup_under_load_is_whole_and_holds_all_that_was_acknowledged_before_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("own.db");
    let server = Process::serve(folder.path(), &url_of(&path));
    let admin = server.client().with(server.first_value());
    let (acknowledged, stop) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let mut running = JoinSet::new();
    for number in 0..8 {
        let holder = admin.create(json!({ "name": format!("holder {number}") })).await.unwrap().client;
        running.spawn(rotate_until_stopped(holder, acknowledged.clone(), stop.clone()));
    }
    let backups = tempfile::tempdir().unwrap();
    let mut made: Vec<(Client, PathBuf)> = Vec::new();
    for number in 0..5 {
        acknowledged.acquire_many(20).await.unwrap().forget();
        let before = admin.create(json!({ "name": "before the backup" })).await.unwrap().client;
        let before = before.with(before.rotate().await.unwrap());
        let file = backups.path().join(format!("{number}.db"));
        let arguments = ["backup", file.to_str().unwrap(), "--json"];
        let (code, report, words) = tokio::task::spawn_blocking({
            let (arguments, url) = (arguments.map(str::to_owned), url_of(&path));
            move || run(&url, &arguments.each_ref().map(String::as_str))
        })
        .await
        .unwrap();
        assert_eq!(code, Some(0), "{words}");
        let report: Value = serde_json::from_str(&report).unwrap();
        assert_eq!(report["tokens"], json!(10 + number), "{report}");
        assert!(report["values"].as_u64().unwrap() >= 20 * (number + 1), "{report}");
        assert!(report["events"].as_u64().unwrap() >= 20 * (number + 1), "{report}");
        let metadata = std::fs::metadata(&file).unwrap();
        assert_eq!(report["bytes"], json!(metadata.len()));
        assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
        assert!(words.contains(report["moment"].as_str().unwrap()), "{words}");
        made.push((before, file));
    }
    stop.add_permits(1);
    while let Some(holder) = running.join_next().await {
        assert!(holder.unwrap().check().await.is_ok());
    }
    assert_eq!(names(backups.path()), ["0.db", "1.db", "2.db", "3.db", "4.db"], "nothing else was left");
    server.signal(Signal::SIGTERM);
    assert!(server.ended_within(DEADLINE).0.success());
    for (before, file) in made {
        let server = Process::serve(backups.path(), &url_of(&file));
        assert_eq!(before.at(&server.url).check().await, Ok(2));
        server.signal(Signal::SIGTERM);
        assert!(server.ended_within(DEADLINE).0.success());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn on_sqlite_a_backup_that_is_killed_leaves_no_file_of_its_name_and_does_not_hinder_the_next_one() {
    let folder = tempfile::tempdir().unwrap();
    let (path, file) = (folder.path().join("own.db"), folder.path().join("backup.db"));
    let server = Process::serve(folder.path(), &url_of(&path));
    add_ballast(&path).await;
    let arguments = ["backup", file.to_str().unwrap()];
    let partial = folder.path().join("backup.db-partial");
    let mut killed = 0;
    for bytes in [0, 1, 10_000_000, 40_000_000] {
        let in_the_middle = kill_at(&url_of(&path), &arguments, &partial, bytes);
        if in_the_middle {
            killed += 1;
            assert!(!file.exists(), "after {bytes} bytes");
        } else {
            std::fs::remove_file(&file).unwrap();
        }
    }
    assert!(killed >= 2, "only {killed} were killed in the middle");
    let (code, _, words) = run(&url_of(&path), &arguments);
    assert_eq!(code, Some(0), "{words}");
    assert!(!partial.exists());

    // One that is to replace another leaves that as it was.
    let whole = std::fs::read(&file).unwrap();
    assert!(kill_at(&url_of(&path), &["backup", "--force", file.to_str().unwrap()], &partial, 1));
    assert!(whole == std::fs::read(&file).unwrap());
    server.signal(Signal::SIGTERM);
    assert!(server.ended_within(DEADLINE).0.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn on_sqlite_a_backup_overwrites_a_file_only_when_told_to_and_says_what_it_cannot_use() {
    let folder = tempfile::tempdir().unwrap();
    let (path, file) = (folder.path().join("own.db"), folder.path().join("backup.db"));
    let url = url_of(&path);
    let server = Process::serve(folder.path(), &url);
    server.signal(Signal::SIGTERM);
    assert!(server.ended_within(DEADLINE).0.success());
    std::fs::write(&file, "something else").unwrap();
    let before = names(folder.path());
    let refused = |url: &str, arguments: &[&str], reason: &str| {
        let (code, said, words) = run(url, arguments);
        assert_eq!((code, said.as_str()), (Some(1), ""), "{arguments:?}");
        assert!(words.contains(reason) && words.trim_end().lines().count() == 1, "{arguments:?}: {words}");
    };
    let name = file.to_str().unwrap();
    refused(&url, &["backup", name], "add --force");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "something else");
    refused(&url, &["backup", "--force", path.to_str().unwrap()], "it is the database itself");
    for suffix in ["-journal", "-wal", "-shm", "-reserve", "-restoring"] {
        let side_file = format!("{}{suffix}", path.display());
        refused(&url, &["backup", "--force", &side_file], "the database uses this name itself");
    }
    refused(&url, &["backup", "/nowhere/backup.db"], "its folder /nowhere does not exist");
    refused(&url, &["backup", "--force", folder.path().to_str().unwrap()], "it is a folder");
    refused(&url_of(&folder.path().join("other.db")), &["backup", name], "there is no such file");
    refused(&url_of(&file), &["backup", "/tmp/x.db"], "it is not a SQLite database");
    refused("postgres://u:secret@host/name", &["backup", name], "pg_dump");
    assert_eq!(names(folder.path()), before, "nothing was left");
    let (code, _, words) = run(&url, &["backup", "--force", name]);
    assert_eq!(code, Some(0), "{words}");
    assert!(std::fs::read(&file).unwrap().starts_with(b"SQLite format 3"));
    assert_eq!(names(folder.path()), before, "nothing was left");
}
