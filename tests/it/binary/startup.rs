//! What the binary reads at its start, flags and environment, and what it says of where it is.

use std::process::Command;
use std::time::Duration;

use crate::support::process::{Process, binary, command};

const DEADLINE: Duration = Duration::from_secs(60);

/// `serve` with other flags than the tests use.
fn serve(folder: &std::path::Path, listen: &str) -> Command {
    let mut command = command(folder);
    command.args(["serve", "--listen", listen]);
    command
}

#[tokio::test(flavor = "multi_thread")]
async fn names_and_bare_ports_are_listened_on_and_every_address_is_said_and_warned_of() {
    let folder = tempfile::tempdir().unwrap();
    for (listen, host, warned) in [
        ("localhost:0", "127.0.0.1:", false),
        ("0", "127.0.0.1:", false),
        ("[::1]:0", "[::1]:", false),
        ("0.0.0.0:0", "0.0.0.0:", true),
    ] {
        let server = Process::listening(serve(folder.path(), listen));
        assert!(server.url.starts_with(&format!("http://{host}")), "{listen}: {}", server.url);
        let said = server.said();
        assert_eq!(said.contains("plain HTTP"), warned, "{listen}: {said}");
        assert!(said.contains(&format!("Database: {}", folder.path().join("rotakey.db").display())), "{said}");
        // What is printed to be pasted works on this machine.
        let port = server.url.rsplit(':').next().unwrap();
        let pasted = if warned { format!("http://127.0.0.1:{port}") } else { server.url.clone() };
        assert!(said.contains(&format!("Playground: {pasted}/playground")), "{said}");
        let answer = server.client().at(&pasted).request("GET", "/healthz").send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 200);
        server.logged("database=");
    }
}

#[test]
fn an_address_that_cannot_be_listened_on_is_told() {
    let folder = tempfile::tempdir().unwrap();
    for (listen, told) in [
        ("here", "--listen must be an address and a port"),
        (":8080", "--listen must be an address and a port"),
        ("no-such-host.invalid:80", "Cannot listen on no-such-host.invalid:80"),
        ("192.0.2.1:80", "Cannot listen on 192.0.2.1:80"),
    ] {
        let (status, stdout, stderr) = Process::spawn(serve(folder.path(), listen)).ended_within(DEADLINE);
        assert_eq!((status.code(), stdout.as_str()), (Some(1), ""), "{listen}");
        assert!(stderr.contains(told), "{listen}: {stderr}");
    }
}

#[test]
fn an_empty_variable_is_as_good_as_none_for_every_setting() {
    let folder = tempfile::tempdir().unwrap();
    let help = Process::output(Command::new(binary()).args(["serve", "--help"]));
    let help = String::from_utf8(help.stdout).unwrap();
    let variables: Vec<&str> = help
        .split("[env: ")
        .skip(1)
        .map(|rest| rest.split(['=', ']']).next().unwrap())
        .filter(|name| name.starts_with("ROTAKEY_"))
        .collect();
    assert!(variables.len() > 15, "{variables:?}");
    for subcommand in [&["serve", "--listen", "127.0.0.1:0"][..], &["--listen", "127.0.0.1:0"], &["bootstrap"]] {
        let mut command = command(folder.path());
        command.args(subcommand).envs(variables.iter().map(|name| (name, "")));
        if subcommand[0] == "bootstrap" {
            assert!(Process::output(&mut command).status.success());
        } else {
            Process::listening(command);
        }
    }
}

#[test]
fn booleans_are_read_alike_from_flags_and_from_the_environment() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |command: Command| {
        let (status, _, stderr) = Process::spawn(command).ended_within(DEADLINE);
        assert!(!status.success());
        stderr.contains("--require-expiry must be one of 1, 0, true, false, yes and no.")
    };
    // With a problem of their own, so that none of them serves.
    for (text, good) in [("1", true), ("0", true), ("TRUE", true), ("No", true), ("perhaps", false), ("2", false)] {
        let by_flag = {
            let mut command = serve(folder.path(), "here");
            command.arg(format!("--require-expiry={text}"));
            command
        };
        let by_variable = {
            let mut command = serve(folder.path(), "here");
            command.env("ROTAKEY_REQUIRE_EXPIRY", text);
            command
        };
        assert_eq!((refused(by_flag), refused(by_variable)), (!good, !good), "{text}");
    }
    let mut alone = serve(folder.path(), "here");
    alone.arg("--require-expiry");
    assert!(!refused(alone));
}

#[test]
fn a_limit_that_is_too_low_to_start_is_said_in_words() {
    let mut limited = Command::new("sh");
    // Standard input, output and error, and the files of the dynamic linker, but none for waiting.
    limited.args(["-c", "ulimit -n 4; exec \"$0\" schema"]).arg(binary());
    let (status, stdout, stderr) = Process::spawn(limited).ended_within(DEADLINE);
    assert_eq!((status.code(), stdout.as_str()), (Some(1), ""), "{stderr}");
    assert!(stderr.contains("Cannot start the runtime") && stderr.contains("Raise the limits"), "{stderr}");
}
