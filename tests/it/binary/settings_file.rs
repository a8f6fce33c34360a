//! `--config`: settings from a TOML file, with their precedence and all problems at once.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::support::process::{Process, command};

const DEADLINE: Duration = Duration::from_secs(60);

pub(super) fn file(folder: &Path, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path
}

fn config(folder: &Path, subcommand: &str, file: &Path) -> Command {
    let mut command = command(folder);
    command.args(["config", subcommand, "--config"]).arg(file);
    command
}

/// What the command prints on stdout, and on stderr.
pub(super) fn output(command: Command) -> (bool, String, String) {
    let (status, stdout, stderr) = Process::spawn(command).ended_within(DEADLINE);
    (status.success(), stdout, stderr)
}

#[test]
fn all_problems_of_a_file_are_reported_together_with_their_lines() {
    let folder = tempfile::tempdir().unwrap();
    let text = r#"listen = "here"
lisen = "127.0.0.1:80"
database-url = "mysql://u:hunter2@host/db"
log = loud
graphql-max-depth = "deep"
max-streams = 1.5
drain = "soon"
drain = "1s"
[graphql]
max-depth = 1
"#;
    let path = file(folder.path(), "rotakey.toml", text);
    for subcommand in [&["config", "check"][..], &["config", "print"], &["serve"], &[]] {
        let mut command = command(folder.path());
        command.args(subcommand).arg("--config").arg(&path).env("ROTAKEY_MAX_LIFETIME", "90");
        let (done, stdout, stderr) = output(command);
        assert_eq!((done, stdout.as_str()), (false, ""));
        assert!(!stderr.contains("hunter2"), "{stderr}");
        for (place, problem) in [
            (1, "--listen must be an address and a port"),
            (2, r#"unknown setting "lisen"; did you mean "listen"?"#),
            (3, "--database-url must start with sqlite:"),
            (4, "not valid TOML: "),
            (5, "invalid value for '--graphql-max-depth': invalid digit found in string"),
            (6, r#""max-streams" must be "#),
            (7, "--drain must be a duration"),
            (8, r#""drain" is set more than once"#),
            (9, r#"unknown section "graphql""#),
        ] {
            let expected = format!("{}, line {place}: {problem}", path.display());
            assert!(stderr.contains(&expected), "{expected}: {stderr}");
        }
        assert!(stderr.contains("ROTAKEY_MAX_LIFETIME: --max-lifetime must be a duration"), "{stderr}");
        assert_eq!(stderr.lines().count(), 10, "{stderr}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "something else than the file was written");
}

#[test]
fn a_file_that_cannot_be_used_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let fine = "log = \"warn\"\n";
    for (path, problem) in [
        (folder.path().join("missing.toml"), "cannot read the settings file"),
        (folder.path().to_owned(), "cannot read the settings file"),
        (file(folder.path(), "big.toml", "#".repeat(1024 * 1024 + 1)), "is longer than 1 MiB"),
        (file(folder.path(), "latin.toml", b"# fine\n# na\xefve\n"), "line 2: the settings file must be UTF-8"),
        (PathBuf::from("/dev/zero"), "is longer than 1 MiB"),
    ] {
        let (done, stdout, stderr) = output(config(folder.path(), "check", &path));
        assert_eq!((done, stdout.as_str()), (false, ""));
        let is_named = stderr.contains(&path.display().to_string()) && stderr.contains(problem);
        assert!(is_named && stderr.lines().count() == 1, "{stderr}");
    }
    let longest = format!("{fine}{}", "#".repeat(1024 * 1024 - fine.len()));
    let path = file(folder.path(), "longest.toml", longest);
    let (done, stdout, stderr) = output(config(folder.path(), "check", &path));
    assert!(done, "{stderr}");
    assert_eq!(stdout, format!("The settings are valid: {}\n", path.display()));
}

#[test]
fn a_flag_precedes_a_variable_which_precedes_the_file_which_precedes_the_default() {
    let folder = tempfile::tempdir().unwrap();
    let path =
        file(folder.path(), "rotakey.toml", "log = \"debug\"\ncached-values = 5\nlisten = 81\nrequire-expiry = true\n");
    let printed = |flags: &[&str], variables: &[(&str, &str)]| {
        let mut command = command(folder.path());
        command.args(["config", "print"]).args(flags).envs(variables.iter().copied()).env("ROTAKEY_CONFIG", &path);
        let (done, stdout, stderr) = output(command);
        assert!(done, "{stderr}");
        stdout
    };
    let from_file = printed(&[], &[("ROTAKEY_LOG", "")]);
    let place = path.display();
    for line in [
        format!("log = \"debug\" # {place}, line 1"),
        format!("cached-values = 5 # {place}, line 2"),
        format!("listen = 81 # {place}, line 3"),
        format!("require-expiry = true # {place}, line 4"),
        "max-body-bytes = 1048576 # default".to_owned(),
        "# max-lifetime is not set".to_owned(),
    ] {
        assert!(from_file.lines().any(|printed| printed == line), "{line}: {from_file}");
    }
    let variables = [("ROTAKEY_LOG", "warn"), ("ROTAKEY_CACHED_VALUES", "6")];
    let overridden = printed(&["--log=error", "--require-expiry=no"], &variables);
    for line in [
        "log = \"error\" # command line",
        "cached-values = 6 # ROTAKEY_CACHED_VALUES",
        "require-expiry = \"no\" # command line",
    ] {
        assert!(overridden.lines().any(|printed| printed == line), "{line}: {overridden}");
    }
    // What is printed is a settings file itself.
    let again = file(folder.path(), "again.toml", from_file.replace("database-url", "# database-url"));
    let (done, reprinted, stderr) = output(config(folder.path(), "print", &again));
    assert!(done, "{stderr}");
    let values = |text: &str| text.lines().map(|line| line.split(" # ").next().unwrap().to_owned()).collect::<Vec<_>>();
    assert_eq!(values(&reprinted), values(&from_file));
}

#[test]
fn every_flag_of_serve_can_be_set_in_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let mut help = command(folder.path());
    help.args(["serve", "--help"]);
    let (_, help, _) = output(help);
    let flags: BTreeSet<String> = help
        .lines()
        .filter_map(|line| line.trim_start().strip_prefix("--"))
        .map(|flag| flag.split([' ', '[']).next().unwrap().to_owned())
        .filter(|flag| !["config", "help", "version"].contains(&flag.as_str()))
        .collect();
    assert!(flags.len() > 25 && flags.contains("database-url-file"), "{flags:?}");
    let mut example = command(folder.path());
    example.args(["config", "example"]);
    let (_, example, _) = output(example);
    let secrets = [
        ("database-url", "sqlite://rotakey.db\n"),
        ("smtp-url", "smtps://rotakey@mail.example.com:465\n"),
        ("smtp-password", "word\n"),
        ("otlp-endpoint", "https://collector.example.com:4318\n"),
        ("otlp-headers", "authorization=Bearer%20SECRET\n"),
    ]
    .map(|(name, secret)| (name, file(folder.path(), name, secret)));
    // The value of each line is the default or an example. Only one of a setting and its file may be given.
    let text: String = example
        .lines()
        .filter_map(|line| line.strip_prefix('#').filter(|line| !line.starts_with([' ', '#']) && !line.is_empty()))
        .filter(|line| !secrets.iter().any(|(name, _)| line.starts_with(&format!("{name} "))))
        .map(|line| line.replace("/run/secrets", &folder.path().display().to_string()) + "\n")
        .collect();
    let formats = file(folder.path(), "foreign-values.toml", "").display().to_string();
    let text = text.replace("/etc/rotakey/foreign-values.toml", &formats);
    let path = file(folder.path(), "rotakey.toml", &text);
    let named = text.lines().map(|line| line.split(" = ").next().unwrap().to_owned()).collect::<BTreeSet<_>>();
    let is_secret = |flag: &String| secrets.iter().any(|(name, _)| flag == name);
    assert_eq!(named, flags.into_iter().filter(|flag| !is_secret(flag)).collect());
    let (done, printed, stderr) = output(config(folder.path(), "print", &path));
    assert!(done, "{stderr}");
    let is_file = |line: &str| secrets.iter().any(|(name, _)| line.starts_with(&format!("{name}-file ")));
    for (at, line) in text.lines().enumerate().filter(|(_, line)| !is_file(line)) {
        let printed_line = format!("{line} # {}, line {}", path.display(), at + 1);
        assert!(printed.lines().any(|line| line == printed_line), "{printed_line}: {printed}");
    }
    for (name, file) in secrets {
        assert!(printed.contains(&format!("{name} = \"(secret)\" # {}\n", file.display())), "{printed}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_and_the_commands_beside_it_use_the_same_file() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("of-file.db");
    let text = format!(
        "listen = \"127.0.0.1:0\"\nlog-format = \"json\"\ndatabase-url = \"sqlite://{}\"\n",
        database.display()
    );
    let path = file(folder.path(), "rotakey.toml", text);
    let mut serve = command(folder.path());
    serve.arg("--config").arg(&path);
    let server = Process::listening(serve);
    server.logged("\"message\":\"settings file read\"");
    let mut bootstrap = command(folder.path());
    bootstrap.arg("bootstrap").env("ROTAKEY_CONFIG", &path);
    let (done, printed, stderr) = output(bootstrap);
    assert!(done, "{stderr}");
    assert_eq!(server.client().with(printed.trim()).check().await, Ok(1));
    server.signal(Signal::SIGTERM);
    assert!(server.ended().0.success());
    let mut backup = command(folder.path());
    backup.args(["backup", "--config"]).arg(&path).arg(folder.path().join("copy.db"));
    assert!(output(backup).0);
}
