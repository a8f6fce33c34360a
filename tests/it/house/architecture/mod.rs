//! The rooms of `ARCHITECTURE.md`: who may use whom, no circles of rooms or files, no long file, no crowded folder. Reads the
//! sources as text.

mod imports;
mod made_up;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

const MAX_LINES: usize = 350;
/// The most files of a folder, its `mod.rs` and test files aside.
const MAX_FILES: usize = 8;

const HTTP: &[&str] = &["axum", "hyper", "hyper_util", "tower_service", "rust_embed", "utoipa"];

const OUTGOING: &[&str] = &["http_body_util", "hyper", "hyper_util"];

const TRACES: &[&str] = &["opentelemetry", "opentelemetry_proto", "prost", "hyper"];

/// What each room may use of ours, and which libraries are its own: no other room may name them, unless they are its own as well.
const ROOMS: &[(&str, &[&str], &[&str])] = &[
    ("domain", &[], &[]),
    ("clock", &[], &[]),
    ("entropy", &[], &["rand"]),
    ("metrics", &[], &["prometheus_client"]),
    ("signing", &["domain"], &["ring"]),
    ("tls", &["metrics"], &["ring", "tokio_rustls", "webpki_roots", "x509_cert"]),
    ("outgoing", &["tls"], OUTGOING),
    ("mail", &["outgoing", "tls"], &["lettre"]),
    ("traces", &["domain", "clock", "entropy", "metrics", "outgoing", "tls"], TRACES),
    ("store", &["domain", "metrics", "traces"], &["sea_orm", "migration"]),
    ("service", &["domain", "store", "clock", "entropy", "metrics", "signing"], &[]),
    ("graphql", &["domain", "service", "metrics", "traces"], &["async_graphql", "apollo_compiler"]),
    ("notice", &["domain", "store", "service", "mail", "outgoing", "signing", "tls"], &[]),
    ("http", &["domain", "service", "graphql", "metrics", "tls", "traces"], HTTP),
    ("config", &["domain", "service", "graphql", "http", "mail", "telemetry", "tls", "traces"], &[]),
    ("telemetry", &[], &["tracing_subscriber"]),
    ("systemd", &[], &["sd_notify", "sd_listen_fds"]),
    (
        "app",
        &["config", "domain", "clock", "entropy", "store", "service", "http", "notice", "systemd", "tls", "traces"],
        &[],
    ),
    (
        "cli",
        &[
            "app",
            "config",
            "telemetry",
            "clock",
            "entropy",
            "service",
            "graphql",
            "http",
            "mail",
            "notice",
            "outgoing",
            "systemd",
            "tls",
            "traces",
        ],
        &[],
    ),
    ("main", &["cli"], &[]),
];

/// What `domain` must not contain: it never waits and never knows what is around it.
const DOMAIN_NEVER: &[&str] = &["async ", ".await", "std::fs", "std::net", "std::env"];
const DOMAIN_NEVER_NAMES: &[&str] = &["tokio", "serde", "serde_json", "tracing"];

type Sources = BTreeMap<PathBuf, String>;

fn sources() -> Sources {
    fn collect(folder: &Path, found: &mut Sources) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                found.insert(path.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap().to_path_buf(), text);
            }
        }
    }
    let mut found = Sources::new();
    for folder in ["src", "migration/src", "tests", "benches"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        if folder.is_dir() {
            collect(&folder, &mut found);
        }
    }
    found
}

/// The room of a file of `src`; the library's root belongs to none.
fn room(path: &Path) -> Option<String> {
    let first = path.strip_prefix("src").ok()?.components().next()?.as_os_str().to_str()?;
    let name = first.strip_suffix(".rs").unwrap_or(first);
    (name != "lib").then(|| name.to_owned())
}

