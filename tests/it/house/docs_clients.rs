//! The page of clients shows nothing but what the scripts in `tests` run: every block of it is a region of a client or of
//! such a script, between lines that say `docs:begin` and `docs:end`.

use std::collections::BTreeSet;
use std::path::Path;

/// Folders of what is installed, generated or built, and of the clients that another page shows.
const NOT_OURS: [&str; 6] = ["node_modules", "build", "generated", "rotakey", "target", "glean"];
const SOURCES: [&str; 6] = ["go", "mjs", "py", "rs", "toml", "ts"];

#[test]
fn every_block_of_the_page_of_clients_is_code_that_runs_and_every_region_is_shown() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(root.join("docs/clients.md")).unwrap();
    let shown = cut(&page, |line| line.starts_with("```") && line.len() > 3, |line| line == "```");
    let mut run = BTreeSet::new();
    collect(&root.join("tests/clients"), &mut run);
    for script in ["tests/generated-clients", "tests/openapi-clients"] {
        run.extend(regions(&root.join(script)));
    }
    assert!(shown.len() >= 15);
    assert_eq!(shown.difference(&run).collect::<Vec<_>>(), Vec::<&String>::new(), "shown and not run");
    assert_eq!(run.difference(&shown).collect::<Vec<_>>(), Vec::<&String>::new(), "a region and not shown");
}

fn collect(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() && !NOT_OURS.contains(&name) {
            collect(&path, found);
        } else if path.extension().and_then(|extension| extension.to_str()).is_some_and(|own| SOURCES.contains(&own)) {
            found.extend(regions(&path));
        }
    }
}

fn regions(path: &Path) -> BTreeSet<String> {
    let text = std::fs::read_to_string(path).unwrap();
    let comment = |line: &str| line.trim_start_matches(['/', '#']).trim_start().to_owned();
    cut(&text, |line| comment(line).starts_with("docs:begin "), |line| comment(line) == "docs:end")
}

/// The lines between two marks, without the indentation that they share and without blank lines at the end.
fn cut(text: &str, begins: impl Fn(&str) -> bool, ends: impl Fn(&str) -> bool) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut inside: Option<Vec<&str>> = None;
    for line in text.lines() {
        match &mut inside {
            Some(lines) if ends(line.trim()) => {
                found.insert(dedented(lines));
                inside = None;
            }
            Some(lines) => lines.push(line),
            None if begins(line.trim()) => inside = Some(Vec::new()),
            None => {}
        }
    }
    assert_eq!(inside, None, "a region has no end");
    found
}

fn dedented(lines: &[&str]) -> String {
    let indent = |line: &&str| line.len() - line.trim_start().len();
    let shared = lines.iter().filter(|line| !line.trim().is_empty()).map(indent).min().unwrap_or(0);
    let lines: Vec<&str> = lines.iter().map(|line| line.get(shared..).unwrap_or("")).collect();
    lines.join("\n").trim_end().to_owned()
}
