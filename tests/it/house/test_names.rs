//! A plain `cargo test` tells the truth. A test that needs PostgreSQL says so in its name and is ignored with the reason until
//! `Makefile` runs it there. A test of SQLite runs on SQLite, whatever the test run is on. No test ends early on the other database.

use std::path::{Path, PathBuf};

const IGNORED: &str = "#[ignore = \"needs PostgreSQL: run ./tests/with-postgres\"]";
/// How a test could end early on the other database.
const ENDS: [&str; 3] = ["is_sqlite() { return; }", "is_installed() {", "else { return };"];

/// What uses the database of the test run, whichever it is.
const OF_THE_RUN: [&str; 2] = ["::start()", "::new().await"];

/// What is wrong with the tests of a source.
fn wrong(source: &str) -> Vec<String> {
    let tests = source.split("#[tokio::test").skip(1).filter_map(|test| test.split_once("fn "));
    let wrong = tests.filter_map(|(attributes, test)| {
        let (name, body) = test.split_once('(')?;
        let body = body.split("\n}").next()?;
        let start: String = body.lines().take(6).map(str::trim).collect::<Vec<_>>().join(" ");
        let (on_postgres, ignored) = (name.starts_with("on_postgres_"), attributes.contains("#[ignore"));
        let what = if ENDS.iter().any(|end| start.contains(end)) {
            "ends early"
        } else if on_postgres && !attributes.contains(IGNORED) {
            "is not ignored where there is no PostgreSQL"
        } else if ignored && !on_postgres {
            "is ignored everywhere"
        } else if name.starts_with("on_sqlite_") && OF_THE_RUN.iter().any(|start| body.contains(start)) {
            "runs on the database of the test run"
        } else {
            return None;
        };
        Some(format!("{name} {what}"))
    });
    wrong.collect()
}

fn check(folder: &Path, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path: PathBuf = entry.unwrap().path();
        // What `npm ci` installs is not ours.
        if path.is_dir() && !path.ends_with("node_modules") {
            check(&path, found);
        } else if path != Path::new(env!("CARGO_MANIFEST_DIR")).join(file!())
            && path.extension().is_some_and(|ext| ext == "rs")
        {
            found.extend(wrong(&std::fs::read_to_string(&path).unwrap()));
        }
    }
}

#[test]
fn every_test_runs_on_its_database_or_is_visibly_ignored() {
    let mut found = Vec::new();
    check(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests"), &mut found);
    assert_eq!(found, Vec::<String>::new());
    let makefile = include_str!("../../../Makefile");
    assert!(makefile.contains("./tests/with-postgres cargo test --locked --test it -- --include-ignored"));
}

#[test]
fn a_test_that_is_green_without_having_run_is_found() {
    let test = |ignored: &str, name: &str, body: &str| format!("#[tokio::test]\n{ignored}async fn {name}{body}");
    let early = "() {\n    let d = new().await;\n    if !d.is_sqlite() {\n        return;\n    }\n}\n";
    for name in ["works", "on_sqlite_works"] {
        assert_eq!(wrong(&test("", name, early)), [format!("{name} ends early")]);
    }
    let early = "() {\n    let Some(database) = postgres().await else { return };\n}\n";
    assert_eq!(wrong(&test(IGNORED, "on_postgres_works", early)), ["on_postgres_works ends early"]);
    let body = "() {\n    let sql = if d.is_sqlite() { 1 } else { 2 };\n}\n";
    for (ignored, name, wrongs) in [
        ("", "works", 0),
        (IGNORED, "works", 1),
        ("#[ignore]", "works", 1),
        (IGNORED, "on_postgres_works", 0),
        ("", "on_postgres_works", 1),
        ("#[ignore]", "on_postgres_works", 1),
        ("", "on_sqlite_works", 0),
    ] {
        assert_eq!(wrong(&test(ignored, name, body)).len(), wrongs, "{ignored} {name}");
    }
    for (start, wrongs) in [("TestDatabase::sqlite()", 0), ("Server::start().await", 1), ("House::new().await", 1)] {
        assert_eq!(wrong(&test("", "on_sqlite_works", &format!("() {{\n    {start};\n}}\n"))).len(), wrongs, "{start}");
    }
}
