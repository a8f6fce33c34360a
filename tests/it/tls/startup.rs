//! Starting with TLS: what is wrong with the files is said before anything is opened.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use crate::support::certificates::Authority;
use crate::support::process::{Process, command};

fn serve(authority: &Authority, arguments: &[&str]) -> Command {
    let mut command = command(authority.folder.path());
    command.args(["serve", "--listen", "127.0.0.1:0", "--database-url", "sqlite://rotakey.db"]).args(arguments);
    command
}

#[test]
fn files_that_cannot_be_used_are_named_with_what_is_wrong() {
    let authority = Authority::new();
    authority.issue_local("server", 20);
    authority.issue_local("other", 20);
    let pem = fs::read_to_string(authority.path("server.pem")).unwrap();
    fs::write(authority.path("half.pem"), &pem[..pem.len() / 2]).unwrap();
    fs::write(authority.path("odd.pem"), "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").unwrap();
    fs::write(authority.path("empty.pem"), "").unwrap();
    fs::write(authority.path("large.pem"), vec![b'\n'; 1024 * 1024 + 1]).unwrap();
    let mut encrypt = Command::new("openssl");
    encrypt.args(["pkey", "-in", "server.key", "-aes256", "-passout", "pass:x", "-out", "encrypted.key"]);
    assert!(encrypt.current_dir(authority.folder.path()).status().unwrap().success());
    let pair = |certificate, key| ["--tls-certificate", certificate, "--tls-key", key];
    for (arguments, words) in [
        (&pair("none.pem", "server.key")[..], "Cannot read none.pem (--tls-certificate): No such file"),
        (&pair("server.pem", "none.key"), "Cannot read none.key (--tls-key): No such file"),
        (&pair("empty.pem", "server.key"), "empty.pem (--tls-certificate) contains no certificate"),
        (&pair("server.key", "server.pem"), "server.key (--tls-certificate) contains no certificate"),
        (
            &pair("half.pem", "server.key"),
            "half.pem (--tls-certificate) is not a complete PEM file: a BEGIN line has no END line.",
        ),
        (&pair("odd.pem", "server.key"), "odd.pem (--tls-certificate) contains a certificate that cannot be read"),
        (&pair("large.pem", "server.key"), "large.pem (--tls-certificate) is larger than 1 MiB"),
        (&pair("server.pem", "server.pem"), "server.pem (--tls-key) contains no private key"),
        (&pair("server.pem", "encrypted.key"), "The private key in encrypted.key (--tls-key) is encrypted"),
        (
            &pair("server.pem", "other.key"),
            "other.key (--tls-key) does not belong to the first certificate in server.pem",
        ),
        (&pair("server.pem", "server.key")[..2], "--tls-certificate needs --tls-key"),
        (&pair("server.pem", "server.key")[2..], "--tls-key needs --tls-certificate"),
        (&["--tls-client-ca", "ca.pem"], "--tls-client-ca needs --tls-certificate and --tls-key"),
        (
            &["--tls-certificate", "server.pem", "--tls-key", "server.key", "--tls-client-ca", "server.key"],
            "server.key (--tls-client-ca) contains no certificate",
        ),
    ] {
        let (status, stdout, stderr) = Process::spawn(serve(&authority, arguments)).ended();
        assert_eq!((status.code(), stdout.as_str()), (Some(1), ""), "{arguments:?}");
        assert!(stderr.contains(words), "{arguments:?}: {stderr}");
        assert!(!authority.path("rotakey.db").exists(), "{arguments:?}");
        let mut check = command(authority.folder.path());
        check.args(["config", "check"]).args(arguments);
        let (status, stdout, stderr) = Process::spawn(check).ended();
        assert_eq!((status.code(), stdout.as_str()), (Some(1), ""), "{arguments:?}");
        assert!(stderr.contains(words), "{arguments:?}: {stderr}");
    }
}

#[test]
fn an_expired_certificate_is_warned_of() {
    let authority = Authority::new();
    for (days, words) in [(20, "TLS certificate read"), (0, "the TLS certificate has expired")] {
        authority.issue_local("server", days);
        let server =
            Process::listening(serve(&authority, &["--tls-certificate", "server.pem", "--tls-key", "server.key"]));
        server.logged(words);
    }
}

#[test]
fn a_key_that_everyone_can_read_is_warned_of() {
    let authority = Authority::new();
    authority.issue_local("server", 20);
    for (mode, warns) in [(0o600, false), (0o640, false), (0o644, true)] {
        fs::set_permissions(authority.path("server.key"), fs::Permissions::from_mode(mode)).unwrap();
        let server =
            Process::listening(serve(&authority, &["--tls-certificate", "server.pem", "--tls-key", "server.key"]));
        server.signal(nix::sys::signal::Signal::SIGTERM);
        let (status, _, stderr) = server.ended();
        assert!(status.success());
        assert_eq!(stderr.contains("can read the private key"), warns, "{mode:o}: {stderr}");
    }
}

#[test]
fn files_on_a_disk_that_hangs_are_said_instead_of_waiting_for_ever() {
    let authority = Authority::new();
    authority.issue_local("server", 20);
    fs::remove_file(authority.path("server.pem")).unwrap();
    // Opening a pipe waits for its other end, as a file on such a disk never answers.
    mkfifo(&authority.path("server.pem"), Mode::S_IRUSR).unwrap();
    let own = ["--tls-certificate", "server.pem", "--tls-key", "server.key"].as_slice();
    let collector = ["--otlp-endpoint", "https://localhost", "--otlp-ca", "server.pem"].as_slice();
    let hanging = [own, collector].map(|flags| Process::spawn(serve(&authority, flags)));
    for (process, flag) in hanging.into_iter().zip(["--tls-certificate", "--otlp-ca"]) {
        let (status, stdout, stderr) = process.ended();
        assert_eq!((status.code(), stdout.as_str()), (Some(1), ""), "{stderr}");
        assert!(stderr.contains("cannot be read within 5 seconds. Check the disk"), "{stderr}");
        assert!(stderr.contains(flag), "{stderr}");
    }
    assert!(!authority.path("rotakey.db").exists());
}
