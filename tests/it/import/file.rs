//! `rotakey import`.

use std::path::Path;
use std::process::Output;

use serde_json::json;

use super::{VALUE, sha256};
use crate::support::client::Client;
use crate::support::database::TestDatabase;
use crate::support::process::{Process, command};

const FORMATS: &str = "[plain]\npattern = 'sk_live_[a-z]{24}'\nhash = \"sha256\"\n";

/// A database of a running server that knows the format.
struct Site {
    database: TestDatabase,
    process: Process,
}

impl Site {
    async fn start() -> Self {
        let database = TestDatabase::new().await;
        let folder = database.folder();
        std::fs::write(folder.join("formats.toml"), FORMATS).unwrap();
        let process = Process::serve_by(&["serve", "--foreign-values", "formats.toml"], &folder, &database.url);
        Self { database, process }
    }

    fn folder(&self) -> std::path::PathBuf {
        self.database.folder()
    }

    fn import(&self, text: &str, flags: &[&str]) -> Output {
        std::fs::write(self.folder().join("tokens"), text).unwrap();
        import(&self.folder(), &self.database.url, flags)
    }

    async fn check(&self, value: &str) -> Result<i64, String> {
        Client::anonymous(&self.process.url).with(value).check().await
    }
}

fn import(folder: &Path, database_url: &str, flags: &[&str]) -> Output {
    let mut command = command(folder);
    command.args(["import", "tokens", "--foreign-values", "formats.toml", "--database-url", database_url]).args(flags);
    command.output().unwrap()
}

fn said(output: &Output) -> (bool, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.success(), text(&output.stdout), text(&output.stderr))
}

fn line(value: &str, name: &str) -> String {
    json!({ "sha256": sha256(value), "name": name, "owner": "acme", "scopes": ["read"] }).to_string() + "\n"
}

#[tokio::test]
async fn tokens_of_a_file_work_on_a_running_server_and_a_second_import_skips_them() {
    let site = Site::start().await;
    let other = VALUE.replace('a', "z");
    let text = line(VALUE, "one") + "\n" + &line(&other, "two");
    let (done, stdout, _) = said(&site.import(&text, &["--check"]));
    assert!(done && stdout == "The file is valid. To import: 2 tokens. Imported before: 0.\n", "{stdout}");
    assert_eq!(site.check(VALUE).await, Err("UNAUTHENTICATED".to_owned()), "nothing was written");
    let (done, stdout, stderr) = said(&site.import(&text, &[]));
    assert!(done && stdout == "Imported 2 tokens. Imported before: 0.\n", "{stdout}{stderr}");
    assert_eq!(site.check(&other).await, Ok(1));
    let (done, stdout, _) = said(&site.import(&text, &[]));
    assert!(done && stdout == "Imported 0 tokens. Imported before: 2.\n", "{stdout}");
    let (done, stdout, _) = said(&site.import(&(text + &line(&VALUE.replace('a', "y"), "three")), &[]));
    assert!(done && stdout == "Imported 1 token. Imported before: 2.\n", "{stdout}");
}

#[tokio::test]
async fn csv_is_imported_like_json_lines() {
    let site = Site::start().await;
    let csv = format!("sha256,name,owner,scopes\n{},\"one\",acme,read\n", sha256(VALUE));
    assert!(site.import(&csv, &[]).status.success());
    assert_eq!(site.check(VALUE).await, Ok(1));
    let (done, stdout, _) = said(&site.import(&line(VALUE, "one"), &[]));
    assert!(done && stdout == "Imported 0 tokens. Imported before: 1.\n", "{stdout}");
}

