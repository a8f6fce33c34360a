//! A database that cannot be used: the binary ends at once, names it, and says what to do.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use rotakey::store::Store;
use sea_orm::{ConnectionTrait, Database, TransactionTrait};

use crate::support::database::TestDatabase;
use crate::support::process::{Process, binary, command};

/// Longer than any time for which something is waited for.
const DEADLINE: Duration = Duration::from_secs(60);

/// What a command says that cannot use this database.
fn error_of(mut command: Command, subcommand: &str, url: &str) -> String {
    command.args([subcommand, "--database-url", url]);
    if subcommand == "serve" {
        command.args(["--listen", "127.0.0.1:0"]);
    }
    let (status, stdout, stderr) = Process::spawn(command).ended_within(DEADLINE);
    assert_eq!((status.code(), stdout.as_str()), (Some(1), ""), "{subcommand} {url}: {stderr}");
    assert!(!stderr.contains("hunter2") && !stderr.contains("pool timed out"), "{stderr}");
    stderr.lines().last().unwrap().to_owned()
}

fn assert_error(folder: &Path, subcommands: &[&str], url: &str, parts: &[&str]) {
    for subcommand in subcommands {
        let reported = error_of(command(folder), subcommand, url);
        for part in parts {
            assert!(reported.contains(part), "{subcommand} {url}: {reported:?} lacks {part:?}");
        }
    }
}

const BOTH: &[&str] = &["serve", "bootstrap"];

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_cannot_be_used_is_named_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    std::fs::write(at("text"), "This is a text, and no database. ".repeat(100)).unwrap();
    let foreign = Database::connect(format!("sqlite://{}?mode=rwc", at("foreign.db"))).await.unwrap();
    foreign.execute_unprepared("CREATE TABLE cakes (name TEXT)").await.unwrap();
    foreign.close().await.unwrap();
    let newer = Store::connect(&format!("sqlite://{}", at("newer.db"))).await.unwrap();
    newer.migrate().await.unwrap();
    newer.close().await.unwrap();
    let newer = Database::connect(format!("sqlite://{}", at("newer.db"))).await.unwrap();
    newer.execute_unprepared("INSERT INTO seaql_migrations VALUES ('m9999_later', 0)").await.unwrap();
    newer.close().await.unwrap();
    for (name, advice) in [
        ("", "is a folder"),
        ("missing/rotakey.db", "folder"),
        ("text", "is not a SQLite database"),
        ("foreign.db", "tables of another program (cakes)"),
        ("newer.db", "a newer version of Rotakey has changed it (m9999_later)"),
    ] {
        let path = if name.is_empty() { folder.path().display().to_string() } else { at(name) };
        assert_error(folder.path(), BOTH, &format!("sqlite://{path}"), &[&path, advice]);
    }
    let foreign = std::fs::read(at("foreign.db")).unwrap();
    assert_eq!(foreign[18..20], [1, 1], "it was not switched to the write-ahead log");
    // As named from the folder that the command runs in.
    assert_error(folder.path(), BOTH, "sqlite://text", &[&at("text"), "Name another file with --database-url"]);
    assert_error(folder.path(), BOTH, "sqlite://newer.db?mode=ro", &[&at("newer.db"), "mode=ro"]);
    assert_error(folder.path(), BOTH, "sqlite://newer.db?immutable=1", &[&at("newer.db"), "immutable"]);
    assert_error(folder.path(), BOTH, "sqlite://:memory:", &["would forget every token"]);
    assert_error(folder.path(), BOTH, "sqlite://newer.db?colour=red", &["cannot be read", "colour"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_another_process_has_locked_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("own.db").display().to_string();
    let url = format!("sqlite://{path}");
    let store = Store::connect(&url).await.unwrap();
    store.migrate().await.unwrap();
    store.close().await.unwrap();
    let holder = Database::connect(&url).await.unwrap();
    holder.execute_unprepared("PRAGMA locking_mode = EXCLUSIVE").await.unwrap();
    let holding = holder.begin().await.unwrap();
    holding.execute_unprepared("DELETE FROM audit_event").await.unwrap();
    assert_error(folder.path(), &["serve"], &url, &[&path, "another process has locked it"]);
    holding.rollback().await.unwrap();
}

#[test]
fn a_file_or_folder_that_may_not_be_written_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let mode = |path: &Path, mode: u32| std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
    // Root may write whatever it likes, so the binary is run by another user, who must be able to reach it.
    // Copied by a process of its own: a file that this process has open for writing is inherited by what another test starts
    // meanwhile, and cannot be run until that has ended.
    assert!(Command::new("cp").arg(binary()).arg(at("rotakey")).status().unwrap().success());
    let is_root = nix::unistd::geteuid().is_root();
    let run = || {
        let mut command = Command::new(at("rotakey"));
        command.current_dir(folder.path());
        if is_root {
            command.uid(65534).gid(65534);
        }
        command
    };
    for name in ["closed", "hidden", "open"] {
        std::fs::create_dir(at(name)).unwrap();
        std::fs::write(at(name).join("own.db"), "").unwrap();
        mode(&at(name).join("own.db"), if name == "open" { 0o444 } else { 0o666 });
    }
    mode(&at("open"), 0o777);
    mode(&at("closed"), 0o555);
    mode(&at("hidden"), 0o000);
    mode(folder.path(), 0o755);
    for (name, advice) in [
        ("open/own.db", "is not writable"),
        ("closed/own.db", "folder"),
        ("closed/new.db", "cannot be created"),
        ("hidden/own.db", "cannot be accessed"),
    ] {
        let path = at(name).display().to_string();
        let reported = error_of(run(), "serve", &format!("sqlite://{path}"));
        assert!(
            reported.contains(&path) && reported.contains(advice) && reported.contains("user that runs Rotakey"),
            "{reported}"
        );
    }
    mode(&at("hidden"), 0o700);
}

