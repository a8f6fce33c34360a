//! `--database-url-file` and credentials of systemd: secrets that are neither in the arguments nor in the environment.

use std::process::Command;

use crate::support::process::{Process, command};

use super::settings_file::{file, output};

const SECRET: &str = "postgres://rotakey:hunter2@db/rotakey";

#[test]
fn a_secret_comes_from_its_first_source_and_is_never_printed() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str, text: &str| file(folder.path(), name, text).display().to_string();
    let (by_flag, by_variable) = (path("by-flag", SECRET), path("by-variable", &format!("{SECRET}\r\n")));
    let by_file = path("by-file", &format!("{SECRET}\n"));
    let credentials = folder.path().join("credentials");
    std::fs::create_dir(&credentials).unwrap();
    let credential = file(&credentials, "database-url", SECRET).display().to_string();
    let names_file = path("names-file.toml", &format!("database-url-file = {by_file:?}\n"));
    let has_value = path("has-value.toml", &format!("\ndatabase-url = {SECRET:?}\n"));
    let empty = path("empty.toml", "");
    let credentials = credentials.display().to_string();
    let (none, of_file) = (None, Some(names_file.as_str()));
    let file_flag = format!("--database-url-file={by_flag}");
    let (value_flag, file_variable) = (format!("--database-url={SECRET}"), Some(by_variable.as_str()));
    for (flag, value, variable, config, origin) in [
        (Some(&file_flag), Some(SECRET), file_variable, of_file, by_flag.as_str()),
        (Some(&file_flag), none, none, of_file, &by_flag),
        (Some(&value_flag), none, file_variable, of_file, "command line"),
        (None, Some(SECRET), none, of_file, "ROTAKEY_DATABASE_URL"),
        (None, Some(""), file_variable, of_file, &by_variable),
        (None, none, Some(""), of_file, &by_file),
        (None, none, none, Some(&has_value), &format!("{has_value}, line 2")),
        (None, none, none, Some(&empty), &credential),
    ] {
        let mut command = command(folder.path());
        command.args(["config", "print"]).args(flag).env("CREDENTIALS_DIRECTORY", &credentials);
        for (name, text) in
            [("ROTAKEY_DATABASE_URL", value), ("ROTAKEY_DATABASE_URL_FILE", variable), ("ROTAKEY_CONFIG", config)]
        {
            command.envs(text.map(|text| (name, text)));
        }
        let (done, stdout, stderr) = output(command);
        assert!(done, "{stderr}");
        let line = format!("database-url = \"(secret)\" # {origin}");
        assert!(stdout.lines().any(|printed| printed == line), "{line}: {stdout}");
        assert!(!stdout.contains("hunter2") && !stderr.contains("hunter2"));
    }
}

#[test]
fn help_and_problems_show_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    let wrong = "mysql://rotakey:hunter2@db/rotakey";
    let secret = file(folder.path(), "secret", wrong);
    let config = file(folder.path(), "rotakey.toml", format!("database-url = {wrong:?}\n"));
    for subcommand in ["serve", "bootstrap", "backup", "restore", "retire-values", "--help"] {
        let mut by_file = command(folder.path());
        by_file.arg(subcommand).env("ROTAKEY_DATABASE_URL_FILE", &secret);
        let mut by_config = command(folder.path());
        by_config.arg(subcommand).env("ROTAKEY_CONFIG", &config);
        for mut command in [by_file, by_config] {
            match subcommand {
                "backup" | "restore" => drop(command.arg("file.db")),
                "retire-values" => drop(command.args(["--issued-before", "2026-11-01T00:00:00Z"])),
                _ => {}
            }
            let (done, stdout, stderr) = output(command);
            assert_eq!(done, subcommand == "--help", "{subcommand}: {stderr}");
            assert!(done || stderr.contains(": --database-url must start with"), "{subcommand}: {stderr}");
            assert!(!stdout.contains("hunter2") && !stderr.contains("hunter2"), "{subcommand}");
        }
        let mut help = command(folder.path());
        help.args([subcommand, "--help"]).env("ROTAKEY_DATABASE_URL", wrong).env("ROTAKEY_CONFIG", &config);
        let (done, stdout, _) = output(help);
        assert!(done && stdout.contains("--database-url-file") && !stdout.contains("hunter2"));
    }
}

#[test]
fn help_shows_the_value_of_no_variable_that_may_contain_a_secret() {
    let folder = tempfile::tempdir().unwrap();
    let mut help = command(folder.path());
    help.args(["serve", "--help"]);
    let (_, help, _) = output(help);
    // Lines are wrapped anywhere.
    let words = help.split(|letter: char| !(letter.is_ascii_uppercase() || letter == '_'));
    let variables: Vec<&str> = words.filter(|word| word.starts_with("ROTAKEY_")).collect();
    let secrets: Vec<&str> =
        variables.iter().copied().filter(|name| variables.contains(&format!("{name}_FILE").as_str())).collect();
    assert!(secrets.contains(&"ROTAKEY_DATABASE_URL") && secrets.contains(&"ROTAKEY_OTLP_ENDPOINT"), "{secrets:?}");
    for subcommand in [&["serve", "--help"][..], &["--help"], &["config", "check", "--help"]] {
        let mut help = command(folder.path());
        help.args(subcommand).envs(secrets.iter().map(|name| (name, "https://rotakey:hunter2@host/?token=hunter2")));
        let (done, stdout, stderr) = output(help);
        assert!(done && stdout.contains("ROTAKEY_OTLP_ENDPOINT") && stderr.is_empty(), "{stderr}");
        assert!(!stdout.contains("hunter2"), "{stdout}");
    }
}

