//! The page has every event of the code, with its levels and fields, and no other; the JSON Schema says the same as the page.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

/// The fields that any line may have.
const COMMON: [&str; 11] = [
    "timestamp",
    "level",
    "event",
    "message",
    "target",
    "fields",
    "request_id",
    "method",
    "route",
    "trace_id",
    "span_id",
];

/// The levels and fields of an event.
type Event = (BTreeSet<String>, BTreeSet<String>);

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn page() -> String {
    std::fs::read_to_string(root().join("docs/logs.md")).unwrap()
}

/// The arguments of a macro, from the text behind its opening parenthesis.
fn arguments(text: &str) -> Vec<String> {
    let (mut depth, mut quoted, mut escaped) = (1, false, false);
    let mut arguments = vec![String::new()];
    for letter in text.chars() {
        match letter {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ if quoted => {}
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            ',' if depth == 1 => {
                arguments.push(String::new());
                continue;
            }
            _ => {}
        }
        if depth == 0 {
            break;
        }
        arguments.last_mut().unwrap().push(letter);
    }
    arguments.into_iter().map(|argument| argument.trim().to_owned()).filter(|argument| !argument.is_empty()).collect()
}

/// The events that the sources log: `tracing::info!(name: "event", field, %field, field = value, "message")`.
fn logged(folder: &Path, found: &mut BTreeMap<String, Event>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            logged(&path, found);
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        for level in ["error", "warn", "info", "debug", "trace"] {
            for call in text.split(&format!("{level}!(")).skip(1) {
                let mut arguments = arguments(call).into_iter();
                let first = arguments.next().unwrap_or_default();
                let name = first.strip_prefix("name: \"").and_then(|name| name.strip_suffix('"'));
                let name = name.unwrap_or_else(|| panic!("{}: an event without a name: {first}", path.display()));
                let named = arguments.filter(|argument| !argument.starts_with('"'));
                let fields =
                    named.map(|field| field.split('=').next().unwrap().trim_matches(['%', '?', ' ']).to_owned());
                let event = found.entry(name.to_owned()).or_default();
                event.0.insert(level.to_uppercase());
                event.1.extend(fields);
            }
        }
    }
}

/// The cells of the rows of the table with this header.
fn table(page: &str, header: &str) -> Vec<Vec<String>> {
    let rows = page.lines().skip_while(|line| *line != header).skip(2).take_while(|line| line.starts_with('|'));
    let rows = rows.map(|row| row.trim_matches('|').split('|').map(|cell| cell.trim().replace('`', "")).collect());
    rows.collect()
}

fn events(page: &str) -> Vec<Vec<String>> {
    table(page, "| event | level | fields | when |")
}

fn listed(cell: &str) -> impl Iterator<Item = &str> {
    cell.split(',').map(str::trim).filter(|name| !name.is_empty())
}

#[test]
fn the_page_has_every_event_that_is_logged_with_its_levels_and_fields() {
    let mut in_code = BTreeMap::new();
    logged(&root().join("src"), &mut in_code);
    let on_page: BTreeMap<String, Event> = events(&page())
        .into_iter()
        .map(|row| {
            let levels = listed(&row[1]).map(str::to_owned).collect();
            (row[0].clone(), (levels, listed(&row[2]).map(|field| field.trim_end_matches('?').to_owned()).collect()))
        })
        .collect();
    assert!(in_code.len() > 40);
    assert_eq!(on_page, in_code);
}

/// The type of a field.
fn typed(name: &str, events: &[Vec<String>]) -> Value {
    match name {
        "time" => json!({ "type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$" }),
        "level" => json!({ "enum": ["ERROR", "WARN", "INFO", "DEBUG", "TRACE"] }),
        "event" => json!({ "enum": events.iter().map(|row| &row[0]).collect::<Vec<_>>() }),
        name => json!({ "type": name }),
    }
}

#[test]
fn the_schema_says_the_same_as_the_page() {
    let page = page();
    let events = events(&page);
    let mut common = Map::new();
    let mut own = Map::new();
    for row in table(&page, "| field | type | meaning |") {
        let mut schema = typed(&row[1], &events);
        schema["description"] = row[2].as_str().into();
        let fields = if COMMON.contains(&row[0].as_str()) { &mut common } else { &mut own };
        fields.insert(row[0].clone(), schema);
    }
    let mut used = BTreeSet::new();
    let mut rules = vec![json!({
        "if": { "required": ["event"] },
        "then": { "not": { "required": ["fields"] } },
        "else": { "required": ["target", "fields"] }
    })];
    for row in &events {
        let names: Vec<&str> = listed(&row[2]).collect();
        let fields: Vec<&str> = names.iter().map(|name| name.trim_end_matches('?')).collect();
        used.extend(fields.iter().map(|field| (*field).to_owned()));
        let of = |field: &&str| ((*field).to_owned(), json!({ "$ref": format!("#/$defs/{field}") }));
        let mut properties: Map<String, Value> = fields.iter().map(of).collect();
        properties.insert("level".to_owned(), json!({ "enum": listed(&row[1]).collect::<Vec<_>>() }));
        let required: Vec<&str> = names.into_iter().filter(|name| !name.ends_with('?')).collect();
        rules.push(json!({
            "if": { "properties": { "event": { "const": row[0] } }, "required": ["event"] },
            "then": { "properties": properties, "required": required }
        }));
    }
    assert_eq!(used, own.keys().cloned().collect(), "a field that no event has, or one that is not described");
    assert_eq!(common.keys().map(String::as_str).collect::<BTreeSet<_>>(), BTreeSet::from(COMMON));
    let expected = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A line of Rotakey's log as JSON",
        "type": "object",
        "required": ["timestamp", "level", "message"],
        "properties": common,
        "allOf": rules,
        "$defs": own,
    });
    let text = std::fs::read_to_string(root().join("docs/logs.schema.json")).unwrap();
    let expected = format!("{}\n", serde_json::to_string_pretty(&expected).unwrap());
    assert!(text == expected, "docs/logs.schema.json must be:\n{expected}");
}
