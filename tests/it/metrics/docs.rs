//! The page has every metric of the code, with its type and meaning, and no other.

use std::collections::BTreeMap;
use std::path::Path;

/// Each metric by its name, with its type and meaning.
type Metrics = BTreeMap<String, (String, String)>;

/// The metrics that the sources describe: `Family::counter("name", "meaning")` and its like.
fn described(folder: &Path, found: &mut Metrics) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            described(&path, found);
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
        for kind in ["counter", "gauge", "histogram"] {
            for call in code.split(&format!("Family::{kind}(")).skip(1) {
                let mut texts = call.split('"');
                let (name, help) = (texts.nth(1).unwrap(), texts.nth(1).unwrap());
                let name = if kind == "counter" { format!("{name}_total") } else { name.to_owned() };
                found.insert(name, (kind.to_owned(), help.to_owned()));
            }
        }
    }
}

#[test]
fn the_page_says_of_every_metric_what_the_server_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut in_code = Metrics::new();
    for room in ["metrics", "tls", "traces", "store", "service", "graphql", "http"] {
        described(&root.join("src").join(room), &mut in_code);
    }
    let page = std::fs::read_to_string(root.join("docs/monitoring.md")).unwrap();
    let rows = page.lines().filter(|line| line.starts_with("| `rotakey_") || line.starts_with("| `process_"));
    let on_page: Metrics = rows
        .map(|row| {
            let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
            let name = cells[0].trim_matches('`').to_owned();
            (name, (cells[1].to_owned(), cells[3].to_owned()))
        })
        .collect();
    assert!(in_code.len() > 30);
    assert_eq!(on_page, in_code);
}
