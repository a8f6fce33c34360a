//! The binary: `serve`, `bootstrap`, `schema`, and how it starts and stops.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;

use nix::sys::signal::Signal;
use serde_json::json;

use crate::support::database::TestDatabase;
use crate::support::deadline::DEADLINE;
use crate::support::process::{Process, command, find_value};

#[tokio::test(flavor = "multi_thread")]
async fn the_first_start_prints_a_curl_line_that_rotates_and_the_second_prints_no_value() {
    let database = TestDatabase::new().await;
    let server = Process::serve(&database.folder(), &database.url);
    let first = server.client().with(server.first_value());
    server.signal(Signal::SIGTERM);
    let (_, stdout, _) = server.ended();

    let server = Process::serve(&database.folder(), &database.url);
    let line = stdout.lines().find(|line| line.trim_start().starts_with("curl ")).unwrap();
    // The port is another one now; all else is as it was printed.
    let printed = stdout.split("listening on ").nth(1).unwrap().split_whitespace().next().unwrap();
    let line = line.replace(printed, &server.url);
    let keep = stdout.lines().find(|line| line.trim_start().starts_with("export TOKEN=")).unwrap();
    let output = Process::output(Command::new("sh").args(["-u", "-c", &format!("{keep}\n{line}")]));
    let answer = String::from_utf8(output.stdout).unwrap();
    let second = first.with(find_value(&answer).unwrap()).at(&server.url);
    assert_eq!(second.check().await, Ok(2));
    assert_eq!(first.at(&server.url).check().await, Ok(2), "the overlap");
    let third = second.with(second.rotate().await.unwrap());
    assert_eq!(third.check().await, Ok(3));
    assert_eq!(first.at(&server.url).check().await, Err("VALUE_RETIRED".into()));

    server.signal(Signal::SIGINT);
    let (status, stdout, _) = server.ended();
    assert!(status.success());
    assert_eq!(find_value(&stdout), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_in_flight_at_sigterm_is_answered() {
    let database = TestDatabase::new().await;
    let server = Process::serve(&database.folder(), &database.url);
    let value = server.first_value();
    let body = json!({ "query": crate::support::client::ROTATE }).to_string();
    let (head, tail) = body.split_at(10);
    let mut stream = TcpStream::connect(server.url.trim_start_matches("http://")).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    write!(
        stream,
        "POST /graphql HTTP/1.1\r\nHost: x\r\nX-API-Key: {value}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nExpect: 100-continue\r\n\r\n",
        body.len()
    )
    .unwrap();
    // The server asks for the body once the request is being handled; so it is in flight.
    let mut interim = [0; 25];
    stream.read_exact(&mut interim).unwrap();
    assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    server.signal(Signal::SIGTERM);
    server.logged("stopping");
    stream.write_all(tail.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    let rotated = find_value(&answer).unwrap();
    let (status, _, _) = server.ended();
    assert!(status.success());

    let server = Process::serve(&database.folder(), &database.url);
    assert_eq!(server.client().with(rotated).check().await, Ok(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn bootstrap_prints_the_value_of_an_admin_token_alone_even_beside_a_running_server() {
    let database = TestDatabase::new().await;
    let server = Process::serve(&database.folder(), &database.url);
    for _ in 0..2 {
        let output = Process::output(command(&database.folder()).args(["bootstrap", "--database-url", &database.url]));
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let printed = String::from_utf8(output.stdout).unwrap();
        assert_eq!(printed.lines().count(), 1);
        let admin = server.client().with(printed.trim());
        let made = admin.create(json!({ "name": "x", "permissions": ["API_TOKEN_MODIFY"], "scopes": ["any"] })).await;
        assert!(made.is_ok());
        assert_eq!(admin.check().await, Ok(1));
    }
}

#[tokio::test]
async fn schema_prints_the_committed_schema() {
    let folder = tempfile::tempdir().unwrap();
    let output = Process::output(command(folder.path()).arg("schema"));
    assert!(output.status.success());
    assert_eq!(String::from_utf8(output.stdout).unwrap(), rotakey::graphql::sdl());
}

#[test]
fn every_problem_with_the_settings_is_told_at_once_before_anything_is_touched() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["--listen", "here", "--database-url", "mysql://user:hunter2@host/db", "--log", "loud"];
    let output = Process::output(command(folder.path()).args(arguments));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success());
    for flag in ["--listen", "--database-url", "--log"] {
        assert!(told.contains(flag), "{told}");
    }
    assert!(!told.contains("hunter2"));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_is_taken_is_told_and_no_first_token_is_made_for_nothing() {
    let database = TestDatabase::new().await;
    let holder = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = holder.local_addr().unwrap().to_string();
    let arguments = ["serve", "--listen", &taken, "--database-url", &database.url];
    let output = Process::output(command(&database.folder()).args(arguments));
    assert!(!output.status.success());
    assert!(String::from_utf8(output.stderr).unwrap().contains(&taken));
    assert!(output.stdout.is_empty());
    // The next start is still the first one.
    let server = Process::serve(&database.folder(), &database.url);
    assert_eq!(server.client().with(server.first_value()).check().await, Ok(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_subcommand_serves_and_health_is_told() {
    let database = TestDatabase::new().await;
    let server = Process::serve_by(&[], &database.folder(), &database.url);
    let answer = server.client().request("GET", "/healthz").send().await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.text().await.unwrap().as_str()), (200, "ok\n"));
    let help = Process::output(command(&database.folder()).arg("--help"));
    let help = String::from_utf8(help.stdout).unwrap();
    for word in [
        "--listen",
        "ROTAKEY_LISTEN",
        "--database-url",
        "ROTAKEY_DATABASE_URL",
        "--log",
        "serve",
        "bootstrap",
        "schema",
    ] {
        assert!(help.contains(word), "{word}: {help}");
    }
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn the_embedded_database_is_readable_by_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let database = TestDatabase::new().await;
    let folder = database.folder();
    let url = format!("sqlite://{}", folder.join("own.db").display());
    let _server = Process::serve(&folder, &url);
    for name in ["own.db", "own.db-wal", "own.db-shm"] {
        let mode = std::fs::metadata(folder.join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}
