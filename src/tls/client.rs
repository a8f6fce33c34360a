//! TLS to other servers, whose certificate is always verified.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::certificate::authorities;
use super::error::Error;
use super::files::read_named;

/// Connects to servers by TLS.
#[derive(Clone)]
pub struct Connector(TlsConnector);

impl Connector {
    /// Trusts the authorities in the file that this flag names, in PEM format, or else those that are publicly trusted.
    ///
    /// # Errors
    /// When the file cannot be used.
    pub fn load(flag: &'static str, file: Option<PathBuf>) -> Result<Self, Error> {
        let roots = match file {
            Some(path) => authorities(&read_named(flag, path)?)?,
            None => webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect::<RootCertStore>(),
        };
        let provider = Arc::new(ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let config = config.map_err(|err| Error::Setup(err.to_string()))?;
        let config = config.with_root_certificates(roots).with_no_client_auth();
        Ok(Self(TlsConnector::from(Arc::new(config))))
    }

    /// Connects to the server of this name.
    ///
    /// # Errors
    /// When its certificate cannot be verified, or the connection fails.
    pub async fn connect(
        &self,
        name: &str,
        stream: TcpStream,
    ) -> io::Result<impl AsyncRead + AsyncWrite + Send + Unpin + 'static> {
        let name = ServerName::try_from(name.to_owned()).map_err(io::Error::other)?;
        self.0.connect(name, stream).await
    }
}
