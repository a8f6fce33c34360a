//! Each check on made-up sources that break its rule: a check that cannot fail holds nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::{MAX_FILES, MAX_LINES, Sources, circles, circles_of_files, crowded_folders, unknown_libraries, violations};

/// The same check on sources that break one rule each.
#[test]
fn a_broken_rule_is_seen() {
    let long = "\n".repeat(MAX_LINES + 1);
    for (path, text, complaint) in [
        ("src/domain/a.rs", "use crate::store::Store;", "src/domain/a.rs uses store, which domain may not"),
        (
            "src/store/a.rs",
            "use crate::{\n    domain::{id, value},\n    service,\n};",
            "uses service, which store may not",
        ),
        ("src/http/mod.rs", "use super::store::Store;", "uses store, which http may not"),
        ("src/telemetry.rs", "use super::store::Store;", "uses store, which telemetry may not"),
        ("src/http/a.rs", "fn f() { crate::store::go() }", "uses store, which http may not"),
        ("src/service/a.rs", "use sea_orm::DbErr;", "uses sea_orm, which belongs to store"),
        ("src/service/a.rs", "use axum::Router;", "uses axum, which belongs to http"),
        ("src/app.rs", "fn f() { hyper::go() }", "uses hyper, which belongs to http"),
        ("src/domain/a.rs", "use tokio::sync::Mutex;", "contains \"tokio\", which domain never does"),
        ("src/domain/a.rs", "pub async fn wait() {}", "contains \"async \", which domain never does"),
        ("src/shed/a.rs", "", "is in no room of the table"),
        ("src/service/a.rs", "use super::super::store;", "climbs out of its module"),
        ("tests/it/a.rs", long.as_str(), "has 351 lines"),
    ] {
        let broken = violations(&Sources::from([(PathBuf::from(path), text.to_owned())]));
        assert!(broken.iter().any(|line| line.contains(complaint)), "{path}: {broken:?}");
    }
    let fine = "// use crate::store;\nlet x = \"crate::store\"; use crate::domain::a; my_sea_orm::x();";
    assert_eq!(
        violations(&Sources::from([(PathBuf::from("src/service/a.rs"), fine.to_owned())])),
        Vec::<String>::new()
    );
    let edge = |from: &str, to: &str| (from.to_owned(), BTreeSet::from([to.to_owned()]));
    assert_eq!(circles(&BTreeMap::from([edge("a", "b"), edge("b", "c")])), Vec::<String>::new());
    assert!(!circles(&BTreeMap::from([edge("a", "b"), edge("b", "c"), edge("c", "a")])).is_empty());
}

fn made_up<const N: usize>(files: [(&str, &str); N]) -> Sources {
    files.map(|(path, text)| (PathBuf::from(path), text.to_owned())).into()
}

/// Made-up files that use each other in every way in which one file can name another.
#[test]
fn a_circle_of_files_is_seen_however_its_files_name_each_other() {
    let (to_b, to_a) = ("use super::b::B;\nstruct A;", "struct B(crate::x::a::A);");
    for (case, files) in [
        ("by import and by path", [("src/x/mod.rs", ""), ("src/x/a.rs", to_b), ("src/x/b.rs", to_a)]),
        (
            "through a folder that passes on",
            [
                ("src/x/mod.rs", "mod a;\nmod b;\npub use a::A;\npub(in crate::x) use b::{self, B as C};"),
                ("src/x/a.rs", "use super::C;"),
                ("src/x/b.rs", "use crate::{\n    x::{A, Other},\n    y,\n};"),
            ],
        ),
        (
            "with the folder's own file",
            [
                ("src/x/mod.rs", "mod a;\nfn f() { a::go() }\npub struct X;"),
                ("src/x/a.rs", "use super::X;"),
                ("src/y.rs", ""),
            ],
        ),
        (
            "by the name of a module",
            [
                ("src/x/mod.rs", ""),
                ("src/x/a.rs", "use super::b::{self};"),
                ("src/x/b.rs", "fn f() { super::a::go() }"),
            ],
        ),
        (
            "over three files",
            [
                ("src/x/a.rs", "use super::Z;"),
                ("src/x/mod.rs", "use crate::y::Y;\nstruct Z;"),
                ("src/y.rs", "use crate::x::a::*;"),
            ],
        ),
    ] {
        let found = circles_of_files(&made_up(files));
        assert_eq!(found.len(), 1, "{case}: {found:?}");
        assert!(found[0].contains("src/x/a.rs"), "{case}: {found:?}");
    }
}

#[test]
fn files_that_do_not_use_each_other_are_in_no_circle() {
    let files = made_up([
        // A folder that passes on both, and a test that uses what it stands in.
        ("src/x/mod.rs", "mod a;\nmod b;\npub use a::A;\npub use b::B;"),
        ("src/x/a.rs", "pub struct A;\n#[cfg(test)]\nmod tests {\n    use crate::x::B;\n}"),
        (
            "src/x/b.rs",
            "// use super::c;\nuse super::a::A;\nuse std::fmt;\nfn f() { \"crate::x::c\"; A::go(); fmt::go() }",
        ),
        ("src/x/c.rs", "use super::B;\nuse crate::x::A;"),
        ("src/x/a/tests.rs", "use crate::x::c;"),
    ]);
    assert_eq!(circles_of_files(&files), Vec::<String>::new());
}

#[test]
fn a_crowded_folder_and_an_unknown_library_are_seen() {
    let names: Vec<String> = (0..=MAX_FILES).map(|number| format!("src/store/f{number}.rs")).collect();
    let mut files: Sources = names.iter().map(|name| (PathBuf::from(name), String::new())).collect();
    let crowded = "src/store holds 9 files; which subjects do they have?";
    assert_eq!(crowded_folders(&files), [crowded]);
    files.pop_last();
    files.extend(["src/store/mod.rs", "src/store/tests.rs"].map(|name| (PathBuf::from(name), String::new())));
    assert_eq!(crowded_folders(&files), Vec::<String>::new());

    let manifest = "[package]\nname = \"axum\"\n[dependencies]\nsea-orm = \"2\"\n\n[dev-dependencies]\ntower = \"1\"\n";
    let unknown = unknown_libraries(manifest, ["axum", "sea_orm", "tower"].into_iter());
    assert_eq!(unknown, ["axum is no dependency", "tower is no dependency"]);
}
