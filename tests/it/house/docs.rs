//! The pages: what they name exists, what they show works, and no code is missing from the list of errors.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use rotakey::domain::audit::Action;
use rotakey::service::ErrorCode;

use crate::support::deadline::until;
use crate::support::process::{Process, command, find_value};
use crate::support::server::Server;

/// How long a command of a page may take.
const COMMAND_DEADLINE: Duration = Duration::from_secs(30);

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The text of a page.
pub(super) fn text_of(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap()
}

/// Every page with its text.
fn pages() -> Vec<(PathBuf, String)> {
    let mut paths: Vec<PathBuf> =
        ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "playground/README.md"].map(PathBuf::from).into();
    let docs = std::fs::read_dir(root().join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let docs = docs.filter(|path| path.extension().is_some_and(|extension| extension == "md"));
    paths.extend(docs.map(|path| path.strip_prefix(root()).unwrap().to_path_buf()));
    paths.into_iter().map(|path| (path.clone(), std::fs::read_to_string(root().join(path)).unwrap())).collect()
}

/// The lines of all fenced blocks of this language.
pub(super) fn fenced<'a>(text: &'a str, language: &str) -> Vec<&'a str> {
    let mut inside = false;
    let mut lines = Vec::new();
    for line in text.lines() {
        let line = line.trim();
        if line.starts_with("```") {
            inside = !inside && line.trim_start_matches('`') == language;
        } else if inside {
            lines.push(line);
        }
    }
    lines
}

#[test]
fn every_error_code_has_its_row_and_every_row_its_code() {
    let page = text_of("docs/errors.md");
    let rows: BTreeSet<&str> =
        page.lines().filter_map(|line| line.strip_prefix("| `")).filter_map(|row| row.split('`').next()).collect();
    let codes: BTreeSet<&str> = ErrorCode::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(rows, codes);
}

#[test]
fn every_audit_action_has_its_row_and_every_row_its_action() {
    let page = text_of("docs/subscriptions.md");
    let table = page.split("| action | what happened |\n").nth(1).unwrap();
    let rows: BTreeSet<&str> = table
        .lines()
        .map_while(|line| line.strip_prefix('|'))
        .filter_map(|row| row.split('`').nth(1).filter(|_| row.starts_with(" `")))
        .collect();
    let actions: BTreeSet<&str> = Action::ALL.iter().map(|action| action.as_str()).collect();
    assert_eq!(rows, actions);
}

/// The number between these two texts, of which the first occurs once.
fn number_between(text: &str, before: &str, after: &str) -> f64 {
    let mut parts = text.split(before).skip(1);
    let number = parts.next().and_then(|rest| rest.split(after).next()).unwrap_or_else(|| panic!("no {before:?}"));
    assert!(parts.next().is_none(), "{before:?} occurs twice");
    number.trim().replace(',', "").parse().unwrap_or_else(|err| panic!("{number:?}: {err}"))
}

#[test]
fn the_readme_and_the_help_give_the_bytes_of_a_cached_value_that_were_measured() {
    let folder = tempfile::tempdir().unwrap();
    let mut help = command(folder.path());
    help.args(["serve", "--help"]);
    let (_, help, _) = Process::spawn(help).ended_within(COMMAND_DEADLINE);
    let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
    let in_help = number_between(&help, "cached in memory, at about ", " bytes each");
    assert_eq!(in_help, number_between(&text_of("README.md"), "cached in memory, at about ", " bytes each"));
    let measured = text_of("docs/performance.md");
    let idle = number_between(&measured, "| memory, idle |  | ", " MiB");
    let full = number_between(&measured, "| memory, with 100,000 cached values |  | ", " MiB");
    let bytes = (full - idle) * 1_048_576.0 / 100_000.0;
    assert_eq!(in_help, (bytes / 100.0).round() * 100.0, "{bytes} bytes were measured");
}

/// Where the links of a page lead.
fn links(text: &str) -> impl Iterator<Item = &str> {
    text.split("](").skip(1).filter_map(|rest| rest.split(')').next())
}

