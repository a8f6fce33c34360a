//! The command of the page about TLS.

use std::fs;

use crate::house::docs::{fenced, text_of};
use crate::support::certificates::Authority;
use crate::support::process::{Process, command};

#[test]
fn the_command_of_the_page_serves_https_without_a_warning() {
    let authority = Authority::new();
    authority.issue_local("server", 20);
    fs::rename(authority.path("server.pem"), authority.path("fullchain.pem")).unwrap();
    fs::rename(authority.path("server.key"), authority.path("privkey.pem")).unwrap();
    let page = text_of("docs/tls.md");
    let shown = fenced(&page, "console");
    let [line] = shown.as_slice() else { panic!("{shown:?}") };
    let arguments: Vec<_> = line.strip_prefix("rotakey ").unwrap().split(' ').collect();
    assert!(arguments.contains(&"0.0.0.0:8443"));
    let mut command = command(authority.folder.path());
    // The port may be taken on the machine of the tests.
    command.args(arguments.iter().map(|argument| argument.replace(":8443", ":0")));
    let server = Process::listening(command);
    let port = server.url.rsplit(':').next().unwrap();
    assert_eq!(authority.curled(&[&format!("https://localhost:{port}/healthz")]), "ok\n");
    assert!(!server.said().contains("plain HTTP"), "{}", server.said());
}