#[test]
fn bootstrap_makes_no_database_and_says_which_file_it_looked_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rotakey.db");
    let expect_error_of = |what: &str| {
        let mut command = command(folder.path());
        command.arg("bootstrap");
        let (status, stdout, stderr) = Process::spawn(command).ended_within(DEADLINE);
        assert_eq!((status.code(), stdout.as_str()), (Some(1), ""), "{what}: {stderr}");
        assert!(stderr.contains(&path.display().to_string()) && stderr.contains("--database-url"), "{what}: {stderr}");
    };
    expect_error_of("a missing file");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    std::fs::write(&path, "").unwrap();
    expect_error_of("an empty file");
    assert_eq!(std::fs::metadata(&path).unwrap().len(), 0);
}

#[tokio::test]
#[ignore = "needs PostgreSQL: run ./tests/with-postgres"]
async fn on_postgres_bootstrap_makes_no_tables_on_a_server() {
    let database = TestDatabase::postgres().await;
    let name = database.url.rsplit('/').next().unwrap();
    assert_error(&database.folder(), &["bootstrap"], &database.url, &[name, "rotakey serve"]);
    let store = Store::connect(&database.url).await.unwrap();
    store.migrate().await.unwrap();
    let mut bootstrap = command(&database.folder());
    bootstrap.args(["bootstrap", "--database-url", &database.url]);
    assert!(Process::spawn(bootstrap).ended_within(DEADLINE).0.success());
}

/// Answers every connection with an error of this SQLSTATE, as PostgreSQL would, or hangs up; its address.
fn refusing_server(error: Option<(&'static str, &'static str)>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut startup = [0; 8];
            let Some((code, message)) = error.filter(|_| stream.read_exact(&mut startup).is_ok()) else { continue };
            let fields = format!("SFATAL\0VFATAL\0C{code}\0M{message}\0\0");
            let mut answer = vec![b'E'];
            answer.extend(u32::try_from(fields.len() + 4).unwrap().to_be_bytes());
            answer.extend(fields.as_bytes());
            let _ = stream.write_all(&answer);
            let _ = stream.shutdown(std::net::Shutdown::Write);
            let _ = stream.read_to_end(&mut Vec::new());
        }
    });
    address
}

