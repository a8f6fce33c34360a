//! `rotakey restore`: a backup takes the place of the database, whole or not at all, and with the values retired that it brings back.

use std::path::{Path, PathBuf};
use std::time::Duration;

use migration::MigratorTrait;
use nix::sys::signal::Signal;
use rotakey::clock::{Clock, SystemClock};
use rotakey::domain::timestamp::Timestamp;
use sea_orm::ConnectionTrait;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::backup::{add_ballast, kill_at, names, run, url_of};
use crate::support::client::Client;
use crate::support::database::TestDatabase;
use crate::support::process::{Process, find_value};

const DEADLINE: Duration = Duration::from_secs(60);

fn now() -> String {
    Timestamp::from_unix_millis(SystemClock.now_unix_millis()).to_string()
}

fn stop(server: Process) {
    server.signal(Signal::SIGTERM);
    assert!(server.ended_within(DEADLINE).0.success());
}

/// A folder with a database and a backup of it.
struct Place {
    folder: TempDir,
    path: PathBuf,
    backup: PathBuf,
    url: String,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let [path, backup] = ["own.db", "backup.db"].map(|name| folder.path().join(name));
        let url = url_of(&path);
        Self { folder, path, backup, url }
    }

    fn serve(&self) -> Process {
        Process::serve(self.folder.path(), &self.url)
    }

    /// Backs up; the moment of the backup.
    fn back_up(&self) -> String {
        let (code, report, words) = run(&self.url, &["backup", "--json", self.backup.to_str().unwrap()]);
        assert_eq!(code, Some(0), "{words}");
        let report: Value = serde_json::from_str(&report).unwrap();
        report["moment"].as_str().unwrap().to_owned()
    }

    fn restore(&self, arguments: &[&str]) -> (Option<i32>, String, String) {
        let arguments = [&["restore", self.backup.to_str().unwrap()], arguments].concat();
        run(&self.url, &arguments)
    }

    fn restored(&self, arguments: &[&str]) -> (String, String) {
        let (code, said, words) = self.restore(arguments);
        assert_eq!(code, Some(0), "{words}");
        (said, words)
    }

    fn refused(&self, arguments: &[&str], reason: &str) {
        let (code, said, words) = self.restore(arguments);
        assert_eq!((code, said.as_str()), (Some(1), ""), "{arguments:?}");
        assert!(words.contains(reason) && words.trim_end().lines().count() == 1, "{arguments:?}: {words}");
    }

    /// Where the database is that was replaced.
    fn kept(&self) -> PathBuf {
        let is_kept = |name: &String| name.starts_with("own.db-replaced-") && !name.ends_with("-wal");
        self.folder.path().join(names(self.folder.path()).iter().find(|name| is_kept(name)).unwrap())
    }
}

