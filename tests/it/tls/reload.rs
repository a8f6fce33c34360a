//! Certificates that are replaced while the server runs.

use std::fs;
use std::os::unix::fs::symlink;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use nix::sys::signal::Signal;
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use rotakey::tls::{Files, Reload, Tls};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::clients::{header, start};
use crate::support::certificates::Authority;
use crate::support::deadline::{soon, until};
use crate::support::process::{Process, command};
use crate::support::server::Server;

/// Verifies a value on a new connection: the status line.
async fn verify(authority: &Authority, server: &Server) -> std::io::Result<String> {
    let mut stream = authority.connect(&server.url).await?;
    let request = format!("GET /verify HTTP/1.1\r\nHost: x\r\n{}\r\nConnection: close\r\n\r\n", header(server));
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    soon(stream.read_to_string(&mut answer)).await?;
    Ok(answer.lines().next().unwrap_or_default().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_is_renewed_under_load_and_no_request_fails() {
    let authority = Arc::new(Authority::new());
    let tls = authority.tls();
    let (server, _) = start(tls.clone()).await;
    let (server, done, verified) = (Arc::new(server), Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let clients: Vec<_> = (0..4)
        .map(|_| {
            let (authority, server, done, verified) =
                (authority.clone(), server.clone(), done.clone(), verified.clone());
            tokio::spawn(async move {
                while !done.load(Ordering::SeqCst) {
                    assert_eq!(verify(&authority, &server).await.unwrap(), "HTTP/1.1 200 OK");
                    verified.fetch_add(1, Ordering::SeqCst);
                }
            })
        })
        .collect();
    let some_requests = async || {
        let before = verified.load(Ordering::SeqCst);
        until("requests", async || verified.load(Ordering::SeqCst) >= before + 8).await;
    };
    let mut kept = authority.connect(&server.url).await.unwrap();
    for days in 21..26 {
        authority.issue_local("next", days);
        let before = tls.expires_at();
        // The key first, as some tools do.
        fs::copy(authority.path("next.key"), authority.path("server.key")).unwrap();
        tls.reload(Reload::Periodic);
        some_requests().await;
        assert_eq!(tls.expires_at(), before);
        fs::copy(authority.path("next.pem"), authority.path("server.pem")).unwrap();
        tls.reload(Reload::Periodic);
        some_requests().await;
        assert!(tls.expires_at() > before + 80_000);
        let stream = authority.connect(&server.url).await.unwrap();
        assert_eq!(stream.get_ref().1.peer_certificates().unwrap(), [authority.certificate("next")]);
    }
    done.store(true, Ordering::SeqCst);
    for client in clients {
        client.await.unwrap();
    }
    // A connection that began with the first certificate goes on.
    kept.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut head = [0; 15];
    soon(kept.read_exact(&mut head)).await.unwrap();
    assert_eq!(&head, b"HTTP/1.1 200 OK");
}

#[test]
fn files_are_followed_however_they_are_replaced() {
    let authority = Authority::new();
    for (name, days) in [("1", 10), ("2", 12), ("3", 14)] {
        authority.issue_local(name, days);
        fs::create_dir(authority.path(&format!("..{name}"))).unwrap();
        for kind in ["pem", "key"] {
            fs::rename(authority.path(&format!("{name}.{kind}")), authority.path(&format!("..{name}/tls.{kind}")))
                .unwrap();
        }
    }
    // As Kubernetes mounts a secret: files are links through a link, and that is replaced.
    symlink("..1", authority.path("..data")).unwrap();
    symlink("..data/tls.pem", authority.path("tls.pem")).unwrap();
    symlink("..data/tls.key", authority.path("tls.key")).unwrap();
    let tls = Tls::load(authority.files("tls")).unwrap();
    let first = tls.expires_at();
    symlink("..2", authority.path("..data_tmp")).unwrap();
    fs::rename(authority.path("..data_tmp"), authority.path("..data")).unwrap();
    tls.reload(Reload::Periodic);
    let second = tls.expires_at();
    assert!(second > first);
    // As an editor saves: a new file takes the name. The modification time is that of the older one.
    let time = fs::metadata(authority.path("tls.pem")).unwrap().modified().unwrap();
    for kind in ["pem", "key"] {
        fs::rename(authority.path(&format!("..3/tls.{kind}")), authority.path(&format!("tls.{kind}"))).unwrap();
        fs::File::open(authority.path(&format!("tls.{kind}"))).unwrap().set_modified(time).unwrap();
    }
    tls.reload(Reload::Periodic);
    assert!(tls.expires_at() > second);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_cannot_be_used_change_nothing_and_the_metrics_say_so() {
    let authority = Authority::new();
    let tls = authority.tls();
    let (server, url) = start(tls.clone()).await;
    let header = header(&server);
    let metrics = || authority.curled(&["-H", &header, &format!("{url}/metrics")]);
    let expires = format!("rotakey_tls_certificate_expires_timestamp_seconds {}\n", tls.expires_at());
    let good = [fs::read(authority.path("server.pem")).unwrap(), fs::read(authority.path("server.key")).unwrap()];
    let write = |pem: &[u8], key: &[u8]| {
        fs::write(authority.path("server.pem"), pem).unwrap();
        fs::write(authority.path("server.key"), key).unwrap();
        tls.reload(Reload::Requested);
    };
    authority.issue_local("other", 25);
    let other = fs::read(authority.path("other.pem")).unwrap();
    for (pem, key) in [
        (&good[0][..good[0].len() / 2], &good[1][..]),
        (&good[0], &good[1][..good[1].len() / 2]),
        (b"", &good[1]),
        (&other, &good[1]),
    ] {
        write(pem, key);
        let metrics = metrics();
        assert!(metrics.contains("rotakey_tls_last_reload_successful 0\n"), "{metrics}");
        assert!(metrics.contains(&expires), "{metrics}");
    }
    fs::remove_file(authority.path("server.key")).unwrap();
    tls.reload(Reload::Requested);
    assert!(metrics().contains("rotakey_tls_last_reload_successful 0\n"));
    write(&good[0], &good[1]);
    assert!(metrics().contains("rotakey_tls_last_reload_successful 1\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_looks_at_the_files_by_itself_and_at_sighup() {
    let authority = Authority::new();
    authority.issue_local("server", 20);
    authority.issue_local("next", 25);
    let Files { certificate, key, .. } = authority.files("server");
    let mut command = command(authority.folder.path());
    command
        .args(["serve", "--listen", "127.0.0.1:0", "--tls-certificate"])
        .arg(&certificate)
        .arg("--tls-key")
        .arg(&key);
    let server = Process::listening(command);
    assert!(server.url.starts_with("https://127.0.0.1:"), "{}", server.url);
    let health = format!("{}/healthz", server.url);
    assert_eq!(authority.curled(&[&health]), "ok\n");
    fs::copy(authority.path("next.key"), &key).unwrap();
    server.signal(Signal::SIGHUP);
    // It is logged at once, and not again at every look.
    server.logged("does not belong to the first certificate");
    assert_eq!(authority.curled(&[&health]), "ok\n");
    fs::copy(authority.path("next.pem"), &certificate).unwrap();
    server.logged("TLS certificate reloaded");
    assert_eq!(authority.curled(&[&health]), "ok\n");
    server.signal(Signal::SIGTERM);
    let (status, _, stderr) = server.ended();
    assert!(status.success());
    assert_eq!(stderr.matches("cannot use the changed TLS files").count(), 1, "{stderr}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_hangs_neither_stops_the_metrics_nor_keeps_the_server_from_stopping() {
    let authority = Authority::new();
    authority.issue_local("server", 20);
    let Files { certificate, key, .. } = authority.files("server");
    let mut command = command(authority.folder.path());
    command
        .args(["serve", "--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0", "--tls-certificate"])
        .arg(&certificate)
        .arg("--tls-key")
        .arg(&key);
    let server = Process::listening(command);
    server.logged("listening for metrics");
    server.signal(Signal::SIGHUP);
    server.logged("the TLS files have not changed");
    // Opening a pipe waits for its other end, as a file on such a disk never answers.
    fs::remove_file(&certificate).unwrap();
    mkfifo(&certificate, Mode::S_IRUSR).unwrap();
    server.signal(Signal::SIGHUP);
    server.logged("the TLS files cannot be read in time");
    let said = server.said();
    let metrics = said.split("Metrics: ").nth(1).unwrap().split_whitespace().next().unwrap();
    for _ in 0..4 {
        let metrics = authority.curled(&["--max-time", "10", metrics]);
        assert!(metrics.contains("rotakey_tls_last_reload_successful 1\n"), "{metrics}");
    }
    assert_eq!(authority.curled(&["--max-time", "10", &format!("{}/healthz", server.url)]), "ok\n");
    server.signal(Signal::SIGTERM);
    let (status, _, stderr) = server.ended();
    assert!(status.success(), "{stderr}");
}