#[test]
fn a_server_that_cannot_be_used_is_named_with_what_to_do_and_without_user_or_password() {
    let folder = tempfile::tempdir().unwrap();
    let url = |address: &str| format!("postgres://somebody:hunter2@{address}/tokens?sslmode=disable");
    for (error, advice) in [
        (Some(("28P01", "password authentication failed")), "the password is wrong"),
        (Some(("28000", "no pg_hba.conf entry for host \"127.0.0.1\", no encryption")), "accepts only TLS connections"),
        (Some(("28000", "role does not exist")), "rejects this user"),
        (Some(("3D000", "database does not exist")), "no database of this name"),
        (Some(("42501", "permission denied for database")), "GRANT CONNECT"),
        (Some(("08P01", "unsupported startup parameter: options")), "set ignore_startup_parameters = options"),
        (Some(("53300", "sorry, too many clients already")), "no free connection"),
        (Some(("57P03", "the database system is starting up")), "starting"),
        (None, "the connection was closed"),
    ] {
        let address = refusing_server(error);
        assert_error(folder.path(), &["serve"], &url(&address), &[&format!("{address}/tokens"), advice]);
    }
    let unused = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    assert_error(
        folder.path(),
        BOTH,
        &url(&unused),
        &[&format!("{unused}/tokens"), "no server accepts connections there"],
    );
    assert_error(
        folder.path(),
        BOTH,
        &url("no-such-host.invalid"),
        &["no-such-host.invalid:5432", "the host name cannot be resolved"],
    );
    assert_error(folder.path(), BOTH, "postgres:///tokens?host=/nowhere", &["/nowhere", "no such socket"]);
    for unreadable in ["postgres://somebody:hunter2@host:bad/tokens", "postgres://somebody:hunt/er2@host/tokens"] {
        assert_error(folder.path(), BOTH, unreadable, &["cannot be read", "%2F"]);
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL: run ./tests/with-postgres"]
async fn on_postgres_a_database_of_a_server_that_cannot_be_used_is_named_with_what_to_do() {
    let database = TestDatabase::postgres().await;
    let folder = database.folder();
    let (server, name) = database.direct_url.rsplit_once('/').unwrap();
    let address = server.rsplit_once('@').unwrap().1;
    let place = format!("{address}/{name}");
    assert_error(&folder, BOTH, &format!("{server}/missing"), &[&format!("{address}/missing"), "CREATE DATABASE"]);
    assert_error(&folder, BOTH, &format!("{}?sslmode=require", database.direct_url), &[&place, "sslmode"]);
    let unknown_user = database.direct_url.replace("rotakey@", "unknown_user@");
    assert_error(&folder, BOTH, &unknown_user, &[&place, "rejects this user"]);

    let connection = database.connect().await;
    let role = format!("{name}_reader");
    let limit = format!("CREATE ROLE {role} LOGIN; REVOKE CREATE ON SCHEMA public FROM PUBLIC");
    connection.execute_unprepared(&limit).await.unwrap();
    let reader = database.direct_url.replace("rotakey@", &format!("{role}@"));
    assert_error(&folder, &["serve"], &reader, &[&place, "GRANT CREATE"]);

    connection.execute_unprepared("CREATE TABLE audit_event (id TEXT)").await.unwrap();
    assert_error(&folder, BOTH, &database.direct_url, &[&place, "tables of another program (audit_event)"]);
    connection.execute_unprepared("DROP TABLE audit_event; CREATE TABLE cakes (id TEXT)").await.unwrap();
    let store = Store::connect(&database.direct_url).await.unwrap();
    store.migrate().await.unwrap();
    store.close().await.unwrap();
    // The server needs no right to make tables once they exist.
    connection.execute_unprepared(&format!("GRANT ALL ON ALL TABLES IN SCHEMA public TO {role}")).await.unwrap();
    let mut bootstrap = command(&folder);
    bootstrap.args(["bootstrap", "--database-url", &reader]);
    let (status, _, stderr) = Process::spawn(bootstrap).ended_within(DEADLINE);
    assert!(status.success(), "{stderr}");
    connection.execute_unprepared("INSERT INTO seaql_migrations VALUES ('m9999_later', 0)").await.unwrap();
    assert_error(&folder, BOTH, &database.direct_url, &[&place, "a newer version of Rotakey has changed it"]);
    connection.execute_unprepared(&format!("DROP OWNED BY {role}; DROP ROLE {role}")).await.unwrap();
    connection.close().await.unwrap();
}