/// The anchors of a page's headings, as GitHub makes them.
fn anchors(text: &str) -> BTreeSet<String> {
    let headings = text.lines().filter(|line| line.starts_with('#')).map(|line| line.trim_start_matches('#').trim());
    let kept = |letter: &char| letter.is_alphanumeric() || matches!(letter, ' ' | '-' | '_');
    headings.map(|heading| heading.to_lowercase().chars().filter(kept).collect::<String>().replace(' ', "-")).collect()
}

#[test]
fn every_path_and_heading_that_a_page_links_to_exists() {
    let mut checked = 0;
    for (page, text) in pages() {
        for link in links(&text).filter(|link| !link.starts_with("http")) {
            let (target, anchor) = link.split_once('#').unwrap_or((link, ""));
            // Without a path, the link is to a heading of the same page.
            let path = if target.is_empty() { page.clone() } else { page.parent().unwrap().join(target) };
            let path = root().join(path);
            assert!(path.exists(), "{} links to {link}", page.display());
            let known = anchor.is_empty() || anchors(&std::fs::read_to_string(path).unwrap()).contains(anchor);
            assert!(known, "{} links to {link}", page.display());
            checked += 1;
        }
    }
    assert!(checked > 10);
}

#[test]
fn the_index_of_the_documentation_links_to_every_page() {
    let index = text_of("docs/README.md");
    let linked: BTreeSet<PathBuf> = links(&index)
        .filter(|link| !link.starts_with("http"))
        .map(|link| root().join("docs").join(link.split('#').next().unwrap()).canonicalize().unwrap())
        .collect();
    for (page, _) in pages().into_iter().filter(|(page, _)| page.starts_with("docs") && !page.ends_with("README.md")) {
        assert!(linked.contains(&root().join(&page).canonicalize().unwrap()), "{} is not in the index", page.display());
    }
    let readme = text_of("README.md");
    assert!(links(&readme).any(|link| link == "docs/README.md"), "README does not link to the index");
}