#[test]
fn what_is_wrong_with_a_secret_file_is_said_with_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let check = || {
        let mut command = command(folder.path());
        command.args(["config", "check"]);
        command
    };
    let refused = |command: Command, expected: &str| {
        let (done, stdout, stderr) = output(command);
        assert_eq!((done, stdout.as_str()), (false, ""));
        assert!(stderr.contains(expected) && stderr.lines().count() == 1, "{expected}: {stderr}");
        assert!(!stderr.contains("hunter2"), "{stderr}");
    };
    let missing = folder.path().join("missing");
    let two_lines = file(folder.path(), "two", "hunter2\nhunter2");
    for (path, problem) in [
        (missing.clone(), format!("cannot read {}: No such file or directory (os error 2).", missing.display())),
        (file(folder.path(), "empty", "\n"), format!("{} is empty.", folder.path().join("empty").display())),
        (two_lines.clone(), format!("{} must contain one line, and no control characters.", two_lines.display())),
        (folder.path().to_owned(), format!("cannot read {}: Is a directory", folder.path().display())),
    ] {
        let mut by_flag = check();
        by_flag.arg("--database-url-file").arg(&path);
        refused(by_flag, &format!("rotakey: --database-url-file: {problem}"));
        let mut by_variable = check();
        by_variable.env("ROTAKEY_DATABASE_URL_FILE", &path);
        refused(by_variable, &format!("ROTAKEY_DATABASE_URL_FILE: --database-url-file: {problem}"));
        let config =
            file(folder.path(), "rotakey.toml", format!("\ndatabase-url-file = {:?}\n", path.display().to_string()));
        let mut by_config = check();
        by_config.arg("--config").arg(&config);
        refused(by_config, &format!("{}, line 2: --database-url-file: {problem}", config.display()));
    }
    let both = "give either --database-url or --database-url-file, not both.";
    let mut by_flag = check();
    by_flag.args(["--database-url", SECRET, "--database-url-file"]).arg(&missing);
    refused(by_flag, &format!("rotakey: {both}"));
    let mut by_variable = check();
    by_variable.env("ROTAKEY_DATABASE_URL", SECRET).env("ROTAKEY_DATABASE_URL_FILE", &missing);
    refused(by_variable, both);
    let config = file(folder.path(), "rotakey.toml", format!("database-url = {SECRET:?}\ndatabase-url-file = '/x'\n"));
    let mut by_config = check();
    by_config.arg("--config").arg(config);
    refused(by_config, both);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_finds_its_credential() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("credential.db");
    file(folder.path(), "database-url", format!("sqlite://{}\n", database.display()));
    let mut serve = command(folder.path());
    serve.args(["serve", "--listen=127.0.0.1:0"]).env("CREDENTIALS_DIRECTORY", folder.path());
    let server = Process::listening(serve);
    assert!(server.said().contains(&format!("Database: {}", database.display())), "{}", server.said());
    assert_eq!(server.client().with(server.first_value()).check().await, Ok(1));
}

#[test]
fn a_secret_in_the_wrong_place_of_the_command_line_is_not_repeated() {
    let folder = tempfile::tempdir().unwrap();
    let value = "rk_00000000000000000000000000000000000000000002gL6Az";
    let flag = format!("--databse-url={SECRET}");
    for arguments in [
        vec![SECRET],
        vec![value],
        vec!["serve", SECRET],
        vec!["serve", value],
        vec!["serve", &flag],
        vec!["serve", &format!("--{SECRET}")],
        // Behind the flag, where the shell has left a blank.
        vec!["serve", "--otlp-headers=", "authorization=Bearer%20hunter2"],
        vec!["serve", "--otlp-headers", "authorization=Bearer", "hunter2"],
        vec!["serve", "hunter2"],
        vec!["hunter2"],
        vec!["config", "hunter2"],
        vec!["backup", "a.db", "hunter2"],
        vec!["serve", "--graphql-max-depth", SECRET],
        vec!["serve", "--graphql-max-depth", value],
        vec!["serve", "--listen", SECRET],
        vec!["serve", "--listen", value],
        vec!["bootstrap", SECRET],
        vec!["backup", "a.db", SECRET],
        vec!["config", SECRET],
        vec!["config", "check", value],
        vec!["completions", SECRET],
        vec!["retire-values", "--issued-before", SECRET],
    ] {
        let mut command = command(folder.path());
        command.args(&arguments);
        let (done, stdout, stderr) = output(command);
        assert!(!done && !stderr.is_empty(), "{stdout}");
        for secret in ["hunter2", "2gL6Az"] {
            assert!(!stdout.contains(secret) && !stderr.contains(secret), "{stderr}");
        }
    }
}
