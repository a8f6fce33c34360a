//! A test that runs on one of the two databases says so in its name, by which `Makefile` leaves it out on the other: none passes
//! there without having run.

use std::path::{Path, PathBuf};

/// How a test finds out that it is on the other database, and ends.
const ENDS: [&str; 4] =
    ["is_sqlite() { return; }", "if cluster::is_installed() {", "is_installed() { return; }", "else { return };"];

/// The tests of a source that end at once on one of the databases without saying so in their names.
fn misnamed(source: &str) -> Vec<String> {
    let tests = source.split("#[tokio::test").skip(1).filter_map(|test| test.split_once("fn "));
    let bad = tests.filter_map(|(_, test)| {
        let (name, body) = test.split_once('(')?;
        let start: String = body.lines().take(6).map(str::trim).collect::<Vec<_>>().join(" ");
        let named = ["on_postgres_", "on_sqlite_"].iter().any(|prefix| name.starts_with(prefix));
        (!named && ENDS.iter().any(|end| start.contains(end))).then(|| name.to_owned())
    });
    bad.collect()
}

fn check(folder: &Path, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path: PathBuf = entry.unwrap().path();
        if path.is_dir() {
            check(&path, found);
        } else if path != Path::new(env!("CARGO_MANIFEST_DIR")).join(file!()) {
            found.extend(misnamed(&std::fs::read_to_string(&path).unwrap()));
        }
    }
}

#[test]
fn a_test_of_one_database_says_so_in_its_name() {
    let mut found = Vec::new();
    check(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it"), &mut found);
    assert_eq!(found, Vec::<String>::new());
    let makefile = include_str!("../../../Makefile");
    assert!(makefile.contains("--skip ::on_postgres_") && makefile.contains("--skip ::on_sqlite_"));
}

#[test]
fn a_test_that_ends_unseen_on_one_database_is_found() {
    let body = "() {\n    let d = new().await;\n    if !d.is_sqlite() {\n        return;\n    }\n}\n";
    let test = |name: &str, body: &str| format!("#[tokio::test]\nasync fn {name}{body}");
    assert_eq!(misnamed(&test("works", body)), ["works"]);
    assert_eq!(misnamed(&test("on_sqlite_works", body)), Vec::<String>::new());
    let both = "() {\n    let sql = if d.is_sqlite() { 1 } else { 2 };\n}\n";
    assert_eq!(misnamed(&test("works", both)), Vec::<String>::new());
    let other = "() {\n    let Some(database) = postgres().await else { return };\n}\n";
    assert_eq!(misnamed(&test("works", other)), ["works"]);
}