#[test]
fn every_source_path_that_a_page_names_exists() {
    for (page, text) in pages() {
        for name in text.split('`').skip(1).step_by(2) {
            let is_path =
                ["src/", "tests/", "docs/", "migration/", "playground/"].iter().any(|root| name.starts_with(root));
            let folder = page.parent().unwrap();
            assert!(
                !is_path || root().join(name).exists() || root().join(folder).join(name).exists(),
                "{} names {name}",
                page.display()
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_that_a_page_shows_works() {
    let makefile = text_of("Makefile");
    let mut ran = 0;
    for (page, text) in pages() {
        if page == Path::new("docs/backup.md") {
            // Its commands stop servers and replace databases. A script runs all of them.
            assert!(makefile.contains("\n\t./tests/backups\n"));
            continue;
        }
        if page == Path::new("docs/migrating.md") {
            // Its commands need a database of another system. A script makes some.
            assert!(makefile.contains("\n\t./tests/with-postgres ./tests/import\n"));
            continue;
        }
        // One server and one shell a page: its commands are pasted in order, and nothing is set but by them.
        let server = Server::start().await;
        let mut shell = Shell::of(&server).await;
        for line in fenced(&text, "sh") {
            let shown = format!("{}: {line}", page.display());
            if let Some(words) = line.strip_prefix("make ") {
                let (target, variable) = words.split_once(' ').unwrap_or((words, ""));
                assert!(makefile.contains(&format!("\n{target}:")), "{shown}");
                let name = variable.split('=').next().unwrap_or_default();
                assert!(variable.is_empty() || makefile.contains(&format!("$({name})")), "{shown}");
            } else if let Some(arguments) = line.strip_prefix("cargo run -- ") {
                let folder = tempfile::tempdir().unwrap();
                let first = arguments.split_whitespace().next().unwrap();
                let mut help = command(folder.path());
                help.args([first, "--help"]);
                assert!(Process::spawn(help).ended_within(COMMAND_DEADLINE).0.success(), "{shown}");
            } else if line.starts_with("curl ") {
                let line = line.replace("http://127.0.0.1:8080", &server.url);
                assert!(line.contains(&server.url), "{shown}");
                if line.contains("text/event-stream") {
                    let event = first_event(shell.command(&format!("exec {line}")), &server, &shown).await;
                    assert!(event.starts_with(r#"data: {"data":{"#), "{shown}: {event}");
                } else {
                    let answer = shell.answer_of(&line);
                    let errors = (answer.get("errors"), answer.get("code"));
                    match line.split_once("   # ") {
                        None => assert_eq!(errors, (None, None), "{shown}: {answer:?}"),
                        // The page shows a refusal.
                        Some((_, code)) => assert_eq!(answer["errors"][0]["extensions"]["code"], code, "{shown}"),
                    }
                }
            } else if let Some(setting) = line.strip_prefix("export ") {
                shell.export(&setting.replace("http://127.0.0.1:8080", &server.url));
            } else if line.starts_with("npm ") {
                let script = line.trim_start_matches("npm run ");
                let package = text_of("playground/package.json");
                assert!(line == "npm ci" || package.contains(&format!("\"{script}\":")), "{shown}");
            } else {
                assert!(line.is_empty(), "teach this test to run {shown}");
            }
            ran += 1;
        }
    }
    assert!(ran >= 6);
}

/// A person's shell: what they exported, and what they read in the last answers.
struct Shell {
    exported: Vec<(String, String)>,
    value: String,
    id: String,
}

impl Shell {
    /// That of a person who has the first value, and knows the id of a token.
    async fn of(server: &Server) -> Self {
        let value = server.admin.value.clone().unwrap();
        Self { exported: Vec::new(), value, id: server.admin.my_id().await }
    }

    /// Carries out an `export`. Where the page leaves out a value or an id, the person fills in what they read last.
    fn export(&mut self, setting: &str) {
        let (name, text) = setting.split_once('=').unwrap();
        let text = text.split("   #").next().unwrap().trim_end();
        let text = match text {
            "rk_…" => self.value.clone(),
            "tok_…" => self.id.clone(),
            _ => {
                let (status, stdout, _) = self.run(&format!("printf %s \"{text}\""));
                assert!(status.success() && !stdout.is_empty(), "{setting}");
                stdout
            }
        };
        self.exported.push((name.to_owned(), text));
    }

    fn command(&self, line: &str) -> Command {
        let mut command = Command::new("sh");
        // An unset variable is an error, and not an empty text.
        command.args(["-u", "-c", line]).env_remove("TOKEN").env_remove("TOKEN_ID").envs(self.exported.iter().cloned());
        command
    }

    fn run(&self, line: &str) -> (std::process::ExitStatus, String, String) {
        Process::spawn(self.command(line)).ended_within(COMMAND_DEADLINE)
    }

    fn answer_of(&mut self, line: &str) -> serde_json::Map<String, serde_json::Value> {
        let (status, stdout, stderr) = self.run(line);
        assert!(status.success(), "{line}: {stderr}");
        if let Some(value) = find_value(&stdout) {
            self.value = value;
        }
        if let Some(id) = stdout.split('"').find(|word| word.starts_with("tok_")) {
            self.id = id.to_owned();
        }
        serde_json::from_str(&stdout).unwrap()
    }
}

/// The data of the first event of a stream. Tokens are created until it has come, because nothing says when a stream has begun.
async fn first_event(stream: Command, server: &Server, shown: &str) -> String {
    let mut stream = Process::spawn(stream);
    let mut event = None;
    let has_come = async || {
        server.admin.create(serde_json::json!({ "name": "announced" })).await.unwrap();
        event = stream.lines().into_iter().find(|line| line.starts_with("data"));
        assert!(event.is_some() || stream.is_running(), "{shown} ended without an event: {}", stream.said());
        event.is_some()
    };
    until(&format!("an event of {shown}"), has_come).await;
    event.unwrap()
}

#[test]
fn both_licences_are_there() {
    for (file, name) in [("LICENSE-MIT", "MIT License"), ("LICENSE-APACHE", "Apache License")] {
        assert!(std::fs::read_to_string(Path::new(&root()).join(file)).unwrap().contains(name));
    }
}
