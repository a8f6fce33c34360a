//! The settings that pages show are those of the binary.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::house::docs::{fenced, text_of};
use crate::support::process::{Process, command};

const DEADLINE: Duration = Duration::from_secs(30);

fn output(command: Command) -> (bool, String, String) {
    let (status, stdout, stderr) = Process::spawn(command).ended_within(DEADLINE);
    (status.success(), stdout, stderr)
}

fn check(folder: &Path) -> Command {
    let mut command = command(folder);
    command.args(["config", "check", "--config", "rotakey.toml"]);
    command
}

#[test]
fn the_example_of_a_settings_file_is_that_of_the_binary() {
    let folder = tempfile::tempdir().unwrap();
    let mut example = command(folder.path());
    example.args(["config", "example"]);
    let (_, printed, _) = output(example);
    assert_eq!(text_of("docs/rotakey.toml"), printed, "make settings");
    let without_example = printed.lines().find(|line| line.ends_with(" = \"\"") && !line.contains("trusted-proxies"));
    assert_eq!(without_example, None, "a flag without a default needs `such as EXAMPLE` in its help");
}

#[test]
fn the_settings_file_of_the_page_is_valid() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("database-url"), "postgres://db/rotakey\n").unwrap();
    let text = fenced(&text_of("docs/configuration.md"), "toml").join("\n");
    std::fs::write(folder.path().join("rotakey.toml"), text.replace("/run/secrets/", "")).unwrap();
    let (done, stdout, stderr) = output(check(folder.path()));
    assert!(done, "{stderr}");
    assert_eq!(stdout, "The settings are valid: rotakey.toml\n");
}

#[test]
fn the_problems_of_the_page_are_those_of_the_binary() {
    let folder = tempfile::tempdir().unwrap();
    let text = "\n\nlisen = 1\n\n\n\ngraphql-max-depth = 'deep'\n";
    std::fs::write(folder.path().join("rotakey.toml"), text).unwrap();
    let mut check = check(folder.path());
    check.env("ROTAKEY_MAX_LIFETIME", "90");
    let (_, _, stderr) = output(check);
    assert_eq!(stderr.lines().collect::<Vec<_>>(), fenced(&text_of("docs/configuration.md"), "text"));
}