/// The text without comments and without the contents of string literals, which may name anything.
fn code(text: &str) -> String {
    let line = |line: &str| {
        let mut kept = String::new();
        let mut quoted = false;
        let mut letters = line.chars().peekable();
        while let Some(letter) = letters.next() {
            match letter {
                '\\' if quoted => drop(letters.next()),
                '"' => quoted = !quoted,
                '/' if !quoted && letters.peek() == Some(&'/') => break,
                _ if quoted => {}
                _ => kept.push(letter),
            }
        }
        kept
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

/// The rooms that a text names by `crate::room`, `crate::{room, …}` or, in the binary, `rotakey::room`.
fn used(text: &str) -> BTreeSet<String> {
    let text = code(text);
    let mut rooms = BTreeSet::new();
    for root in ["crate::", "rotakey::"] {
        for (at, _) in text.match_indices(root) {
            let rest = &text[at + root.len()..];
            let (group, one) = (rest.strip_prefix('{'), rest);
            let names: Vec<&str> = match group {
                Some(group) => top_level(group),
                None => vec![one],
            };
            for name in names {
                let name: String =
                    name.trim().chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect();
                rooms.insert(name);
            }
        }
    }
    rooms
}

/// The items of a `{…}` list, those of inner lists aside.
fn top_level(group: &str) -> Vec<&str> {
    let (mut depth, mut start, mut items) = (0, 0, Vec::new());
    for (at, letter) in group.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' if depth == 0 => {
                items.push(&group[start..at]);
                break;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                items.push(&group[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    items
}

/// Whether a text uses this library: as `name::`, not as the end of another name.
fn names_library(text: &str, library: &str) -> bool {
    let path = format!("{library}::");
    text.match_indices(&path).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        !before.is_some_and(|letter| letter.is_alphanumeric() || letter == '_' || letter == ':')
    })
}

fn violations(sources: &Sources) -> Vec<String> {
    let mut found = Vec::new();
    let mut edges: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (path, text) in sources {
        let lines = text.lines().count();
        if lines > MAX_LINES {
            found.push(format!("{} has {lines} lines; what is its second subject?", path.display()));
        }
        let Some(room) = room(path) else { continue };
        let Some((_, allowed, own)) = ROOMS.iter().find(|(name, _, _)| *name == room) else {
            found.push(format!("{} is in no room of the table", path.display()));
            continue;
        };
        if code(text).contains("super::super::") {
            found.push(format!("{} climbs out of its module; name the room instead", path.display()));
        }
        // In the root file of a room `super` is the whole house.
        let is_root = path.components().count() == 2 || path.ends_with("mod.rs") && path.components().count() == 3;
        let text = if is_root { text.replace("super::", "crate::") } else { text.clone() };
        let text = text.as_str();
        for other in used(text).into_iter().filter(|other| *other != room && !other.is_empty()) {
            if !allowed.contains(&other.as_str()) {
                found.push(format!("{} uses {other}, which {room} may not", path.display()));
            }
            edges.entry(room.clone()).or_default().insert(other);
        }
        for (owner, _, libraries) in ROOMS.iter().filter(|(owner, _, _)| *owner != room) {
            let foreign = libraries.iter().filter(|library| !own.contains(library));
            for library in foreign.filter(|library| names_library(&code(text), library)) {
                found.push(format!("{} uses {library}, which belongs to {owner}", path.display()));
            }
        }
        if room == "domain" {
            let named = DOMAIN_NEVER_NAMES.iter().filter(|library| names_library(&code(text), library));
            for never in DOMAIN_NEVER.iter().filter(|never| code(text).contains(**never)).chain(named) {
                found.push(format!("{} contains {never:?}, which domain never does", path.display()));
            }
        }
    }
    found.extend(circles(&edges));
    found
}

/// Circles of files.
fn circles_of_files(sources: &Sources) -> Vec<String> {
    let circles = imports::circles(sources).into_iter();
    circles.map(|files| format!("a circle of files: {files:?}; which part of one do the others need?")).collect()
}

/// Folders of a room with too many files to have one subject.
fn crowded_folders(sources: &Sources) -> Vec<String> {
    let mut files: BTreeMap<&Path, usize> = BTreeMap::new();
    for path in sources.keys().filter(|path| room(path).is_some() && !path.ends_with("mod.rs")) {
        if let Some(folder) = path.parent().filter(|_| !path.ends_with("tests.rs")) {
            *files.entry(folder).or_default() += 1;
        }
    }
    let crowded = files.into_iter().filter(|(folder, files)| *files > MAX_FILES && *folder != Path::new("src"));
    crowded
        .map(|(folder, files)| format!("{} holds {files} files; which subjects do they have?", folder.display()))
        .collect()
}

/// Libraries that the tables name and that are no dependency of ours: nothing would be held by naming them.
fn unknown_libraries<'a>(manifest: &str, libraries: impl Iterator<Item = &'a str>) -> Vec<String> {
    let dependencies = manifest.split("[dependencies]").nth(1).and_then(|rest| rest.split("\n[").next());
    let names: BTreeSet<String> = dependencies
        .unwrap_or_default()
        .lines()
        .filter_map(|line| line.split_once('='))
        .map(|(name, _)| name.trim().replace('-', "_"))
        .collect();
    libraries.filter(|library| !names.contains(*library)).map(|library| format!("{library} is no dependency")).collect()
}

fn circles(edges: &BTreeMap<String, BTreeSet<String>>) -> Vec<String> {
    let mut found = Vec::new();
    for start in edges.keys() {
        let mut reached = BTreeSet::new();
        let mut frontier = vec![start];
        while let Some(room) = frontier.pop() {
            for next in edges.get(room).into_iter().flatten() {
                if next == start {
                    found.push(format!("{start} uses itself by way of {room}"));
                }
                if reached.insert(next) {
                    frontier.push(next);
                }
            }
        }
    }
    found
}

#[test]
fn the_rooms_use_only_what_they_may() {
    assert_eq!(violations(&sources()), Vec::<String>::new());
}

#[test]
fn no_files_use_each_other_in_a_circle() {
    assert_eq!(circles_of_files(&sources()), Vec::<String>::new());
}

#[test]
fn a_folder_holds_few_files() {
    assert_eq!(crowded_folders(&sources()), Vec::<String>::new());
}

#[test]
fn every_library_of_the_table_is_a_dependency() {
    let libraries = ROOMS.iter().flat_map(|(_, _, libraries)| *libraries).chain(DOMAIN_NEVER_NAMES).copied();
    assert_eq!(unknown_libraries(include_str!("../../../../Cargo.toml"), libraries), Vec::<String>::new());
}

#[test]
fn every_room_of_the_table_exists() {
    let rooms: BTreeSet<String> = sources().keys().filter_map(|path| room(path)).collect();
    let table: BTreeSet<String> = ROOMS.iter().map(|(name, _, _)| (*name).to_owned()).collect();
    assert_eq!(rooms, table);
}
