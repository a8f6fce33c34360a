//! The commands that packages and images are made of: completions, man pages and the health check.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::Duration;

use crate::support::deadline::until;
use crate::support::process::{Process, command};

const DEADLINE: Duration = Duration::from_secs(60);

#[test]
fn every_shell_gets_completions_and_every_command_a_man_page() {
    let folder = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish"] {
        let mut completions = command(folder.path());
        completions.args(["completions", shell]);
        let (status, script, _) = Process::spawn(completions).ended_within(DEADLINE);
        assert!(status.success() && script.contains("retire-values"), "{shell}: {script}");
    }
    let mut pages = command(folder.path());
    pages.arg("man-pages").arg(folder.path());
    assert!(Process::spawn(pages).ended_within(DEADLINE).0.success());
    let mut help = command(folder.path());
    help.arg("--help");
    let (_, help, _) = Process::spawn(help).ended_within(DEADLINE);
    let commands = help.split("Commands:").nth(1).unwrap().split("Options:").next().unwrap().to_owned();
    // Below a command, its description is indented by more.
    let names = commands.lines().filter_map(|line| line.strip_prefix("  ")).filter(|line| !line.starts_with(' '));
    let names: Vec<&str> = names.map(|line| line.split(' ').next().unwrap()).filter(|name| *name != "help").collect();
    assert!(names.contains(&"serve") && names.contains(&"healthcheck"), "{names:?}");
    for name in names {
        let page = std::fs::read_to_string(folder.path().join(format!("rotakey-{name}.1"))).unwrap();
        assert!(page.contains(".SH SYNOPSIS"), "{name}: {page}");
    }
    let mut nowhere = command(folder.path());
    nowhere.args(["man-pages", "/nowhere"]);
    let (status, _, stderr) = Process::spawn(nowhere).ended_within(DEADLINE);
    assert!(!status.success() && stderr.contains("Name a folder that exists."), "{stderr}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_health_check_succeeds_only_while_the_server_is_ready() {
    let folder = tempfile::tempdir().unwrap();
    let check = |flag: &str, address: &str| {
        let mut check = command(folder.path());
        check.args(["healthcheck", flag, address]);
        let (status, _, stderr) = Process::spawn(check).ended_within(DEADLINE);
        (status.success(), stderr)
    };
    let address_of = |url: &str| url.trim_start_matches("http://").trim_end_matches("/metrics").to_owned();
    let mut serve = command(folder.path());
    serve.args(["serve", "--listen", "0.0.0.0:0", "--metrics-listen", "127.0.0.1:0", "--drain", "60s"]);
    let server = Process::listening(serve);
    let said = server.said();
    let metrics = said.split("Metrics: ").nth(1).unwrap().split_whitespace().next().unwrap();
    // Until the server has been in contact with the database, it is not ready.
    until("a server that is ready", async || check("--listen", &address_of(&server.url)).0).await;
    assert_eq!(check("--listen", &address_of(&server.url)), (true, String::new()));
    assert_eq!(check("--metrics-listen", &address_of(metrics)), (true, String::new()));
    server.signal(nix::sys::signal::Signal::SIGTERM);
    server.logged("draining");
    let (ready, stderr) = check("--listen", &address_of(&server.url));
    assert!(!ready && stderr.contains("is not ready: {") && stderr.contains("\"serving\":false"), "{stderr}");

    // Something listens, and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let (ready, stderr) = check("--listen", &silent.local_addr().unwrap().to_string());
    assert!(!ready && stderr.contains("does not answer: no answer within 4 seconds"), "{stderr}");
    let free = silent.local_addr().unwrap();
    drop(silent);
    let (ready, stderr) = check("--listen", &free.to_string());
    assert!(!ready && stderr.contains("does not answer"), "{stderr}");

    // Something else listens.
    for answer in ["", "220 mail ready\r\n"] {
        let other = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = other.local_addr().unwrap().to_string();
        let answers = std::thread::spawn(move || {
            let (mut client, _) = other.accept().unwrap();
            client.read_exact(&mut [0; 16]).unwrap();
            client.write_all(answer.as_bytes()).unwrap();
            client.shutdown(std::net::Shutdown::Write).unwrap();
            let _ = client.read_to_end(&mut Vec::new());
        });
        let (ready, stderr) = check("--listen", &address);
        assert!(!ready && stderr.contains("does not answer: what listens there does not speak HTTP"), "{stderr}");
        answers.join().unwrap();
    }
}