#[tokio::test]
async fn every_problem_is_reported_with_its_line_and_nothing_is_imported() {
    let site = Site::start().await;
    assert!(site.import(&line(VALUE, "one"), &[]).status.success());
    let other = VALUE.replace('a', "z");
    let text = [
        line(&other, "good"),
        line(VALUE, "changed"),
        "not JSON\n".to_owned(),
        line(&other, "twice"),
        format!("{{\"sha256\": \"{VALUE}\", \"name\": \"a value and no hash\"}}\n"),
        line(&VALUE.replace('a', "y"), &"x".repeat(70_000)),
        line(&VALUE.replace('a', "x"), ""),
        line(&VALUE.replace('a', "w"), "good"),
    ];
    for flags in [&["--check"][..], &[]] {
        let (done, stdout, stderr) = said(&site.import(&text.concat(), flags));
        assert!(!done && stdout.is_empty(), "{stdout}");
        for (line, expected) in [
            (2, "the line has changed"),
            (3, "not a JSON object"),
            (4, "also on line 1"),
            (5, "sha256: "),
            (6, "longer than 65536 bytes"),
            (7, "name: "),
        ] {
            let found = stderr.lines().find(|said| said.starts_with(&format!("line {line}")));
            assert!(found.is_some_and(|found| found.contains(expected)), "{line}: {stderr}");
        }
        assert!(
            stderr.contains("The file has 6 problems. Nothing was imported.") && !stderr.contains(VALUE),
            "{stderr}"
        );
        assert_eq!(site.check(&other).await, Err("UNAUTHENTICATED".to_owned()));
    }
    let wrong = "[]\n".repeat(200);
    let (_, _, stderr) = said(&site.import(&(line(&other, "good") + &wrong), &[]));
    assert!(stderr.lines().count() < 110 && stderr.contains("100 more problems"), "{stderr}");
    let (done, _, stderr) = said(&site.import("name,owner\na,b\n", &[]));
    assert!(!done && stderr.contains("line 1"), "{stderr}");
}

#[tokio::test]
async fn thousands_of_lines_are_imported_and_an_interrupted_import_goes_on() {
    let site = Site::start().await;
    let lines: String = (0..2_500).map(|number| line(&format!("{number}"), "many")).collect();
    let half: String = lines.lines().take(1_200).map(|line| format!("{line}\n")).collect();
    let (done, stdout, _) = said(&site.import(&half, &[]));
    assert!(done && stdout.starts_with("Imported 1200 tokens."), "{stdout}");
    let (done, stdout, _) = said(&site.import(&lines, &[]));
    assert!(done && stdout == "Imported 1300 tokens. Imported before: 1200.\n", "{stdout}");
    let admin = site.process.client().with(site.process.first_value());
    let answer = admin.rest("GET", "/token-counts", serde_json::Value::Null).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
}

#[tokio::test]
async fn lines_whose_time_is_over_are_left_out_and_stop_nothing() {
    let site = Site::start().await;
    let expiring =
        |value: &str, at: &str| json!({ "sha256": sha256(value), "name": "a", "expiresAt": at }).to_string() + "\n";
    let overdue = json!({ "sha256": sha256(&VALUE.replace('a', "x")), "name": "a", "createdAt": "2020-01-01T00:00:00Z",
        "rotationPeriodMinutes": 60 });
    let text =
        expiring(&VALUE.replace('a', "z"), "2020-01-01T00:00:00Z") + &line(VALUE, "one") + &format!("{overdue}\n");
    let said_over = "Left out, because they expired or had to be rotated by now: 2.\n";
    let (done, stdout, _) = said(&site.import(&text, &["--check"]));
    assert!(
        done && stdout == format!("The file is valid. To import: 1 token. Imported before: 0. {said_over}"),
        "{stdout}"
    );
    let (done, stdout, _) = said(&site.import(&text, &[]));
    assert!(done && stdout == format!("Imported 1 token. Imported before: 0. {said_over}"), "{stdout}");
    assert_eq!(site.check(VALUE).await, Ok(1));
    assert_eq!(site.check(&VALUE.replace('a', "z")).await, Err("UNAUTHENTICATED".to_owned()));
    let (done, stdout, _) = said(&site.import(&text, &[]));
    assert!(done && stdout == format!("Imported 0 tokens. Imported before: 1. {said_over}"), "{stdout}");
}

#[tokio::test]
async fn a_shifted_column_prints_no_key() {
    let site = Site::start().await;
    let csv = format!("sha256,name,format\n{},one,{VALUE}\n", sha256(VALUE));
    let (done, _, stderr) = said(&site.import(&csv, &[]));
    assert!(!done && stderr.contains("line 2, format: There is no such format") && !stderr.contains(VALUE), "{stderr}");
}

#[tokio::test]
async fn without_formats_nothing_is_imported() {
    let site = Site::start().await;
    std::fs::write(site.folder().join("tokens"), line(VALUE, "a")).unwrap();
    let output =
        command(&site.folder()).args(["import", "tokens", "--database-url", &site.database.url]).output().unwrap();
    let (done, _, stderr) = said(&output);
    assert!(!done && stderr.contains("--foreign-values FILE"), "{stderr}");
}
