//! A certificate authority, the certificates that it signs, and clients that trust it. Made with OpenSSL.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;

use rotakey::tls::{Files, Tls};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::deadline::soon;
use super::process::Process;

const EC: [&str; 5] = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];

pub struct Authority {
    pub folder: TempDir,
}

impl Authority {
    pub fn new() -> Self {
        let folder = TempDir::new().unwrap();
        // A name of its own: with the same name and another key, the signature is bad instead of the issuer unknown.
        let subject = format!("/CN={}", folder.path().file_name().unwrap().display());
        let mut request = openssl(folder.path(), "req");
        request.args(["-x509", "-subj", &subject, "-days", "30", "-keyout", "ca.key", "-out", "ca.pem"]).args(EC);
        run(request);
        Self { folder }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes `NAME.pem` and `NAME.key`, for these subject alternative names and so many days.
    pub fn issue(&self, name: &str, names: &str, days: u32) {
        let folder = self.folder.path();
        let mut request = openssl(folder, "req");
        request.args(["-new", "-subj", "/CN=test", "-keyout", &format!("{name}.key"), "-out", "csr"]).args(EC);
        run(request);
        fs::write(self.path("extensions"), format!("subjectAltName={names}\n")).unwrap();
        let mut sign = openssl(folder, "x509");
        sign.args(["-req", "-in", "csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-extfile", "extensions"]);
        sign.args(["-days", &days.to_string(), "-out", &format!("{name}.pem")]);
        run(sign);
    }

    /// As [`Authority::issue`], for this machine.
    pub fn issue_local(&self, name: &str, days: u32) {
        self.issue(name, "DNS:localhost,IP:127.0.0.1", days);
    }

    pub fn files(&self, name: &str) -> Files {
        Files {
            certificate: self.path(&format!("{name}.pem")),
            key: self.path(&format!("{name}.key")),
            client_ca: None,
        }
    }

    /// TLS with a certificate for this machine, whose files are `server.pem` and `server.key`.
    pub fn tls(&self) -> Tls {
        self.issue_local("server", 20);
        Tls::load(self.files("server")).unwrap()
    }

    /// curl that trusts this authority.
    pub fn curl(&self, arguments: &[&str]) -> Output {
        let mut curl = Command::new("curl");
        curl.args(["-sS", "--max-time", "30", "--noproxy", "*", "--cacert"]).arg(self.path("ca.pem")).args(arguments);
        Process::output(curl.current_dir(self.folder.path()))
    }

    /// What curl prints; it panics if there is no answer.
    pub fn curled(&self, arguments: &[&str]) -> String {
        let output = self.curl(arguments);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// A new connection by TLS, without HTTP/2.
    pub async fn connect(&self, url: &str) -> std::io::Result<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(self.path("ca.pem")).unwrap()).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let config = config.with_safe_default_protocol_versions().unwrap().with_root_certificates(roots);
        let stream = TcpStream::connect(url.trim_start_matches("http://")).await?;
        let connector = TlsConnector::from(Arc::new(config.with_no_client_auth()));
        soon(connector.connect(ServerName::try_from("localhost").unwrap(), stream)).await
    }

    /// The first certificate of this file, as a server presents it.
    pub fn certificate(&self, name: &str) -> CertificateDer<'static> {
        CertificateDer::from_pem_file(self.path(&format!("{name}.pem"))).unwrap()
    }
}

fn openssl(folder: &Path, command: &str) -> Command {
    let mut openssl = Command::new("openssl");
    openssl.arg(command).current_dir(folder);
    openssl
}

fn run(mut command: Command) {
    let output = Process::output(&mut command);
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}