async fn refused(client: &Client, code: &str) {
    assert_eq!(client.check().await, Err(code.to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn on_sqlite_no_value_of_a_backup_works_after_it_was_restored_and_every_token_can_get_a_new_one() {
    let place = Place::new();
    let server = place.serve();
    let admin = server.client().with(server.first_value());
    let token = admin.create(json!({ "name": "leaks", "onReuse": "REVOKE" })).await.unwrap();
    let revoked = admin.create(json!({ "name": "revoked later" })).await.unwrap();
    let moment = place.back_up();
    let leaked = token.client.clone();
    let rotated = leaked.with(leaked.rotate_with(json!({ "overlapMinutes": 0, "force": true })).await.unwrap());
    admin.revoke(&revoked.id).await.unwrap();
    place.refused(&["--force"], "another process uses it");
    assert_eq!(rotated.check().await, Ok(2), "the server goes on");
    stop(server);

    place.refused(&[], "Add --force");
    place.refused(&["--force", "--retire-since", "2020-01-01T00:00:00Z"], "the last change that the backup holds");
    place.refused(&["--force", "--retire-since", "9999-01-01T00:00:00Z"], "not be later than now");
    place.refused(&["--force", "--retire-since", "yesterday"], "date and time");
    assert_eq!(names(place.folder.path()), ["backup.db", "own.db", "own.db-reserve"], "nothing was done");

    let (said, words) = place.restored(&["--force", "--retire-since", &moment]);
    assert_eq!(
        said,
        "Retired 3 values. 3 tokens have no value that a client knows, until you rotate them by their id.\n"
    );
    assert!(words.contains("Restored ") && words.contains(place.kept().to_str().unwrap()), "{words}");
    let (code, value, words) = run(&place.url, &["bootstrap"]);
    assert_eq!(code, Some(0), "{words}");
    let server = place.serve();
    for client in [&admin, &leaked, &revoked.client] {
        refused(&client.at(&server.url), "VALUE_RETIRED").await;
    }
    refused(&rotated.at(&server.url), "UNAUTHENTICATED").await;
    let admin = admin.at(&server.url).with(find_value(&value).unwrap());
    let again = admin.rotate_id(&token.id).await.unwrap();
    assert_eq!(again.check().await, Ok(3));
    refused(&leaked.at(&server.url), "VALUE_RETIRED").await;
    assert_eq!(again.check().await, Ok(3), "its holder was not taken for a thief");
    stop(server);

    // The database that was there is whole.
    let server = Process::serve(place.folder.path(), &url_of(&place.kept()));
    assert_eq!(rotated.at(&server.url).check().await, Ok(2));
    stop(server);
}

#[tokio::test(flavor = "multi_thread")]
async fn on_sqlite_without_a_moment_the_restore_says_that_old_values_work_and_how_to_retire_them() {
    let place = Place::new();
    let server = place.serve();
    let leaked = server.client().with(server.first_value());
    place.back_up();
    leaked.rotate_with(json!({ "overlapMinutes": 0, "force": true })).await.unwrap();
    stop(server);
    let (_, words) = place.restored(&["--force"]);
    let advice = words.lines().find_map(|line| line.split_once("retire them: rotakey ")).unwrap().1;
    let server = place.serve();
    assert_eq!(leaked.at(&server.url).check().await, Ok(1), "time has gone back");
    stop(server);
    let (code, said, words) = run(&place.url, &Vec::from_iter(advice.split(' ')));
    assert_eq!((code, said.starts_with("Retired 1 values.")), (Some(0), true), "{words}");
    assert!(!words.contains("were kept"), "{words}");
    let server = place.serve();
    refused(&leaked.at(&server.url), "VALUE_RETIRED").await;
    stop(server);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_was_restored_already_loses_its_old_values_and_keeps_those_issued_since() {
    let database = TestDatabase::new().await;
    let server = Process::serve(&database.folder(), &database.url);
    let admin = server.client().with(server.first_value());
    let old = admin.create(json!({ "name": "old" })).await.unwrap();
    let restored = now();
    // So that the next value is issued after that, by any clock with milliseconds.
    while now() <= restored {}
    let young = admin.create(json!({ "name": "young" })).await.unwrap().client;
    let (code, said, words) = run(&database.url, &["restore", "--retire-since", &restored]);
    assert_eq!(code, Some(0), "{words}");
    assert!(said.starts_with("Retired 2 values."), "{said}");
    assert!(words.contains("Values that were issued after that moment were kept"), "{words}");
    let waiting = async { while old.client.check().await.is_ok() {} };
    tokio::time::timeout(DEADLINE, waiting).await.unwrap();
    refused(&old.client, "VALUE_RETIRED").await;
    assert_eq!(young.check().await, Ok(1));
    let (code, _, words) = run(&database.url, &["restore"]);
    assert_eq!(code, Some(2), "{words}");
    let (code, said, words) = run(&database.url, &["restore", "--retire-since", "now"]);
    assert_eq!((code, said.starts_with("Retired 1 values."), words.as_str()), (Some(0), true, ""));
    stop(server);
}

#[tokio::test(flavor = "multi_thread")]
async fn on_sqlite_the_database_that_is_replaced_keeps_what_only_its_write_ahead_log_holds() {
    let place = Place::new();
    let server = place.serve();
    let mut holder = server.client().with(server.first_value());
    place.back_up();
    for _ in 0..5 {
        holder = holder.with(holder.rotate().await.unwrap());
    }
    server.signal(Signal::SIGKILL);
    let _ = server.ended_within(DEADLINE);
    assert!(std::fs::metadata(place.folder.path().join("own.db-wal")).unwrap().len() > 0);
    place.restored(&["--force"]);
    let server = place.serve();
    refused(&holder.at(&server.url), "UNAUTHENTICATED").await;
    stop(server);

    // And it can be put back in the same way.
    let kept = place.kept();
    let (code, _, words) = run(&place.url, &["restore", "--force", kept.to_str().unwrap()]);
    assert_eq!(code, Some(0), "{words}");
    let server = place.serve();
    assert_eq!(holder.at(&server.url).check().await, Ok(6));
    stop(server);
}

#[tokio::test(flavor = "multi_thread")]
async fn on_sqlite_a_restore_that_is_killed_leaves_the_database_as_it_was_and_can_be_done_again() {
    let place = Place::new();
    let server = place.serve();
    let mut holder = server.client().with(server.first_value());
    add_ballast(&place.path).await;
    let moment = place.back_up();
    holder = holder.with(holder.rotate().await.unwrap());
    stop(server);
    let arguments = ["restore", "--force", "--retire-since", &moment, place.backup.to_str().unwrap()];
    let copy = place.folder.path().join("own.db-restoring");
    let mut killed = 0;
    for bytes in [0, 1, 40_000_000] {
        if kill_at(&place.url, &arguments, &copy, bytes) {
            killed += 1;
            let server = place.serve();
            assert_eq!(holder.at(&server.url).check().await, Ok(2), "after {bytes} bytes");
            stop(server);
        }
    }
    assert!(killed >= 2, "only {killed} were killed in the middle");
    place.restored(&["--force", "--retire-since", &moment]);
    let left: Vec<_> = names(place.folder.path()).into_iter().filter(|name| name.contains("restoring")).collect();
    assert_eq!(left, Vec::<String>::new());
    let server = place.serve();
    refused(&holder.at(&server.url), "UNAUTHENTICATED").await;
    stop(server);
}

#[tokio::test(flavor = "multi_thread")]
async fn on_sqlite_after_a_restore_that_was_interrupted_at_its_end_no_empty_database_is_made() {
    let place = Place::new();
    stop(place.serve());
    place.back_up();
    let copy = place.folder.path().join("own.db-restoring");
    std::fs::rename(&place.path, place.folder.path().join("own.db-replaced-then")).unwrap();
    std::fs::copy(&place.backup, &copy).unwrap();
    let (code, said, words) = run(&place.url, &["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!((code, said.as_str()), (Some(1), ""), "{words}");
    assert!(words.contains("a restore is running or was interrupted") && words.contains("own.db-replaced-"), "{words}");
    let (code, _, words) = run(&place.url, &["restore", copy.to_str().unwrap()]);
    assert!(code == Some(1) && words.contains("a restore writes to it"), "{words}");
    assert_eq!(std::fs::read(&copy).unwrap(), std::fs::read(&place.backup).unwrap(), "it is as it was");
    place.restored(&[]);
    stop(place.serve());
}

#[tokio::test(flavor = "multi_thread")]
async fn on_sqlite_a_clock_that_is_behind_the_backup_keeps_none_of_its_values() {
    let place = Place::new();
    let server = place.serve();
    let holder = server.client().with(server.first_value());
    stop(server);
    place.back_up();
    // Issued tomorrow, by this host's clock.
    change(&place.backup, "UPDATE api_token_value SET created_at = created_at + 86400000").await;
    place.restored(&["--force", "--retire-since", "now"]);
    let server = place.serve();
    refused(&holder.at(&server.url), "VALUE_RETIRED").await;
    stop(server);
}

#[tokio::test(flavor = "multi_thread")]
async fn on_sqlite_a_write_ahead_log_of_another_database_is_not_applied_to_the_backup() {
    let place = Place::new();
    let server = place.serve();
    let holder = server.client().with(server.first_value());
    place.back_up();
    holder.rotate().await.unwrap();
    server.signal(Signal::SIGKILL);
    let _ = server.ended_within(DEADLINE);
    std::fs::remove_file(&place.path).unwrap();
    let (_, words) = place.restored(&[]);
    assert!(!words.contains("is kept"), "{words}");
    let server = place.serve();
    assert_eq!(holder.at(&server.url).check().await, Ok(1));
    stop(server);
}

/// Changes a file without Rotakey.
async fn change(path: &Path, sql: &str) {
    let database = sea_orm::Database::connect(url_of(path)).await.unwrap();
    database.execute_unprepared(sql).await.unwrap();
    database.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn on_sqlite_an_older_backup_is_migrated_and_a_newer_or_damaged_or_foreign_one_is_refused() {
    let place = Place::new();
    let server = place.serve();
    let holder = server.client().with(server.first_value());
    place.back_up();
    stop(server);
    let database = sea_orm::Database::connect(url_of(&place.backup)).await.unwrap();
    migration::Migrator::down(&database, Some(2)).await.unwrap();
    database.close().await.unwrap();
    place.restored(&["--force"]);
    let server = place.serve();
    assert_eq!(holder.at(&server.url).check().await, Ok(1));
    stop(server);

    let whole = std::fs::read(&place.path).unwrap();
    let before = names(place.folder.path());
    change(&place.backup, "INSERT INTO seaql_migrations VALUES ('m9999_later', 1)").await;
    place.refused(&["--force"], "its schema is m9999_later");
    change(&place.backup, "DELETE FROM seaql_migrations").await;
    place.refused(&["--force"], "it holds no tables of Rotakey");
    std::fs::write(&place.backup, "not a database at all").unwrap();
    place.refused(&["--force"], "it is not a SQLite database");
    let mut damaged = whole.clone();
    let (start, end) = (damaged.len() / 2, damaged.len() / 2 + 5_000);
    damaged[start..end].fill(7);
    std::fs::write(&place.backup, &damaged).unwrap();
    place.refused(&["--force"], "damaged");
    std::fs::remove_file(&place.backup).unwrap();
    place.refused(&["--force"], "there is no such file");
    let (code, _, words) = run("postgres://u:secret@host/name", &["restore", place.backup.to_str().unwrap()]);
    assert!(code == Some(1) && words.contains("pg_restore") && !words.contains("secret"), "{words}");
    assert!(whole == std::fs::read(&place.path).unwrap());
    assert_eq!(names(place.folder.path()), before.into_iter().filter(|name| name != "backup.db").collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn on_sqlite_the_restored_database_has_the_permissions_of_the_one_that_it_replaces() {
    use std::os::unix::fs::PermissionsExt;

    let place = Place::new();
    stop(place.serve());
    place.back_up();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    for (before, after) in [(0o640, 0o640), (0o600, 0o600), (0o664, 0o664), (0o755, 0o644)] {
        std::fs::set_permissions(&place.path, std::fs::Permissions::from_mode(before)).unwrap();
        place.restored(&["--force"]);
        assert_eq!(mode(&place.path), after, "{before:o}");
    }
    std::fs::remove_file(&place.path).unwrap();
    place.restored(&[]);
    assert_eq!(mode(&place.path), 0o600, "there was none before");
}
